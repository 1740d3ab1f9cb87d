"""Measure membership in virtual time, beside memberlist's rules in the same run.

    .venv/bin/python -m tests.bench.swim_sim --json --quick
    .venv/bin/python -m tests.bench.swim_sim --nodes 64 --loss 0.3 --seeds 5

Without options that describe a cluster all figures of the goals are measured. The core runs whole, with
encoding and decoding; bytes count IP and UDP (or TCP) headers.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from swim.settings import Pace
from tests.bench.report import Options, Reporter
from tests.bench.swim_sim.case import Profile, Rules
from tests.bench.swim_sim.jobs import run
from tests.bench.swim_sim.plan import cases_for
from tests.bench.swim_sim.plot import draw
from tests.bench.swim_sim.scenarios import SCENARIOS
from tests.bench.swim_sim.summary import Series, report

GOAL_BYTES_S = 200


def parse(argv: list[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.swim_sim")
    add = parser.add_argument
    add("--json", action="store_true", help="one JSON object per line")
    add("--quick", action="store_true", help="end within 40 s")
    add("--rules", choices=list(Rules), help="only these; without it ours, with memberlist's as the baseline")
    add("--only", choices=list(SCENARIOS), help="of the whole plan only these cases")
    add("--nodes", type=int, metavar="N", help="members")
    add("--loss", type=float, default=0.0, metavar="P", help="share of all datagrams that is lost")
    add("--slow", type=float, default=0.0, metavar="SHARE", help="share of members that keep standing still")
    add("--deaf", action="store_true", help="one member hears nothing")
    add("--partition", type=float, metavar="S", help="cut the cluster in half for so many seconds")
    add("--burst", type=int, metavar="N", help="so many members start at once")
    add("--seeds", type=int, default=1, metavar="K", help="runs of each case")
    add("--seconds", type=float, metavar="S", help="virtual time of each case")
    add("--profile", choices=list(Profile), default=Profile.LAN, help="numbers of both")
    add("--plot", type=Path, metavar="FILE", help="draw what a quiet member sends over the size, as SVG")
    add("--pace", choices=list(Pace), default=Pace.DEFAULT, help="ours")
    return parser.parse_args(argv)


def main() -> None:
    """Run from the command line."""
    options = parse()
    reporter = Reporter("swim_sim", Options(options.json, options.quick))
    rules = [Rules(options.rules)] if options.rules else list(Rules)
    series = Series()
    for case, outcome in run(cases_for(options), rules):
        report(case, outcome, reporter, rules[0])
        series.take(case, outcome)
    if options.plot:
        options.plot.write_text(draw(series.lines(), goal=GOAL_BYTES_S), encoding="utf-8")


if __name__ == "__main__":
    main()
