"""Telling of the lives of agents to who has subscribed.

An INFORM has the instances that an agent has now, all of them, and not what changed: one that was lost costs
nothing once the next has come, and a node that dies takes its instances out without a word of its own.
Changes are gathered for a moment, since an agent's start is several of them, and told in pieces, since a node
that comes may bring ten thousand agents.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from caxton_node.ams.acts import Watch
from caxton_node.ams.white_pages import Instances
from caxton_node.core.ids import Address
from caxton_node.core.name_filter import NameFilter, read_filter
from caxton_node.fipa import Envelope
from caxton_node.messaging.platform_subscriptions import Subscription, Subscriptions

GATHER_S = 0.05
NAMES_MAX = 200
INSTANCES_MAX = 100
TOTAL_MAX = 256

Tell = Callable[[Envelope, object], None]


class _Wish:
    """What one subscriber wants to be told."""

    __slots__ = ("names", "node")

    def __init__(self, names: NameFilter, node: str | None) -> None:
        self.names = names
        self.node = node


class Watching:
    """The subscriptions to the lives of agents; on the event loop.

    Args:
        registry: Who is there.
        tell: Sends an INFORM that answers a subscription's message.
        gather_s: How long changes are gathered.
    """

    def __init__(self, registry: Instances, tell: Tell, gather_s: float = GATHER_S) -> None:
        self._registry = registry
        self._tell = tell
        self._gather_s = gather_s
        self.subscriptions: Subscriptions[_Wish] = Subscriptions(total_max=TOTAL_MAX)
        self._changed: set[str] = set()
        self._timer: asyncio.TimerHandle | None = None
        registry.subscribe(self._handle)

    def add(self, envelope: Envelope, request: Watch) -> None:
        """Note a subscription.

        Raises:
            InvalidArgument: The name is none.
            Refused: There are too many.
        """
        self.subscriptions.add(envelope, _Wish(read_filter(request.name), request.node))

    def close(self) -> None:
        """Tell no more."""
        if self._timer is not None:
            self._timer.cancel()
        self._changed.clear()

    def _handle(self, names: frozenset[str]) -> None:
        if not len(self.subscriptions):
            return
        self._changed |= names
        self._wait()

    def _wait(self) -> None:
        if self._timer is None and self._changed:
            self._timer = asyncio.get_running_loop().call_later(self._gather_s, self._flush)

    def _flush(self) -> None:
        self._timer = None
        names = sorted(self._changed)[:NAMES_MAX]
        self._changed.difference_update(names)
        for subscription in self.subscriptions:
            told = {
                str(Address(name)): self._lives(name, subscription)
                for name in names
                if name in subscription.what.names
            }
            if told:
                self._tell(subscription.envelope, {"agents": told})
        self._wait()

    def _lives(self, name: str, subscription: Subscription[_Wish]) -> list[dict[str, str]]:
        node = subscription.what.node
        found = (record for record in self._registry.instances(name) if node in (None, record.node))
        return [
            {"instance": record.key, "node": record.node, "state": record.state}
            for record, _ in zip(found, range(INSTANCES_MAX), strict=False)
        ]
