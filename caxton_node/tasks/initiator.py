"""One task at work, the asyncio shell of a negotiation: an address, timers, and those who follow it.

    message, timer, command -> Negotiation -> router, loop.call_later

It runs on the event loop. Records are kept behind it, in order and never two at once; that a task is over is
told only when it is on the disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

import msgspec

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.fipa import Envelope, FailureReason, Performative
from caxton_node.fipa.bidding import Send, Timer
from caxton_node.fipa.replies import PLATFORM_SENDER, FailureContent
from caxton_node.messaging.platform import Office
from caxton_node.observability.logs import get_logger
from caxton_node.tasks.negotiation import Command, Negotiation
from caxton_node.tasks.record import Record
from caxton_node.tasks.store import TaskStore

DEPTH_MIN = 1_000

_log = get_logger("tasks")


class Initiator:
    """Speaks and listens for one task.

    Args:
        name: `task~<id>`, its name as an agent.
        negotiation: What it carries out.
        office: The router.
        store: Where the record is kept.
        clock: Time.

    Attributes:
        over: Set when the task has ended and that is durable.
    """

    def __init__(
        self, *, name: str, negotiation: Negotiation, office: Office, store: TaskStore, clock: Clock
    ) -> None:
        self.over = asyncio.Event()
        self._name = name
        self._negotiation = negotiation
        self._office = office
        self._store = store
        self._clock = clock
        self._changed = asyncio.Event()
        self._timers: set[asyncio.TimerHandle] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._state = negotiation.record.state
        self._version = 0
        self._is_kept = True

    @property
    def record(self) -> Record:
        """Return what has happened so far."""
        return self._negotiation.record

    @property
    def awaits_answers(self) -> bool:
        """Return whether it must stay to answer what comes too late."""
        return self._negotiation.awaits_answers

    def start(self) -> None:
        """Take the address and call for proposals."""
        answers = 2 * len(self._negotiation.contractors)  # each may bid, and bid again
        self._office.add_platform_agent(self._name, self._handle, depth_max=max(DEPTH_MIN, answers))
        self._do(self._negotiation.start(self._clock.unix_us()))

    def cancel(self, detail: str) -> None:
        """Give up; everybody who is still in it is told. Nothing happens to a task that is over."""
        if not self.record.is_over:
            self._do(self._negotiation.cancel(detail, self._clock.unix_us()))

    def leave(self) -> None:
        """Give the address back; what comes from now on is refused by the platform."""
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        self._office.remove_platform_agent(self._name)

    async def wait_change(self, seen: int, timeout_s: float) -> None:
        """Return once the record is newer than `seen`, the task is over, or the time has passed.

        That it is over is told when it is durable, and not before.
        """
        try:
            async with asyncio.timeout(timeout_s):
                while not self.over.is_set() and (self.record.is_over or self.record.version <= seen):
                    await self._changed.wait()
        except TimeoutError:
            return

    async def settle(self) -> None:
        """Return when everything that has happened is kept."""
        if self._keeper is not None:
            await asyncio.gather(self._keeper, return_exceptions=True)

    # -- what comes in --------------------------------------------------------------------------------------

    def _handle(self, envelope: Envelope) -> None:
        now_us = self._clock.unix_us()
        if envelope.sender != PLATFORM_SENDER:
            self._do(self._negotiation.handle_message(envelope, now_us))
        elif envelope.performative is Performative.FAILURE:
            failed = _read_failure(envelope)
            # Deadlines are this task's own business: the platform's word for one comes a moment later.
            if failed is not None and failed.reason is not FailureReason.TIMEOUT:
                self._do(self._negotiation.handle_failure(failed.receiver, envelope.content, now_us))

    def _handle_timer(self, timer: Timer) -> None:
        self._do(self._negotiation.handle_timer(timer, self._clock.unix_us()))

    # -- what goes out --------------------------------------------------------------------------------------

    def _do(self, commands: Sequence[Command]) -> None:
        if self.record.version == self._version:
            return  # nothing has happened
        self._version = self.record.version
        for command in commands:
            if isinstance(command, Send):
                self._office.submit(command.envelope, personal=True)
            else:
                self._arm(command.timer, command.after_s)
        self._tell()
        if self.record.state is not self._state or self.record.is_over:
            self._state = self.record.state
            self._is_kept = False
            if self._keeper is None or self._keeper.done():
                self._keeper = asyncio.create_task(self._keep(), name=f"keep-{self._name}")

    def _tell(self) -> None:
        """Wake whoever waits for a change."""
        self._changed.set()
        self._changed = asyncio.Event()

    def _arm(self, timer: Timer, after_s: float) -> None:
        def ring() -> None:
            self._timers.discard(handle)
            self._handle_timer(timer)

        handle = asyncio.get_running_loop().call_later(after_s, ring)
        self._timers.add(handle)

    async def _keep(self) -> None:
        """Write the record down until nothing has happened since."""
        while not self._is_kept:
            self._is_kept = True
            try:
                await self._store.put(self.record)
            except CaxtonError as err:  # a full disk must not stop a negotiation; health shows it
                _log.warning("a task was not written down", task=self._name, reason=str(err))
        if self.record.is_over:
            self.over.set()
            self._tell()


def _read_failure(envelope: Envelope) -> FailureContent | None:
    """Read what the platform says; a newer node may have reasons that this one does not know."""
    try:
        return msgspec.json.decode(envelope.content or b"", type=FailureContent)
    except msgspec.DecodeError as err:
        _log.warning("a FAILURE of the platform cannot be read", reason=str(err))
        return None
