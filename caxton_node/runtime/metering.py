"""What one sandbox has used of its limits in a call, and what was beyond them."""

from __future__ import annotations

from caxton_node.core.clock import Clock
from caxton_node.runtime.host.calls import HostState
from caxton_node.runtime.limits import Limits
from caxton_node.runtime.outcomes import Outcome
from caxton_node.runtime.rates import Rate
from caxton_node.runtime.stopwatch import Stopwatch
from caxton_node.runtime.traps import Trap
from caxton_node.runtime.violations import OF_TRAP, Action, Bound, Violation


class Meter:
    """Keeps the rates of one sandbox and names the limits that it passed.

    Args:
        state: Counts host calls and dropped lines.
        limits: What the agent may use.
        clock: For the rates.

    Attributes:
        watch: Times the call under way.
        limits: What the agent may use.
    """

    __slots__ = ("_clock", "_host_calls", "_messages", "_state", "limits", "watch")

    def __init__(self, state: HostState, limits: Limits, clock: Clock) -> None:
        self._state = state
        self._clock = clock
        self.watch = Stopwatch()
        state.look = self.watch.look
        now = clock.now()
        self._host_calls = Rate(limits.host_calls_per_s, now)
        self._messages = Rate(limits.messages_per_s, now)
        self.apply(limits)

    def apply(self, limits: Limits) -> None:
        """Go by other limits from the next call on; what is owed stays owed, see `Rate.change`."""
        self.limits = limits
        now = self._clock.now()
        self._host_calls.change(limits.host_calls_per_s, now)
        self._messages.change(limits.messages_per_s, now)
        self._state.log.change_rate(limits.log_lines_per_s)
        self.watch.time_s = limits.wall_time_s

    @property
    def has_news(self) -> bool:
        """Return whether the last call used anything that has a rate."""
        return bool(self._state.calls or self._messages.per_s)

    def keep_rates(self, outcome: Outcome) -> None:
        """Charge what a call used against the rates, and add to its outcome what was beyond them."""
        state, now = self._state, self._clock.now()
        rates = (
            (Bound.HOST_CALLS, self._host_calls, state.calls),
            (Bound.MESSAGES, self._messages, len(outcome.outbox)),
        )
        found = list(outcome.violations)
        for bound, rate, used in rates:
            wait_s = rate.spend(used, now)
            if wait_s:
                outcome.rest_s = max(outcome.rest_s, wait_s)
                found.append(Violation(bound, used, rate.per_s, Action.THROTTLED))
        dropped, state.log.dropped = state.log.dropped, 0
        if dropped:
            found.append(Violation(Bound.LOG_LINES, dropped, self.limits.log_lines_per_s, Action.DROPPED))
        outcome.violations = tuple(found)

    def find_violation(
        self, trap: Trap | None, *, fuel_units: int, memory_bytes: int, count: int
    ) -> Violation | None:
        """Return the limit behind a trap, if it was one.

        Args:
            trap: How the call ended.
            fuel_units: Fuel that it used.
            memory_bytes: Memory that the guest has.
            count: Messages whose fuel and host calls it was given.
        """
        if trap is None or trap.kind not in OF_TRAP:
            return None
        bound, limits = OF_TRAP[trap.kind], self.limits
        used, limit = {
            Bound.FUEL: (fuel_units, limits.fuel_per_message * count),
            Bound.TIME: (self.watch.used_s, self.watch.time_s),
            Bound.MEMORY: (memory_bytes, limits.memory_bytes),
            Bound.HOST_CALLS: (self._state.calls, limits.host_calls_per_s * count),
        }[bound]
        return Violation(bound, used, limit, Action.TRAPPED)
