"""A module tried without being deployed: in a sandbox that is thrown away, and within a given time.

The limits of the agent hold, and one more that no agent can raise: wall time is cut so that the trial ends in
time whatever the module does. A start may otherwise take fifty messages' worth, which is minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter

import wasmtime

from caxton_node.core.clock import Clock
from caxton_node.runtime.engine import CompiledModule, Engine
from caxton_node.runtime.limits import RANGES, Limits
from caxton_node.runtime.outcomes import Outcome
from caxton_node.runtime.ports import LogSink
from caxton_node.runtime.profile import FEATURES, Profile
from caxton_node.runtime.sandbox import START_SHARE, Sandbox
from caxton_node.runtime.settings import EngineSettings, make_config

START_S_MAX = 2.0
MESSAGE_S_MAX = 0.5
CALL_S_MAX = 1.0
_WALL_TIME_S_MIN = RANGES["wall_time_s"][0]


@dataclass(frozen=True, slots=True)
class Started:
    """How a module started.

    Attributes:
        elapsed_s: From nothing to taking messages.
        fuel_units: Fuel used; 0 where none is counted.
        memory_bytes: Linear memory when it had started.
        sent: Frames that it sent meanwhile.
    """

    elapsed_s: float
    fuel_units: int
    memory_bytes: int
    sent: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Handled:
    """What it did with messages.

    Attributes:
        outcome: Of the call.
        memory_bytes: Linear memory afterwards.
        cut_to_s: Wall time that the whole call had, if that was less than the agent's own limit; else None.
    """

    outcome: Outcome
    memory_bytes: int
    cut_to_s: float | None


class Trial:
    """One throw-away instance. Blocks, and is used by one thread.

    Args:
        engine: The engine that compiled the module.
        module: What to try.
        limits: What it may use.
        until: Instant of the clock at which the trial has to be over.
        log: Where its log lines go.
        clock: Real time.

    Attributes:
        cut_to_s: Wall time that the latest call had, if that was less than the agent's own limit; else None.
    """

    def __init__(
        self,
        engine: Engine,
        module: CompiledModule,
        limits: Limits,
        *,
        until: float,
        log: LogSink,
        clock: Clock,
    ) -> None:
        self.cut_to_s: float | None = None
        self._limits = limits
        self._until = until
        self._clock = clock
        self._sandbox = _TrialSandbox(engine, module, limits, log, clock)

    @property
    def is_alive(self) -> bool:
        """Return whether it may be given messages."""
        return self._sandbox.is_alive

    def start(self, introduction: Mapping[str, object], checkpoint: bytes | None = None) -> Started:
        """Start it.

        Args:
            introduction: What `caxton_init` is given.
            checkpoint: What another instance left; None to start afresh.

        Raises:
            StartFailed: It did not start, or did not take the checkpoint.
            TimeoutError: No time was left to try.
        """
        # Taking a checkpoint may last as long as the start before it.
        self._cut(START_SHARE if checkpoint is None else 2 * START_SHARE, START_S_MAX)
        began_at = perf_counter()
        sent = self._sandbox.start(introduction, checkpoint)
        elapsed_s = perf_counter() - began_at
        return Started(elapsed_s, self._sandbox.start_fuel(), self._sandbox.memory_bytes, tuple(sent))

    def handle(self, frames: Sequence[bytes]) -> Handled:
        """Give it messages in one call; it must be alive.

        Raises:
            TimeoutError: No time was left to try.
        """
        self._cut(len(frames), min(CALL_S_MAX, MESSAGE_S_MAX * len(frames)))
        outcome = self._sandbox.handle(frames)
        return Handled(outcome, self._sandbox.memory_bytes, self.cut_to_s)

    def checkpoint(self) -> bytes:
        """Return what it leaves for its successor; it must be alive and export `caxton_checkpoint`.

        Raises:
            CheckpointFailed: It left none.
            TimeoutError: No time was left to try.
        """
        self._cut(START_SHARE, CALL_S_MAX)
        return self._sandbox.checkpoint()

    def close(self) -> None:
        """Free it; closing twice is fine."""
        self._sandbox.close()

    def _cut(self, messages: int, seconds_max: float) -> None:
        """Set the wall time of the next call, which may take so many messages' worth.

        Raises:
            TimeoutError: The least that can be set is more than what is left.
        """
        left_s = min(seconds_max, self._until - self._clock.now())
        share_s = left_s / messages
        if share_s < _WALL_TIME_S_MIN:
            raise TimeoutError
        wall_time_s = min(self._limits.wall_time_s, share_s)
        self.cut_to_s = left_s if wall_time_s < self._limits.wall_time_s else None
        self._sandbox.apply(replace(self._limits, wall_time_s=wall_time_s))


class _TrialSandbox(Sandbox):
    """A sandbox that tells what its start took."""

    __slots__ = ()

    def start_fuel(self) -> int:
        """Return the fuel that starting took, before anything else runs."""
        if not self._module.profile.cpu.has_fuel:
            return 0
        return self._limits.fuel_per_message * START_SHARE - self._guest.read_fuel()


def needed_features(binary: bytes, settings: EngineSettings) -> tuple[str, ...]:
    """Return the features that a module needs and an operator could allow, sorted.

    Empty if it needs none, and if all of them together would not do. Validates up to eight times, so call it
    for modules that the strict profile refuses.
    """
    needed = sorted(FEATURES)
    if not _is_valid(binary, [], settings) and _is_valid(binary, needed, settings):
        # Those that bring others with them first; else they would stand in for what they bring.
        for name in sorted(FEATURES, key=lambda name: -len(FEATURES[name])):
            rest = [other for other in needed if other != name]
            if _is_valid(binary, rest, settings):
                needed = rest
        return tuple(needed)
    return ()


def _is_valid(binary: bytes, features: Sequence[str], settings: EngineSettings) -> bool:
    engine = wasmtime.Engine(make_config(Profile(tuple(features)), settings))
    try:
        wasmtime.Module.validate(engine, binary)
    except wasmtime.WasmtimeError:
        return False
    return True
