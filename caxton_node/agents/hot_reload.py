"""Another version in place of the one that runs: nothing lost, nothing out of order, nobody waits for long.

    state moves    new one starts | old one paused, checkpoint, restore | mailbox changes hands | new one runs
    nothing moves  new one starts | old one keeps its conversations, new one gets all others    | old one ends

Which of the two is decided by what the versions can do: if the old one leaves a checkpoint that the new one
takes, all conversations go on in the new one, after a pause of milliseconds. Otherwise those that are open
are finished by whoever began them, for as long as a drain may take (`messaging/handover.py`).

Until the moment of change nothing has happened to the old one: a version that does not start, or does not
take the state, leaves everything as it was.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from time import perf_counter

from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.checkpoints import Kind
from caxton_node.agents.instance import Instance, Plant, can_take
from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.retirement import Retirement
from caxton_node.agents.starting import Starter
from caxton_node.agents.store import Deployed
from caxton_node.fipa import FailureReason
from caxton_node.observability import Board
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.engine import CompiledModule

LOOK_EVERY_S = 0.02

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class Successor:
    """What takes over.

    Attributes:
        instance: Unloaded.
        module: Its machine code.
        row: What is stored of it.
    """

    instance: Instance
    module: CompiledModule
    row: Deployed


class HotReload:
    """Replaces instances.

    Args:
        plant: What instances share.
        roster: Knows the instances.
        starter: Starts them.
        board: Where the pauses are timed.
    """

    def __init__(self, plant: Plant, roster: Roster, starter: Starter, board: Board) -> None:
        self._plant = plant
        self._roster = roster
        self._starter = starter
        self._pauses = board.histogram("caxton_agent_reload_seconds")

    async def replace(self, charge: Charge, new: Successor, drain_s: float) -> None:
        """Let an instance take the place of the one that runs.

        Args:
            charge: The agent; it is Running or Failed, nothing retires, and the caller holds its lock.
            new: The instance that takes over.
            drain_s: How long the old one may finish what it began.

        Raises:
            DeploymentFailed: The new one did not start, or not with the state of the old one, which goes on.
        """
        new.instance.load(new.module)
        old = charge.instance
        # One that has failed leaves what it left before.
        prepare = self._starter.prepare if old.is_sound else self._starter.prepare_as_left
        sent = await prepare(new.instance)
        try:
            if not self._moves_state(old, new):
                # State of a version before the one that runs; this one and its restarts begin afresh.
                await self._starter.drop(charge.name)
            await old.pause()
            began_at = perf_counter()
            if self._moves_state(old, new):
                await self._move_state(charge, new, sent)
            else:
                self._split(charge, new, sent)
        except BaseException:
            await new.instance.halt()
            old.resume()
            raise
        self._pauses.observe(perf_counter() - began_at)
        charge.begin_anew()
        self._roster.announce_in_place_of(old.id, charge)
        if charge.retiring is None:
            await self._bury(old)
        else:
            retired = self._wait(charge, charge.retiring, drain_s)
            charge.retiring.waiting = asyncio.create_task(retired, name=f"retire {old.id}")
            charge.retiring.waiting.add_done_callback(tell_of_bug)

    async def finish(self, charge: Charge) -> None:
        """End the retirement of an agent's old instance, if one is under way: what it began goes over.

        The caller holds the lock of the agent. Cut short and done again it does what is left.
        """
        retirement = charge.retiring
        if retirement is None:
            return
        if retirement.waiting is not None and retirement.waiting is not asyncio.current_task():
            retirement.waiting.cancel()
        await retirement.instance.halt()
        router, address = self._plant.router, retirement.instance.address
        left = router.departures.end(retirement.instance.id, retirement.handover)
        router.reroute(left, FailureReason.AGENT_STOPPED)
        if not charge.instance.is_open:  # the successor has been given up meanwhile
            router.partners.tell_of_agent(address, f"{address} has been given up", left)
        await self._bury(retirement.instance)
        charge.retiring = None
        retirement.on_end()

    # -- the two ways ---------------------------------------------------------------------------------------

    @staticmethod
    def _moves_state(old: Instance, new: Successor) -> bool:
        return not old.is_sound or (old.keeps is Kind.GUEST and can_take(new.module))

    async def _move_state(self, charge: Charge, new: Successor, sent: list[bytes]) -> None:
        """Give the new one the state and the mailbox; one that has just trapped has only its mailbox left."""
        old = charge.instance
        checkpoint = await old.checkpoint() if old.is_sound else None
        if checkpoint is not None:
            sent += await new.instance.restore(checkpoint)
        if old.is_open:
            new.instance.inherit_mailbox(old)
        else:
            new.instance.open_mailbox()
        self._roster.replace(charge, new.instance, new.row)
        new.instance.launch(sent)

    def _split(self, charge: Charge, new: Successor, sent: list[bytes]) -> None:
        """Give the new one all conversations that the old one is not in."""
        old = charge.instance
        new.instance.open_mailbox()
        handover = self._plant.router.departures.begin(old.id, new.instance.id)
        self._roster.replace(charge, new.instance, new.row)
        charge.retiring = Retirement(old, handover)
        new.instance.launch(sent)
        old.step(Event.DRAIN)
        old.resume()

    # -- the end of the old one -----------------------------------------------------------------------------

    async def _wait(self, charge: Charge, retirement: Retirement, drain_s: float) -> None:
        """Wait until the old one has nothing left to do, or for as long as it may take."""
        try:
            async with asyncio.timeout(drain_s):
                # Workers and conversations tell nobody that they are done: looking is all there is.
                while not self._is_done(retirement):  # noqa: ASYNC110  see above
                    await asyncio.sleep(LOOK_EVERY_S)
        except TimeoutError:
            _log.info("an old version did not finish in time", agent=retirement.instance.id)
        async with charge.lock:
            if charge.retiring is retirement:
                await self.finish(charge)

    def _is_done(self, retirement: Retirement) -> bool:
        trapped = retirement.instance.state is not State.DRAINING
        return trapped or self._plant.router.departures.is_finished(retirement.handover)

    async def _bury(self, old: Instance) -> None:
        await old.halt()
        if old.is_in(State.RUNNING):
            old.step(Event.DRAIN)
        if old.is_in(State.DRAINING):
            old.step(Event.STOP)
        if not old.is_in(State.UNLOADED):
            old.step(Event.REMOVE)
        self._roster.forget(old.id)
