"""What one run of messages came to, and how its end is seen without disturbing it."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.support.data_plane import Agent, DataPlane, until

LOOK_EVERY_S = 0.005
"""How often a run looks whether it is over; looking costs the workers Python's lock."""
WITHIN_S = 120


@dataclass(frozen=True, slots=True)
class Flow:
    """One run.

    Attributes:
        sent: Messages that guests sent to guests, as the router accepted them.
        received: Messages that the receiving guests handled.
        seconds: From the first guest call to the last.
        cpu_s: Processor time of the whole process meanwhile.
        batch_size: Messages per guest call, on average.
    """

    sent: int
    received: int
    seconds: float
    cpu_s: float
    batch_size: float

    @property
    def per_second(self) -> float:
        """Return messages per second at the receivers."""
        return self.received / self.seconds

    @property
    def cpu_us(self) -> float:
        """Return microseconds of processor time for each message."""
        return self.cpu_s / self.received * 1e6


class Books:
    """What the node has counted since they were opened: everything must add up at the end of a run."""

    def __init__(self, plane: DataPlane) -> None:
        self._plane = plane
        self._before = plane.router.counts()
        self._turns = plane.scheduler.load().turns

    def close(self, seconds: float, cpu_s: float, received: int, first: int) -> Flow:
        """Check the counts of the router against those of the guests.

        Args:
            seconds: How long it took.
            cpu_s: How much processor time.
            received: What guests handled that guests had sent.
            first: Messages of the bench itself that began it, accepted before the books were opened.
        """
        before, after = self._before, self._plane.router.counts()
        sent = after.accepted - before.accepted
        assert sent == received, f"{sent} sent, {received} received"
        assert after.delivered - before.delivered == received + first, f"{before} became {after}"
        amiss = (after.refused, after.dead_lettered, after.malformed, after.handed_back, after.in_flight)
        assert not any(amiss), f"some were refused, lost or not understood: {after}"
        turns = self._plane.scheduler.load().turns - self._turns
        return Flow(sent, received, seconds, cpu_s, (received + first) / turns)


async def measure(
    plane: DataPlane, begin: Callable[[], None], over: Callable[[], bool]
) -> tuple[float, float]:
    """Begin a run and wait for its end.

    Returns:
        Seconds, and seconds of processor time.
    """
    gc.collect()
    cpu_at, started_at = time.process_time(), time.perf_counter()
    begin()
    await until(over, within_s=WITHIN_S, every_s=LOOK_EVERY_S)
    spent = time.perf_counter() - started_at, time.process_time() - cpu_at
    await plane.settled()
    return spent


def all_handled(agents: Sequence[Agent], goals: Sequence[int]) -> Callable[[], bool]:
    """Return a question whether each agent has handled so many; who has is not asked again."""
    done = 0

    def over() -> bool:
        nonlocal done
        while done < len(agents) and agents[done].handled >= goals[done]:
            done += 1
        return done == len(agents)

    return over
