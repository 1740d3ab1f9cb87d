"""What is done for all agents of a node: bringing them back, asking for checkpoints, the end of the day."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Awaitable, Callable, Sequence

from caxton_node.agents.admission import Admission
from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.conditions import Conditions
from caxton_node.agents.hot_reload import HotReload
from caxton_node.agents.instance import Instance, Plant
from caxton_node.agents.lifecycle import State
from caxton_node.agents.starting import Starter
from caxton_node.agents.store import AgentStore, Deployed, Spooled
from caxton_node.agents.violations import ViolationBook
from caxton_node.core.errors import CaxtonError
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
        self._conditions = Conditions(roster)
        self._tasks = [
            asyncio.create_task(self._repeat(self._tell), name="agents-violations"),
            asyncio.create_task(self._repeat(self._take_checkpoints), name="agents-checkpoints"),
            asyncio.create_task(self._repeat(self._look), name="agents-conditions"),
        ]

    async def restore(
        self, make: Callable[[Instance, Deployed], Charge], bring_back: Callable[[Charge], Awaitable[None]]
    ) -> None:
        """Bring every agent back to where it was when the node stopped, and its waiting messages with it.

        The mail comes first, since an agent that runs might overtake with its first message what it had said
        before. It is deleted before anybody may handle it: if it is what a node dies of, the next start is to
        go well.

        Args:
            make: Takes an instance in charge.
            bring_back: Loads and starts it as its row says; what goes wrong is its own trouble, and then what
                waits in its mailbox goes back to the senders.
        """
        charges = [self._take_in_charge(row, make) for row in await self._store.read_all()]
        spooled = await self._store.read_spool()
        self._hand_out(spooled, [charge for charge in charges if charge.row.starts_with_node])
        if spooled:
            await self._store.delete_spool(spooled[-1].number)
        away = {charge.instance.address for charge in charges if not charge.instance.is_open}
        self._plant.router.partners.tell_of_agents(away, "it has not been started again with its node")
        for charge in charges:
            if charge.instance.is_in(State.UNLOADED):
                await bring_back(charge)
            self._roster.announce(charge)
        self._roster.withdraw_others()

    def _take_in_charge(self, row: Deployed, make: Callable[[Instance, Deployed], Charge]) -> Charge:
        is_kept_down = row.desired is State.RUNNING and not row.starts_with_node
        desired = State.STOPPED if is_kept_down else row.desired
        state = desired if desired in {State.STOPPED, State.FAILED} else State.UNLOADED
        charge = make(Instance(self._plant, row.manifest, row.number, state), row)
        self._admission.take(charge.name, row.manifest.limits.memory_bytes)
        self._roster.add(charge)
        return charge

    def _hand_out(self, spooled: Sequence[Spooled], to_run: Sequence[Charge]) -> None:
        """Open the mailboxes of all that are to run, and put mail where it was, or where it belongs now."""
        instances = {charge.name: charge.instance for charge in to_run}
        for instance in instances.values():
            instance.open_mailbox()
        router, waited = self._plant.router, defaultdict[str, list[bytes]](list)
        for letter in spooled:
            if letter.is_followed:
                waited[letter.receiver].append(letter.frame)
        for name, frames in waited.items():
            if name in instances:
                router.give_mail(instances[name].id, frames)
            else:
                router.reroute(frames, FailureReason.AGENT_STOPPED)
        router.resend([letter.frame for letter in spooled if not letter.is_followed])

    async def stop(self) -> None:
        """Ask for no further checkpoints; the first thing that a node does when it closes."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def put_to_sleep(self) -> None:
        """Stop every agent; what it knows and what waits is kept for the next start of the node.

        All are stopped before the first mailbox is closed: what an agent says in its last turn waits too.
        """
        await self._for_each(self._put_to_sleep)
        await self._store_last_words()
        self._plant.router.partners.tell_of_parting()
        await self._for_each(self._spool_mail)
        await self._spool_parked()
        self._violations.tell()
        await self._plant.chronicle.close()

    async def _for_each(self, work: Callable[[Charge], Awaitable[None]]) -> None:
        for charge in self._roster:
            try:
                async with charge.lock:
                    await work(charge)
            except Exception:  # noqa: BLE001  the others are to be kept all the same
                _log.exception("an agent was not put to sleep in good order", agent=charge.instance.id)

    async def _put_to_sleep(self, charge: Charge) -> None:
        await self._hot_reload.finish(charge)
        instance = charge.instance
        if instance.is_in(State.RUNNING, State.DRAINING):
            await instance.pause()
            await self._starter.keep(charge)
        await instance.halt()

    async def _spool_mail(self, charge: Charge) -> None:
        await charge.instance.halt()  # again, if something went wrong before
        left = charge.instance.close_mailbox()
        if left:
            await self._store.spool(charge.name, left, self._now_ms())

    async def _store_last_words(self) -> None:
        """Let what agents said durably in their last turns go where it waits with other mail."""
        try:
            await self._plant.router.durably_stored()
        except CaxtonError as err:  # as above
            _log.error("durable messages were not kept", reason=str(err))

    async def _spool_parked(self) -> None:
        try:
            await self._store.spool_parked(self._plant.router.close_parking(), self._now_ms())
        except CaxtonError as err:  # the rest of the node is to close in good order all the same
            _log.error("messages for agents that are not here were not kept", reason=str(err))

    def _now_ms(self) -> int:
        return self._plant.clock.unix_us() // 1000

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

    async def _look(self) -> None:
        self._conditions.look(self._plant.clock.now())

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
