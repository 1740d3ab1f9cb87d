"""What came of a story."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from statistics import median

from caxton_node.devkit.simulator.plan import Plan

Points = Sequence[tuple[float, float]]
"""Virtual time, value."""


@dataclass(frozen=True, slots=True)
class Spread:
    """How long something took, over several times that it was done.

    Attributes:
        median_s: Half of them took no longer.
        worst_s: The slowest.
    """

    median_s: float
    worst_s: float

    @classmethod
    def of(cls, times_s: Sequence[float]) -> Spread | None:
        """Return the spread of some times, None if there are none."""
        return cls(round(median(times_s), 3), round(max(times_s), 3)) if times_s else None


@dataclass(slots=True)
class Report:
    """The figures of one story; what was not part of it, or did not happen in time, is None.

    Attributes:
        plan: What was played.
        join_s: How long after the last join all tables were equal.
        quiet_bytes: Sent per node and second while nothing happened, IP headers included.
        fault_bytes: The same under loss and with slow nodes.
        suspicions: How often a running node was suspected, counted at every node that heard of it.
        false_deaths: Pairs of a running node and one that held it dead although nothing cut them off.
        false_deaths_slow: Those among them whose subject was slow.
        deaths_known: Pairs of a crashed node and one that knows; `deaths_due` is all of them.
        deaths_due: See `deaths_known`.
        first_knows: From a crash to the first node that knows.
        all_know: From a crash to the last node that knows.
        update_s: From a change of metadata to the last node that has it.
        heal_s: From the end of all faults until all tables are equal and nobody is suspected.
        virtual_s: How long it took in the simulation.
        datagrams: How many were sent.
        knowledge: Share of `deaths_due` over time.
        doubt: Share of such pairs that had at least a suspicion.
        traffic: Bytes per node and second over time.
        marks: What happened when.
        wall_s: How long it took for whoever waited.
    """

    plan: Plan
    join_s: float | None = None
    quiet_bytes: float = 0.0
    fault_bytes: float | None = None
    suspicions: int = 0
    false_deaths: int = 0
    false_deaths_slow: int = 0
    deaths_known: int = 0
    deaths_due: int = 0
    first_knows: Spread | None = None
    all_know: Spread | None = None
    update_s: float | None = None
    heal_s: float | None = None
    virtual_s: float = 0.0
    datagrams: int = 0
    knowledge: Points = ()
    doubt: Points = ()
    traffic: list[tuple[float, float]] = field(default_factory=list)
    marks: list[tuple[float, str]] = field(default_factory=list)
    wall_s: float = 0.0
