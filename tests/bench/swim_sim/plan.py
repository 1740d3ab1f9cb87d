"""Which cases are run: all figures of the goals, the same in small, or what was asked for."""

from __future__ import annotations

import argparse

from swim.settings import Pace
from tests.bench.swim_sim.case import Case, Profile, Rules

CAXTON_ONLY = (Rules.CAXTON,)
"""Where memberlist's rules send so much that a run takes very long; a smaller one gives the ratio."""

FULL = (
    Case("life", 1000, 20, seeds=2),
    Case("life", 1000, 5, seeds=2, pace=Pace.FAST, suffix="_fast", rules=CAXTON_ONLY),
    Case("storm", 64, 120, seeds=5, loss=0.3),
    Case("storm", 1000, 60, loss=0.2, slow=0.05, suffix="_slow", rules=CAXTON_ONLY),
    Case("storm", 128, 120, seeds=2, loss=0.2, slow=0.05, suffix="_slow_128"),
    Case("heal", 64, 120, seeds=5),
    Case("burst", 128, 180, seeds=100, suffix="_128"),
    Case("burst", 1000, 60, rules=CAXTON_ONLY),
    Case("burst", 300, 120, suffix="_300"),
    Case("deaf", 64, 120, seeds=5),
    Case("quiet", 100, 60, suffix="_at_100"),
    Case("quiet", 300, 40, suffix="_at_300"),
    Case("quiet", 1000, 20, suffix="_at_1000"),
    Case("quiet", 3000, 20, suffix="_at_3000"),
    Case("quiet", 10_000, 10, suffix="_at_10000"),
)
QUICK = (
    Case("life", 128, 10),
    Case("life", 128, 2, pace=Pace.FAST, suffix="_fast", rules=CAXTON_ONLY),
    Case("storm", 32, 20, loss=0.3),
    Case("storm", 64, 20, loss=0.2, slow=0.05, suffix="_slow"),
    Case("heal", 32, 60),
    Case("burst", 64, 60, seeds=3),
    Case("deaf", 32, 40),
    Case("quiet", 1000, 3, suffix="_at_1000"),
)


def cases_for(options: argparse.Namespace) -> tuple[Case, ...]:
    """Return the cases that the command line asks for."""
    asked = (options.nodes, options.loss, options.slow, options.deaf, options.partition, options.burst)
    if not any(asked):
        plan = QUICK if options.quick else FULL
        return tuple(case for case in plan if options.only in (None, case.scenario))
    return tuple(_chosen(options))


def _chosen(options: argparse.Namespace) -> list[Case]:
    nodes, seconds = options.nodes or 64, options.seconds
    common = {"seeds": options.seeds, "pace": Pace(options.pace), "profile": Profile(options.profile)}
    cases = []
    if options.burst:
        cases.append(Case("burst", options.burst, seconds or 120, **common))
    if options.partition:
        cases.append(Case("heal", nodes, options.partition, **common))
    if options.deaf:
        cases.append(Case("deaf", nodes, seconds or 120, **common))
    if options.loss or options.slow:
        cases.append(Case("storm", nodes, seconds or 120, loss=options.loss, slow=options.slow, **common))
    return cases or [Case("life", nodes, seconds or 20, **common)]
