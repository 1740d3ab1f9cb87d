"""When a failed agent is started again, and when it is left alone.

A trap is often the fault of one message, so the first restart comes almost at once; what fails again and
again is broken, and restarting it burns the node. Waits therefore grow by a factor up to a ceiling, with
jitter, so that agents that fell together do not rise together, and a count within a sliding window ends the
attempts (the "restart intensity" of Erlang's supervisors). The rejected alternative, a fixed number of
restarts for ever, punishes an agent that traps once a month.

An agent that is stopped by the clock has had a worker for all that time. Few such failures fit into a window,
so the time that they burned is added up over a longer one and ends the attempts as well.
"""

from __future__ import annotations

import random
from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """How patient the supervisor is.

    Attributes:
        first_wait_s: Wait before the first restart, seconds.
        factor: By how much each further wait is longer.
        wait_max_s: Ceiling of a wait, seconds.
        jitter: Part of a wait that is drawn at random, 0 to 1.
        failures_max: Failures within the window that are still answered by a restart.
        window_s: Length of the sliding window, seconds.
        burned_max_s: Time of workers that failures within the longer window may have taken, seconds.
        burned_window_s: Length of that window, seconds.
    """

    first_wait_s: float = 0.05
    factor: float = 2.0
    wait_max_s: float = 30.0
    jitter: float = 0.2
    failures_max: int = 10
    window_s: float = 60.0
    burned_max_s: float = 15.0
    burned_window_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Restart:
    """Start the agent again after a wait."""

    after_s: float


@dataclass(frozen=True, slots=True)
class GiveUp:
    """Leave the agent Failed until an operator starts it."""

    reason: str


class Supervisor:
    """Judges the failures of one agent.

    Args:
        policy: How patient to be.
        rng: Source of the jitter.
    """

    def __init__(self, policy: RestartPolicy, rng: random.Random) -> None:
        self._policy = policy
        self._rng = rng
        self._failed_at: deque[float] = deque(maxlen=policy.failures_max + 1)
        self._burned: deque[tuple[float, float]] = deque(maxlen=policy.failures_max + 1)

    def handle_failure(self, now: float, burned_s: float = 0.0) -> Restart | GiveUp:
        """Judge one more failure.

        Args:
            now: Monotonic instant of it.
            burned_s: For how long the agent had a worker before it was stopped by the clock.
        """
        self._forget(now)
        self._failed_at.append(now)
        if burned_s:
            self._burned.append((now, burned_s))
        burned = sum(seconds for _, seconds in self._burned)
        if burned >= self._policy.burned_max_s:
            return GiveUp(f"it took {burned:g} s of a worker within {self._policy.burned_window_s:g} s")
        if len(self._failed_at) > self._policy.failures_max:
            return GiveUp(f"it failed {len(self._failed_at)} times within {self._policy.window_s:g} s")
        return Restart(self._wait_s(len(self._failed_at)))

    def count_failures(self, now: float) -> int:
        """Return how many failures lie within the window at the monotonic instant `now`."""
        self._forget(now)
        return len(self._failed_at)

    def reset(self) -> None:
        """Forget every failure: an operator took the matter in hand."""
        self._failed_at.clear()
        self._burned.clear()

    def _forget(self, now: float) -> None:
        while self._failed_at and now - self._failed_at[0] > self._policy.window_s:
            self._failed_at.popleft()
        while self._burned and now - self._burned[0][0] > self._policy.burned_window_s:
            self._burned.popleft()

    def _wait_s(self, failures: int) -> float:
        policy = self._policy
        wait_s: float = min(policy.wait_max_s, policy.first_wait_s * policy.factor ** (failures - 1))
        return wait_s * (1 - policy.jitter * self._rng.random())
