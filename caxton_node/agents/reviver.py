"""From a trap to a running agent again, or to the decision to leave it alone.

    worker thread   the batch behind the trap goes back to the mailbox, the poisoned message to its sender
    event loop      Failed at once; the sandbox is freed; the supervisor says when, or whether, to start again

While an agent waits for its restart its mailbox stays open. When the supervisor gives up, what waits goes
back to the senders as FAILURE.
"""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Sequence
from typing import Any

from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.supervision import GiveUp
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.fipa import FailureReason
from caxton_node.messaging.router import Router
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.traps import Trap

_log = get_logger("agents")


class Reviver:
    """Implements `runtime.ports.Watch` for the agents of a roster.

    Args:
        roster: The agents of this node.
        router: Where messages go back to their senders.
        clock: For the supervisors.
        board: Where traps and restarts are counted.
        loop: The event loop of the node.
    """

    def __init__(
        self, *, roster: Roster, router: Router, clock: Clock, board: Board, loop: asyncio.AbstractEventLoop
    ) -> None:
        self._roster = roster
        self._router = router
        self._clock = clock
        self._board = board
        self._loop = loop
        self._restarts = board.counter("caxton_agent_restarts_total")
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def handle_trap(
        self, instance: str, trap: Trap, poisoned_frame: bytes | None, waiting: Sequence[bytes]
    ) -> None:
        """Take the news of a lost instance on a worker's thread."""
        charge = self._roster.find_instance(instance)
        if charge is not None and charge.instance.is_open:
            charge.instance.put_back(list(waiting))
        else:
            self._router.reroute(waiting, FailureReason.AGENT_STOPPED)
        if poisoned_frame is not None:
            self._router.return_trapped(poisoned_frame, trap)
        if charge is not None:
            self._loop.call_soon_threadsafe(self._note_trap, charge, charge.instance.run, trap)

    async def revive(self, charge: Charge) -> None:
        """Start a failed agent again now; a failure to start counts like a trap."""
        async with charge.lock:
            charge.timer = None
            module = charge.instance.module
            if charge.instance.state is not State.FAILED or module is None or self._closed:
                return
            charge.instance.load(module)
            try:
                await charge.instance.start()
            except CaxtonError as err:
                charge.instance.step(Event.FAIL)
                charge.last_error = str(err)
                self._decide(charge)
            else:
                _log.info("agent restarted", agent=charge.instance.id, restarts=charge.restarts)
            self._roster.announce(charge)

    async def close(self) -> None:
        """Let no restart come any more."""
        self._closed = True
        for charge in self._roster:
            charge.cancel_restart()
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    def _note_trap(self, charge: Charge, run: int, trap: Trap) -> None:
        self._board.counter("caxton_wasm_traps_total", kind=str(trap.kind)).add()
        instance = charge.instance
        if run != instance.run or instance.state not in {State.RUNNING, State.DRAINING} or self._closed:
            return
        was_draining = instance.state is State.DRAINING
        # At once and without the lock: a command that drains this agent holds it and waits for the state.
        instance.step(Event.FAIL)
        charge.last_error = str(trap)
        _log.warning("agent trapped", agent=instance.id, kind=str(trap.kind), detail=str(trap))
        if not was_draining:
            self._spawn(self._recover(charge, run))

    async def _recover(self, charge: Charge, run: int) -> None:
        async with charge.lock:
            if charge.instance.run != run or charge.instance.state is not State.FAILED:
                return  # an operator was faster
            await charge.instance.halt()
            self._decide(charge)
            self._roster.announce(charge)

    def _decide(self, charge: Charge) -> None:
        verdict = charge.supervisor.handle_failure(self._clock.now())
        if isinstance(verdict, GiveUp):
            left = charge.instance.close_mailbox()
            self._router.reroute(left, FailureReason.AGENT_STOPPED)
            charge.last_error = f"{charge.last_error}; left alone because {verdict.reason}"
            _log.error("agent given up", agent=charge.instance.id, reason=verdict.reason, returned=len(left))
            return
        charge.restarts += 1
        self._restarts.add()
        charge.timer = self._loop.call_later(verdict.after_s, lambda: self._spawn(self.revive(charge)))

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
