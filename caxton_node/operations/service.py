"""When the parts of a node are looked at, and who is told.

Every check has `CHECK_S`, all run at once, so a look takes less than a second even if one hangs. One that
hangs is not asked again before it has answered: whatever is stuck is stuck once, not once a second.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from time import monotonic

from caxton_node.core.errors import CaxtonError
from caxton_node.observability.logs import get_logger
from caxton_node.operations.findings import Finding, Phase, Report, State
from caxton_node.operations.health import Health
from caxton_node.resilience.load_shedding import PAUSE_S

CHECK_S = 0.7
LOOK_EVERY_S = 1.0
SILENT_S = 3.0
"""So long a busy machine may hold up an answer; after that the part has failed."""
HANGS_S = 15.0
"""A part that has not answered for so long is stuck: only a new process gets rid of what holds it."""

Check = Callable[[], Awaitable[Finding]]
Listener = Callable[[Report], Awaitable[None]]

_log = get_logger("health")


class HealthService:
    """Looks at the parts of a node, once a second and whenever somebody asks.

    Args:
        names: Checks that there will be; those that are not there yet are starting.

    Attributes:
        health: Holds what was found.
    """

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.health = Health()
        self._checks: dict[str, Check | None] = dict.fromkeys(names)
        self._asked: dict[str, tuple[asyncio.Task[Finding], float]] = {}
        self._listeners: list[Listener] = []
        self._told: tuple[bool, str] | None = None
        self._wake = asyncio.Event()

    def add(self, checks: Mapping[str, Check]) -> None:
        """Look at these from now on."""
        self._checks.update(checks)

    def listen(self, listener: Listener) -> None:
        """Call `listener` whenever readiness or the status has changed; it must not raise."""
        self._listeners.append(listener)

    async def look(self) -> Report:
        """Run all checks and return what they found, in less than a second."""
        findings = await asyncio.gather(*(self._ask(name) for name in self._checks))
        report = self.health.take(findings)
        await self._tell(report)
        return report

    async def enter(self, phase: Phase) -> Report:
        """Say how far the node has come, and look."""
        self.health.enter(phase)
        return await self.look()

    def leave(self) -> None:
        """Say that the node stops; whoever asks is told so at once, listeners a moment later."""
        self.health.enter(Phase.LEAVING)
        self._wake.set()

    async def run(self) -> None:
        """Look once a second, until cancelled."""
        while True:
            await self.look()
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY_S):
                    await self._wake.wait()
            self._wake.clear()

    async def _ask(self, name: str) -> Finding:
        check = self._checks[name]
        if check is None:
            return Finding(name, State.STARTING, "is being opened")
        if name not in self._asked:
            task = asyncio.create_task(_run(name, check), name=f"check-{name}")
            self._asked[name] = task, monotonic()
        task, asked_at = self._asked[name]
        await asyncio.wait({task}, timeout=CHECK_S)
        if not task.done():
            return _silent(name, monotonic() - asked_at)
        if self._asked.get(name, (None, 0.0))[0] is task:  # else another look was faster
            del self._asked[name]
        return task.result()

    async def _tell(self, report: Report) -> None:
        told = (report.is_ready, report.status)
        if told == self._told:
            return
        if self._told is not None:  # that a node begins by starting is no news
            is_trouble = report.phase is Phase.SERVING and not report.is_ready
            log = _log.warning if is_trouble else _log.info
            log("health has changed", ready=report.is_ready, status=report.status, reasons=report.reasons)
        self._told = told
        for listener in self._listeners:
            await listener(report)


def _silent(name: str, waited_s: float) -> Finding:
    state = State.FAILED if waited_s >= SILENT_S else State.DEGRADED
    return Finding(name, state, f"no answer for {waited_s:.1f} s", is_fatal=waited_s >= HANGS_S)


async def _run(name: str, check: Check) -> Finding:
    try:
        return await check()
    except CaxtonError as err:
        return Finding(name, State.FAILED, str(err))
    except Exception as err:  # noqa: BLE001  a check with a bug is a finding, and no reason to stop looking
        return Finding(name, State.FAILED, f"{type(err).__name__}: {err}")


async def measure_lag(note: Callable[[float], None]) -> None:
    """Tell how late the event loop is, ten times a second, until cancelled."""
    loop = asyncio.get_running_loop()
    while True:
        due_at = loop.time() + PAUSE_S
        await asyncio.sleep(PAUSE_S)
        note(loop.time() - due_at)
