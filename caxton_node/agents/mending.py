"""Agents whose modules were lost while the node was down: brought back when another node can give them.

Agents are brought back before the node has joined, when there is nobody to ask. So one whose module's file is
missing or damaged is Failed at first and keeps its mail, as one that waits for its restart does. Once the
node is among others its module is fetched, with patience, since they may be starting as well. If nobody has
it in half a minute, the mail goes back to its senders; the search goes on, more and more rarely.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable

from caxton_node.agents.charge import Charge
from caxton_node.agents.lifecycle import State
from caxton_node.agents.module_exchange import ModuleExchange
from caxton_node.core.errors import CaxtonError
from caxton_node.observability.logs import get_logger

PATIENT_TRIES = 6
"""After so many, half a minute, mail that waits goes back to its senders."""
PAUSE_MIN_S, PAUSE_MAX_S = 0.25, 30.0

Bring = Callable[[Charge], Awaitable[None]]

_log = get_logger("agents")


class Mender:
    """Brings agents back whose modules were lost.

    Args:
        exchange: Fetches modules.
        bring_back: Loads an agent that is Failed and starts it as its row says; the caller holds its lock.
        give_up: Returns what waits for an agent that is not brought back soon.

    Attributes:
        patient: Agents whose mail waits: their modules may still come soon.
    """

    def __init__(
        self, exchange: ModuleExchange, bring_back: Bring, give_up: Callable[[Charge], None]
    ) -> None:
        self._exchange = exchange
        self._bring_back = bring_back
        self._give_up = give_up
        self.patient: frozenset[str] = frozenset()  # replaced as a whole: other threads read it
        self._lost: list[Charge] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def note(self, charge: Charge) -> None:
        """Remember an agent for `start`."""
        self._lost.append(charge)
        self.patient |= {charge.name}

    def start(self) -> None:
        """Begin to mend what was noted; the node is among others now."""
        lost, self._lost = self._lost, []
        for charge in lost:
            task = asyncio.create_task(self._mend_or_forget(charge), name=f"mend-{charge.name}")
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def close(self) -> None:
        """Stop; what was not mended is as it was."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _mend_or_forget(self, charge: Charge) -> None:
        try:
            await self._mend(charge)
        finally:
            self.patient -= {charge.name}

    async def _mend(self, charge: Charge) -> None:
        run = charge.instance.run
        for tries in itertools.count(1):
            is_here = await self._fetch(charge.row.module_sha256)
            async with charge.lock:
                if charge.instance.run != run or charge.instance.state is not State.FAILED:
                    return  # an operator was faster
                if is_here:
                    await self._bring_back(charge)
                    return
                if tries == PATIENT_TRIES:
                    self._give_up(charge)
                    self.patient -= {charge.name}
            await asyncio.sleep(min(PAUSE_MIN_S * 2 ** min(tries, 16), PAUSE_MAX_S))

    async def _fetch(self, sha256: str) -> bool:
        try:
            await self._exchange.fetch(sha256)
        except CaxtonError as err:
            _log.warning("a lost module was not fetched", module=sha256[:12], reason=str(err))
            return False
        return True
