"""The report of a simulated story, for people and for programs."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from caxton_node.cli.output import Output
from caxton_node.cli.sheet import Lines, period, show

if TYPE_CHECKING:
    from caxton_node.devkit.simulator.plan import Plan
    from caxton_node.devkit.simulator.report import Report, Spread

_NOT_IN_TIME = "not in time"


def show_report(output: Output, report: Report, picture: Path | None) -> None:
    """Print a report."""
    plan = report.plan
    head = (
        f"{plan.nodes:,} nodes, {plan.profile} profile, seed {plan.seed}: "
        f"{report.virtual_s:,.0f} s of theirs in {period(report.wall_s)}"
    )
    sections: dict[str, Lines] = {
        "Traffic of a node": _traffic(report),
        "False alarms": _false_alarms(report),
        **({f"{plan.kill:,} killed": _deaths(report)} if plan.kill else {}),
        "News": _news(report),
        "This run": _run(report, picture),
    }
    show(output, data_of(report, picture), head, sections)


def data_of(report: Report, picture: Path | None) -> dict[str, Any]:
    """Return a report as plain values, its curves included."""
    data = asdict(report)
    return {**data, "command": report.plan.command, "plot": None if picture is None else str(picture)}


def _traffic(report: Report) -> Lines:
    lines = [("in calm", _rate(report.quiet_bytes))]
    if report.fault_bytes is not None:
        lines.append((f"with {_faults(report.plan)}", _rate(report.fault_bytes)))
    return lines


def _false_alarms(report: Report) -> Lines:
    together = ", at all nodes together" if report.suspicions else ""
    lines = [("suspected while running", _times(report.suspicions) + together)]
    if report.plan.slow_nodes:
        lines.append(("slow nodes taken for dead", _times(report.false_deaths_slow)))
    healthy = report.false_deaths - report.false_deaths_slow
    return [*lines, ("healthy nodes taken for dead", _times(healthy))]


def _deaths(report: Report) -> Lines:
    known = f"{report.deaths_known / report.deaths_due:.4%} of them in the end" if report.deaths_due else "-"
    everybody = _spread(report.all_know) if report.all_know else f"{_NOT_IN_TIME}; {known}"
    return [("first node knows", _spread(report.first_knows)), ("all nodes know", everybody)]


def _news(report: Report) -> Lines:
    lines = [("an update is everywhere", _after(report.update_s))]
    if report.join_s is not None:
        lines.insert(0, ("all have joined", f"{period(report.join_s)} after the last one started"))
    if report.plan.has_faults:
        lines.append(("all is well after the faults", _after(report.heal_s)))
    return lines


def _run(report: Report, picture: Path | None) -> Lines:
    lines = [("datagrams", f"{report.datagrams:,}"), ("again", report.plan.command)]
    return [*lines, ("picture", picture)] if picture is not None else lines


def _faults(plan: Plan) -> str:
    words = [f"{100 * plan.loss:.3g} % loss"] if plan.loss else []
    words += [f"{plan.slow_nodes:,} slow nodes"] if plan.slow_nodes else []
    return " and ".join(words)


def _times(count: int) -> str:
    return {0: "never", 1: "once"}.get(count, f"{count:,} times")


def _rate(count: float) -> str:
    return f"{count:,.0f} bytes a second, IP headers included"


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return _NOT_IN_TIME
    return f"{period(spread.median_s)} after, {period(spread.worst_s)} at the latest"


def _after(seconds: float | None) -> str:
    return _NOT_IN_TIME if seconds is None else f"{period(seconds)} after"
