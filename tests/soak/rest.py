"""Waiting until nothing moves, and what can be said when it does not come to that."""

from __future__ import annotations

import asyncio
from collections.abc import Collection

from tests.soak.books import Unbalanced
from tests.soak.node import Node
from tests.soak.wire import Wire

LOOK_EVERY_S = 0.002
TICK_S = 0.25
"""As in a daemon."""


class Rest:
    """Tells whether nodes and the wire between them are at rest.

    Args:
        nodes: The nodes.
        wire: Joins them.
    """

    def __init__(self, nodes: Collection[Node], wire: Wire) -> None:
        self._nodes = nodes
        self._wire = wire

    async def wait(self, within_s: float) -> None:
        """Wait until every router says that nothing is in flight, while time passes for them.

        Raises:
            Unbalanced: That does not come about, or an agent is paused for nobody.
        """
        loop = asyncio.get_running_loop()
        over_at = tick_at = loop.time()
        over_at += within_s
        while not self._has_come():
            self._find_forgotten()
            if loop.time() > over_at:
                raise Unbalanced("\n".join(["it does not come to rest:", *self._movements()]))
            if loop.time() > tick_at:
                tick_at += TICK_S
                for node in self._nodes:
                    node.tick()
            await asyncio.sleep(LOOK_EVERY_S)  # the state of worker threads has no event to wait for
        self._find_forgotten()

    def _has_come(self) -> bool:
        """Return whether nothing moves: nothing was accepted while it was found that nothing is in flight."""
        before = [node.router.counts() for node in self._nodes]
        rests = self._wire.is_whole and not self._wire.waiting and not any(one.in_flight for one in before)
        after = [node.router.counts() for node in self._nodes]
        return rests and [one.accepted for one in before] == [one.accepted for one in after]

    def _find_forgotten(self) -> None:
        forgotten = [fault for node in self._nodes for fault in node.find_forgotten()]
        if forgotten:
            raise Unbalanced("\n".join(forgotten))

    def _movements(self) -> list[str]:
        """Say what still moves."""
        found = [f"{self._wire.waiting} on the wire"]
        for node in self._nodes:
            found.append(f"{node.node_id}: {node.router.counts()}")
            for instance, agent in list(node.router._destinations.agents.items()):
                box, ahead = agent.mailbox, agent.mailbox.waits_for
                paused = "" if ahead is None else f", paused for {ahead.address} of {len(ahead)}"
                found.append(f"  {instance}: {len(box)} wait, {box.in_flight} in flight{paused}")
            found += [f"  {view.instance}: {view.state}" for view in node.house.service.views()]
        return found
