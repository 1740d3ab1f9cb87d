"""From the runs of a case to one line for each metric."""

from __future__ import annotations

import math
import statistics

from tests.bench.report import Reporter, percentile
from tests.bench.swim_sim.case import Case, Rules
from tests.bench.swim_sim.jobs import Outcome, Results

UNITS = {
    "quiet_bytes_per_node": "B/s",
    "loss_bytes_per_node": "B/s",
    "heal_bytes_per_node": "B",
    "suspicions": "count",
    "false_deaths": "count",
    "deaf_false_deaths": "count",
    "heal_false_deaths": "count",
    "slow_declared_dead": "count",
    "false_death_percent": "%",
}
"""Of everything that is not a time; counts are summed over the seeds, of the others the median is taken."""
WORST = {"join_all"}
"""Of these the slowest run is the figure: one outlier in a hundred starts is what people remember."""


class Series:
    """What a quiet member sent, by the size of its cluster."""

    def __init__(self) -> None:
        self._costs: dict[Rules, dict[int, float]] = {}

    def take(self, case: Case, outcome: Outcome) -> None:
        """Add what a case tells about it, if anything."""
        for rules, results in outcome.items():
            if costs := results.values.get("quiet_bytes_per_node"):
                self._costs.setdefault(rules, {})[case.size] = statistics.median(costs)

    def lines(self) -> dict[str, list[tuple[int, float]]]:
        """Return members and bytes per second for each set of rules."""
        names = {Rules.CAXTON: "swim", Rules.MEMBERLIST: "memberlist's rules"}
        return {names[rules]: sorted(costs.items()) for rules, costs in self._costs.items()}


def report(case: Case, outcome: Outcome, reporter: Reporter, subject: Rules) -> None:
    """Print the results of a case, beside memberlist's where there are any."""
    mine = outcome.get(subject)
    theirs = outcome.get(Rules.MEMBERLIST) if subject is Rules.CAXTON else None
    for metric, values in mine.values.items() if mine else ():
        notes = [describe(case), *_about(theirs, metric), _effort(mine, theirs)]
        _report_metric(metric + case.suffix, metric, values, theirs, reporter, "; ".join(notes))


def _report_metric(
    name: str, metric: str, values: list[float], theirs: Results | None, reporter: Reporter, note: str
) -> None:
    """Print one metric; runs that did not come to an end are a count of their own."""
    reached = sorted(value for value in values if value < math.inf)
    if len(reached) < len(values):
        reporter.emit(f"{name}_missed", len(values) - len(reached), "count", n=len(values), note=note)
    if reached:
        baseline = figure(metric, theirs.values[metric]) if theirs else None
        reporter.emit(
            name,
            figure(metric, reached),
            UNITS.get(metric, "s"),
            baseline=baseline if baseline is not None and 0 < baseline < math.inf else None,
            n=len(reached),
            p50=statistics.median(reached),
            p99=percentile(reached, 0.99),
            note=note,
        )


def figure(metric: str, values: list[float]) -> float:
    """Return the one number for all runs."""
    if UNITS.get(metric) == "count":
        return sum(values)
    return max(values) if metric in WORST else statistics.median(values)


def describe(case: Case) -> str:
    """Return the circumstances in words."""
    words = [f"N={case.size}", f"{case.seeds} seeds" if case.seeds > 1 else ""]
    words += [f"{case.loss:.0%} loss" if case.loss else "", f"{case.slow:.0%} slow" if case.slow else ""]
    words += [f"{case.seconds:g} s", str(case.pace), str(case.profile)]
    return ", ".join(word for word in words if word)


def _about(theirs: Results | None, metric: str) -> list[str]:
    """Return what a ratio cannot say of the reference."""
    if theirs is None:
        return ["memberlist's rules not run"]
    values = theirs.values[metric]
    missed = sum(value == math.inf for value in values)
    if missed:
        return [f"memberlist's rules: not within the time in {missed} of {len(values)} runs"]
    return [] if any(values) else ["memberlist's rules: 0"]


def _effort(mine: Results, theirs: Results | None) -> str:
    effort = f"{mine.cpu_s:.1f} s of CPU"
    return f"{effort}, memberlist's rules {theirs.cpu_s:.1f} s" if theirs else effort
