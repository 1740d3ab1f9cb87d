"""From a trap to a running agent again, or to the decision to leave it alone.

    worker thread   the batch behind the trap goes back to the mailbox, the poisoned message to its sender
    event loop      Failed at once; the sandbox is freed; the supervisor says when, or whether, to start again

While an agent waits for its restart its mailbox stays open. When the supervisor gives up, what waits goes
back to the senders as FAILURE, and those who talk with it are told. An agent that was stopped for a limit is
slowed down as well (`degradation.py`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from typing import Any

from msgspec import structs

from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.failures import Failure, of_error, of_trap
from caxton_node.agents.instance import Instance
from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.starting import Starter
from caxton_node.agents.store import AgentStore
from caxton_node.agents.supervision import GiveUp
from caxton_node.agents.violations import ViolationBook
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.fipa import FailureReason
from caxton_node.messaging.router import Router
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.traps import Trap, TrapKind
from caxton_node.runtime.violations import OF_TRAP, Violation

DECIDE_S = 5.0
"""How long the end of the node waits for verdicts under way to be kept."""

_log = get_logger("agents")


class Reviver:
    """Implements `runtime.ports.Watch` for the agents of a roster.

    Args:
        roster: The agents of this node.
        router: Where messages go back to their senders.
        starter: Starts them again.
        store: Where failures are kept.
        violations: Where limits that were passed are noted.
        clock: For the supervisors.
        board: Where traps and restarts are counted.
        loop: The event loop of the node.
    """

    def __init__(
        self,
        *,
        roster: Roster,
        router: Router,
        starter: Starter,
        store: AgentStore,
        violations: ViolationBook,
        clock: Clock,
        board: Board,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._roster = roster
        self._router = router
        self._starter = starter
        self._store = store
        self._violations = violations
        self._clock = clock
        self._board = board
        self._loop = loop
        self._restarts = board.counter("caxton_agent_restarts_total")
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    # -- on a worker's thread -------------------------------------------------------------------------------

    def handle_violation(self, instance: str, violation: Violation) -> None:
        """Take the news of a limit that was passed."""
        self._violations.note(instance, violation)

    def handle_trap(
        self, instance: str, trap: Trap, poisoned_frame: bytes | None, waiting: Sequence[bytes]
    ) -> None:
        """Take the news of a lost instance."""
        charge = self._roster.find_instance(instance)
        lost = charge.find_instance(instance) if charge is not None else None
        if lost is not None and lost.is_open:
            lost.put_back(list(waiting))
        else:
            self._router.reroute(waiting, FailureReason.AGENT_STOPPED)
        if poisoned_frame is not None:
            self._router.return_trapped(poisoned_frame, trap)
        if charge is not None and lost is not None:
            failure = of_trap(trap, poisoned_frame, self._clock.unix_us() // 1000)
            self._loop.call_soon_threadsafe(self._note_trap, charge, lost, lost.run, trap, failure)

    # -- on the event loop ----------------------------------------------------------------------------------

    async def revive(self, charge: Charge) -> None:
        """Start a failed agent again now; a failure to start counts like a trap."""
        async with charge.lock:
            charge.timer = None
            instance, module = charge.instance, charge.instance.module
            if instance.state is not State.FAILED or module is None or self._closed:
                return
            instance.load(module)
            try:
                await self._starter.start(charge)
            except CaxtonError as err:
                await self.note_failure(charge, of_error(err, self._clock.unix_us() // 1000))
                await self._decide(charge)
            else:
                _log.info("agent restarted", agent=instance.id, restarts=charge.restarts)
                self._ease_later(charge)
            self._roster.announce(charge)

    async def note_failure(self, charge: Charge, failure: Failure) -> None:
        """Move an agent to Failed and keep why."""
        charge.instance.step(Event.FAIL, str(failure))
        await self._keep(charge, failure)

    async def close(self) -> None:
        """Let no restart come any more; what was decided already is kept first."""
        self._closed = True
        for charge in self._roster:
            charge.cancel_restart()
        tasks = list(self._tasks)
        if tasks:
            await asyncio.wait(tasks, timeout=DECIDE_S)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _note_trap(self, charge: Charge, instance: Instance, run: int, trap: Trap, failure: Failure) -> None:
        self._board.counter("caxton_wasm_traps_total", kind=str(trap.kind)).add()
        if run != instance.run or not instance.is_in(State.RUNNING, State.DRAINING) or self._closed:
            return
        was_draining = instance.state is State.DRAINING
        # At once and without the lock: a command that drains this agent holds it and waits for the state.
        instance.step(Event.FAIL, str(failure))
        if charge.instance is not instance:
            return  # it was retiring: its successor has nothing to do with it
        if trap.kind in OF_TRAP:
            charge.degradation.handle_stop(self._clock.now())
        charge.failure = failure
        if not was_draining:
            self._spawn(self._recover(charge, instance, run))

    async def _recover(self, charge: Charge, instance: Instance, run: int) -> None:
        async with charge.lock:
            is_here = self._roster.find_instance(instance.id) is charge and charge.instance is instance
            if not is_here or instance.run != run or instance.state is not State.FAILED:
                return  # an operator was faster, or it was never deployed in the end
            if instance.restored and not instance.handled:
                await self._starter.drop(charge.name)  # what it was given may be what it died of
            await instance.halt()
            if charge.failure is not None:
                await self._keep(charge, charge.failure)
            if charge.row.desired is State.RUNNING:  # else it trapped while it was to be stopped
                await self._decide(charge)
            self._roster.announce(charge)

    async def _decide(self, charge: Charge) -> None:
        failure = charge.failure
        by_the_clock = failure is not None and failure.kind == TrapKind.TIME
        burned_s = charge.row.manifest.limits.wall_time_s if by_the_clock else 0.0
        verdict = charge.supervisor.handle_failure(self._clock.now(), burned_s)
        if isinstance(verdict, GiveUp):
            left = charge.instance.close_mailbox()
            self._router.reroute(left, FailureReason.AGENT_STOPPED)
            if charge.retiring is None:  # an earlier version goes on with its conversations for a while
                address = charge.instance.address
                self._router.partners.tell_of_agent(address, f"{address} has been given up", left)
            if charge.failure is not None:
                await self._keep(charge, structs.replace(charge.failure, verdict=verdict.reason))
            await self._set_desired(charge, State.FAILED)
            _log.error("agent given up", agent=charge.instance.id, reason=verdict.reason, returned=len(left))
            return
        charge.restarts += 1
        self._restarts.add()
        charge.timer = self._loop.call_later(verdict.after_s, lambda: self._spawn(self.revive(charge)))

    def _ease_later(self, charge: Charge) -> None:
        """Give a degraded agent a better pace when it has behaved for long enough."""
        wait_s = charge.degradation.eases_in_s(self._clock.now())
        if wait_s is not None and not self._closed:
            instance, run = charge.instance, charge.instance.run
            self._loop.call_later(wait_s, lambda: self._spawn(self._ease(charge, instance, run)))

    async def _ease(self, charge: Charge, instance: Instance, run: int) -> None:
        async with charge.lock:
            if charge.instance is instance and instance.run == run and instance.state is State.RUNNING:
                pace = charge.degradation.pace(self._clock.now())
                await instance.apply(pace)
                self._ease_later(charge)

    async def _keep(self, charge: Charge, failure: Failure) -> None:
        """Keep a failure; a store that takes nothing costs its memory beyond the next restart of the node."""
        charge.failure = failure
        charge.row = replace(charge.row, failure=failure)
        try:
            await self._store.set_failure(charge.name, failure, self._clock.unix_us() // 1000)
        except CaxtonError as err:
            _log.warning("a failure was not kept", agent=charge.instance.id, reason=str(err))

    async def _set_desired(self, charge: Charge, state: State) -> None:
        charge.row = replace(charge.row, desired=state)
        try:
            await self._store.set_desired(charge.name, state, self._clock.unix_us() // 1000)
        except CaxtonError as err:
            _log.warning("a state was not kept", agent=charge.instance.id, state=state.value, reason=str(err))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
