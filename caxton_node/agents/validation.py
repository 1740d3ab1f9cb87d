"""Tries modules before they are deployed: at most a few at once, each within seconds, whatever a module does.

What is tried is `examination.py`, what must be borne `contracts.py`, what comes out `findings.py`. Nothing is
kept but compiled code.

Source: story 012.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

from caxton_node.agents.examination import Examination
from caxton_node.agents.findings import Report, Stage, StageName, StageOutcome
from caxton_node.agents.manifest import Manifest, check_module_size
from caxton_node.core.clock import Clock, SystemClock
from caxton_node.core.errors import ResourceLimit
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.engine import Engine

_log = get_logger("agents")


@dataclass(frozen=True, slots=True)
class TrialSettings:
    """What trials may cost the node.

    Attributes:
        within_s: Time of one trial, compiling included.
        grace_s: How much longer its report is waited for.
        at_once: Trials at the same time.
        wait_s: How long others wait before they are refused.
        memory_bytes_max: Largest memory limit under which a module is tried. Nothing is promised to it, so
            this, and not admission, bounds what trials take from agents.
    """

    within_s: float = 4.5
    grace_s: float = 0.3
    at_once: int = 2
    wait_s: float = 5.0
    memory_bytes_max: int = 1024**3


class Validator:
    """Tries modules; close it before the engine.

    Args:
        engine: Where they are compiled and run.
        node_id: This node.
        clock: Real time.
        settings: What trials may cost.
    """

    def __init__(
        self,
        engine: Engine,
        node_id: str,
        clock: Clock | None = None,
        settings: TrialSettings | None = None,
    ) -> None:
        self._engine = engine
        self._node_id = node_id
        self._clock = clock or SystemClock()
        self._settings = settings or TrialSettings()
        self._slots = asyncio.Semaphore(self._settings.at_once)
        self._tasks: set[asyncio.Task[Report]] = set()

    async def validate(self, manifest: Manifest, module: bytes) -> Report:
        """Try a module and report on it; a module that fails is a report, not an error.

        Args:
            manifest: What it would be deployed as.
            module: Binary or text.

        Raises:
            InvalidArgument: The module is empty or larger than any agent may be.
            ResourceLimit: Its memory limit is too large for a trial, or other modules are being tried.
        """
        check_module_size(module)
        self._check_memory(manifest)
        await self._enter()
        within_s, grace_s = self._settings.within_s, self._settings.grace_s
        until = self._clock.now() + within_s
        examination = Examination(
            self._engine, self._node_id, manifest, module, until=until, clock=self._clock
        )
        task = asyncio.create_task(asyncio.to_thread(examination.run), name="validation")
        self._tasks.add(task)
        task.add_done_callback(self._leave)
        # A compiler cannot be stopped from here. It has limits of its own, and keeps the slot until then.
        done, _ = await asyncio.wait({task}, timeout=within_s + grace_s)
        report = task.result() if done else _late(examination, within_s)
        _tell(report)
        return report

    async def close(self) -> None:
        """Wait until no guest runs on behalf of a trial."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=self._settings.within_s)

    def _check_memory(self, manifest: Manifest) -> None:
        wanted, most = manifest.limits.memory_bytes, self._settings.memory_bytes_max
        if wanted > most:
            raise ResourceLimit(
                f"a module cannot be tried here with {wanted:,} bytes of memory",
                why=f"at most {most:,} are given to a trial",
                hint="try it with a lower --memory",
            )

    async def _enter(self) -> None:
        try:
            async with asyncio.timeout(self._settings.wait_s):
                await self._slots.acquire()
        except TimeoutError:
            raise ResourceLimit(
                "other modules are being tried",
                why=f"at most {self._settings.at_once} are at the same time",
                hint="try again in a moment",
            ) from None

    def _leave(self, task: asyncio.Task[Report]) -> None:
        self._tasks.discard(task)
        self._slots.release()
        if not task.cancelled():
            task.exception()  # if the caller is gone nobody else looks, and asyncio would complain


def _late(examination: Examination, within_s: float) -> Report:
    """Report on a module that was not done in time."""
    what = "the trial did not end" if examination.compiled else "it was not compiled"
    hint = "split its largest functions, or try again: what was compiled is kept"
    late = Stage(StageName.STATIC, StageOutcome.FAILED, f"{what} within {within_s:g} s", hint)
    return examination.report(late)


def _tell(report: Report) -> None:
    failed = report.failed
    _log.info(
        "module validated",
        module=report.module.sha256[:12],
        passed=report.passed,
        stage=str(failed.name) if failed else "",
        reason=failed.reason if failed else "",
        elapsed_ms=round(report.elapsed_s * 1000),
    )
