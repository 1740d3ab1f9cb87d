"""How long each part is looked at."""

from __future__ import annotations

from dataclasses import dataclass

from tests.bench.report import Options


@dataclass(frozen=True, slots=True)
class Plan:
    """The times of one run.

    Attributes:
        flow_s: One window of throughput between guests.
        flows: Windows.
        latency_s: One window of latency.
        link_s: One look at a way without guests.
        link_rounds: Looks at each.
        slow_s: The flood.
    """

    flow_s: float
    flows: int
    latency_s: float
    link_s: float
    link_rounds: int
    slow_s: float


QUICK = Plan(flow_s=0.8, flows=1, latency_s=1.0, link_s=0.5, link_rounds=1, slow_s=1.5)
FULL = Plan(flow_s=5.0, flows=3, latency_s=10.0, link_s=3.0, link_rounds=3, slow_s=15.0)


def plan(options: Options) -> Plan:
    """Return the times for these options."""
    return QUICK if options.quick else FULL
