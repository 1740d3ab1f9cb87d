"""What is done for all agents of a node: bringing them back, asking for checkpoints, the end of the day."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

from caxton_node.agents.admission import Admission
from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.hot_reload import HotReload
from caxton_node.agents.instance import Instance, Plant
from caxton_node.agents.lifecycle import State
from caxton_node.agents.starting import Starter
from caxton_node.agents.store import AgentStore, Deployed
from caxton_node.agents.violations import ViolationBook
from caxton_node.fipa import FailureReason
from caxton_node.observability.logs import get_logger

LOOK_EVERY_S = 0.25

_log = get_logger("agents")


class Keeper:
    """Looks after all agents.

    Args:
        plant: What instances share.
        roster: The agents.
        store: What was kept of them.
        admission: Told of those that were here before.
        starter: Starts them and keeps their checkpoints.
        hot_reload: Ends what retires.
        violations: Told about a few times a second.
    """

    def __init__(
        self,
        *,
        plant: Plant,
        roster: Roster,
        store: AgentStore,
        admission: Admission,
        starter: Starter,
        hot_reload: HotReload,
        violations: ViolationBook,
    ) -> None:
        self._plant = plant
        self._roster = roster
        self._store = store
        self._admission = admission
        self._starter = starter
        self._hot_reload = hot_reload
        self._violations = violations
        self._tasks = [
            asyncio.create_task(self._repeat(self._tell), name="agents-violations"),
            asyncio.create_task(self._repeat(self._take_checkpoints), name="agents-checkpoints"),
        ]

    async def restore(
        self, make: Callable[[Instance, Deployed], Charge], bring_back: Callable[[Charge], Awaitable[None]]
    ) -> None:
        """Bring every agent back to where it was when the node stopped, and its waiting messages with it.

        Args:
            make: Takes an instance in charge.
            bring_back: Loads and starts it as its row says; what goes wrong is its own trouble.
        """
        for row in await self._store.read_all():
            state = row.desired if row.desired in {State.STOPPED, State.FAILED} else State.UNLOADED
            charge = make(Instance(self._plant, row.manifest, row.number, state), row)
            self._admission.take(charge.name, row.manifest.limits.memory_bytes)
            self._roster.add(charge)
            if state is State.UNLOADED:
                await bring_back(charge)
            self._roster.announce(charge)
        self._roster.withdraw_others()
        if spooled := await self._store.read_spool():
            self._plant.router.reroute([frame for _, frame in spooled], FailureReason.AGENT_STOPPED)
            await self._store.delete_spool(spooled[-1][0])

    async def stop(self) -> None:
        """Ask for no further checkpoints; the first thing that a node does when it closes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def put_to_sleep(self) -> None:
        """Stop every agent; what it knows and what waits is kept for the next start of the node."""
        for charge in self._roster:
            try:
                async with charge.lock:
                    await self._put_to_sleep(charge)
            except Exception:  # noqa: BLE001  the others are to be kept all the same
                _log.exception("an agent was not put to sleep in good order", agent=charge.instance.id)
        self._violations.tell()
        await self._plant.chronicle.close()

    async def _put_to_sleep(self, charge: Charge) -> None:
        await self._hot_reload.finish(charge)
        instance = charge.instance
        if instance.is_in(State.RUNNING, State.DRAINING):
            await instance.pause()
            await self._starter.keep(charge)
        await instance.halt()
        left = instance.close_mailbox()
        if left:
            await self._store.spool(charge.name, left, self._plant.clock.unix_us() // 1000)

    # -- again and again ------------------------------------------------------------------------------------

    async def _repeat(self, turn: Callable[[], Awaitable[None]]) -> None:
        while True:
            await asyncio.sleep(LOOK_EVERY_S)
            try:
                await turn()
            except Exception:  # noqa: BLE001 - one bad turn must not end all that follow
                _log.exception("a turn of the agents' keeper failed")

    async def _tell(self) -> None:
        self._violations.tell()

    async def _take_checkpoints(self) -> None:
        """Ask for the checkpoints that are due; an agent with a command under way is asked the next time."""
        now = self._plant.clock.now()
        for charge in self._roster.due_for_checkpoint(now):
            if charge.lock.locked():
                continue
            async with charge.lock:
                charge.asked_at = now
                if charge.instance.is_in(State.RUNNING):
                    await self._take_checkpoint(charge)

    async def _take_checkpoint(self, charge: Charge) -> None:
        instance = charge.instance
        await instance.pause()
        try:
            checkpoint = await self._starter.take(charge)
        finally:
            instance.resume()
        if checkpoint is not None:
            await self._starter.put(charge, checkpoint)
