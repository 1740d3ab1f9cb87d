"""Measure both systems and report ours against memberlist's.

    .venv/bin/python -m tests.bench.swim_real [--json] [--quick] [--members N] [--loss P]
                                              [--only ours|memberlist] [--daemons N]

Every metric is one line: `value` is ours, `baseline` memberlist's, `ahead` whether ours is not the greater
one; less is better in all of them.
"""

from __future__ import annotations

import argparse
import statistics
from collections.abc import Sequence
from dataclasses import replace

from tests.bench.report import Options, Reporter
from tests.bench.swim_real import compare, daemons
from tests.bench.swim_real.compare import MEMBERLIST, NO_TCP_PING, OURS, STREAMS_INTACT, Findings
from tests.bench.swim_real.schedule import Schedule

ONE_LOSS_WINDOW_S = 60.0
Meanings = dict[str, tuple[str, str]]
JOINS: Meanings = {
    "join_apart": ("s", "the last join until all know all; joins 50 ms apart through one seed"),
    "join_at_once": ("s", "the first join until all know all; all at the same moment through one seed"),
}
LIFE: Meanings = {
    "join_in_turn": ("s", "the first join until all know all; each as soon as the one before has the table"),
    "join_bytes": ("bytes", "IP bytes per member for that"),
    "quiet_payload": ("B/s", "per member, UDP and TCP payload"),
    "quiet_bytes": ("B/s", "per member, IP level"),
    "quiet_cpu": ("% of a core", "per member"),
    "quiet_false_deaths": ("count", "at 0 % loss"),
    "update_half": ("s", "new metadata at half of the members"),
    "update_all": ("s", "new metadata at all members"),
    "detect_first": ("s", "end of a member until the first one holds it for dead"),
    "detect_all": ("s", "end of a member until the last one holds it for dead"),
}
LOSS: Meanings = {
    "bytes": ("B/s", "per member, IP level"),
    "false_deaths": ("count", "observers of members that run"),
}
WAYS = {
    MEMBERLIST: ("", "TCP loses as UDP does"),
    STREAMS_INTACT: ("_streams_intact", "memberlist's TCP loses nothing"),
    NO_TCP_PING: ("_no_tcp_ping", "memberlist does not probe by TCP"),
}


def report(
    reporter: Reporter, metric: str, name: str, unit: str, note: str, ours: Findings, theirs: Findings | None
) -> None:
    """Print one metric: counts are summed, everything else is a median with the worst as p99."""
    values, others = (found.values.get(metric) if found else None for found in (ours, theirs))
    more: dict[str, object] = {}
    if not values:
        values, others, more = others, None, {"system": MEMBERLIST}
    if not values:
        return
    value, baseline = _sum_up(values, unit), _sum_up(others, unit) if others else None
    if baseline is not None:
        more["ahead"] = value <= baseline
    if others and len(others) > 1:
        more["baseline_p99"] = max(others)
    if baseline == 0:
        more, baseline = more | {"memberlist": 0}, None  # a ratio to nothing says nothing
    reporter.emit(
        name, value, unit, baseline=baseline, n=len(values), p50=statistics.median(values), p99=max(values),
        **more, note=note,
    )  # fmt: skip


def _sum_up(values: Sequence[float], unit: str) -> float:
    return sum(values) if unit == "count" else statistics.median(values)


def report_all(reporter: Reporter, metrics: Meanings, found: dict[str, Findings], schedule: Schedule) -> None:
    """Print every metric of one scenario."""
    ours, theirs = found.get(OURS, Findings()), found.get(MEMBERLIST)
    for metric, (unit, meaning) in metrics.items():
        note = f"{meaning}; N={schedule.members}{_remark(found)}"
        report(reporter, metric, metric, unit, note, ours, theirs)


def report_loss(reporter: Reporter, found: dict[str, Findings], schedule: Schedule) -> None:
    """Print traffic and false deaths under loss, ours against each of memberlist's ways."""
    ours = found.get(OURS, Findings())
    for way, (suffix, way_note) in WAYS.items():
        if way not in found and suffix:
            continue
        for share in schedule.losses:
            for kind, (unit, meaning) in LOSS.items():
                metric = f"loss_{100 * share:.0f}_{kind}"
                note = (
                    f"{meaning}; N={schedule.loss_members}, {schedule.loss_window_s:.0f} s; {way_note}"
                    f"{_remark(found)}"
                )
                report(reporter, metric, metric + suffix, unit, note, ours, found.get(way))


def _remark(found: dict[str, Findings]) -> str:
    if OURS in found and found[OURS].trouble:
        raise SystemExit(found[OURS].trouble)
    troubles = [findings.trouble for findings in found.values() if findings.trouble]
    if not compare.is_there(MEMBERLIST):
        troubles.append(compare.MISSING)
    if not compare.network_prefix():
        troubles.append("no network namespace of our own: headers of TCP are not counted")
    versions = [found[MEMBERLIST].version] if MEMBERLIST in found and found[MEMBERLIST].version else []
    return "".join(f"; {remark}" for remark in versions + troubles)


def parse(argv: Sequence[str] | None = None) -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.bench.swim_real")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--quick", action="store_true", help="end within 40 s: 32 members, no loss")
    parser.add_argument("--members", type=int, metavar="N", help="size of the cluster whose life is measured")
    parser.add_argument("--loss", type=float, metavar="P", help="this share of loss alone, for a minute")
    parser.add_argument("--only", choices=(OURS, MEMBERLIST), help="one of the two systems")
    parser.add_argument("--daemons", type=int, metavar="N", help="whole nodes instead")
    return parser.parse_args(argv)


def plan(words: argparse.Namespace) -> Schedule:
    """Return the schedule that was asked for."""
    schedule = Schedule()
    if words.quick:
        schedule = schedule.quick()
    if words.loss is not None:
        schedule = replace(schedule, losses=(words.loss,), loss_window_s=ONE_LOSS_WINDOW_S)
    return replace(schedule, members=words.members) if words.members else schedule


def main() -> None:
    """Run from the command line."""
    words = parse()
    reporter = Reporter("swim_real", Options(words.json, words.quick))
    if words.daemons:
        daemons.run(words.daemons, reporter)
        return
    schedule = plan(words)
    systems = (words.only,) if words.only else (OURS, MEMBERLIST)
    if words.loss is None and not words.quick:
        report_all(reporter, JOINS, compare.run_each(systems, "joins", schedule), schedule)
    if words.loss is None:
        report_all(reporter, LIFE, compare.run_each(systems, "life", schedule), schedule)
    if schedule.losses:
        report_loss(reporter, compare.run_loss(systems, schedule), schedule)


if __name__ == "__main__":
    main()
