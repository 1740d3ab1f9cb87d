"""The picture of a report: who knows of the deaths, and what the network carries, over time."""

from __future__ import annotations

from caxton_node.devkit.simulator.chart import Line, Panel, draw
from caxton_node.devkit.simulator.report import Points, Report


def draw_report(report: Report) -> str:
    """Return the SVG picture of a report."""
    plan, panels = report.plan, []
    if plan.kill:
        crashes = f"{plan.kill:,} crash{'es' if plan.kill > 1 else ''}"
        lines = [
            Line("suspect it", _in_percent(report.doubt), is_step=True),
            Line("know it", _in_percent(report.knowledge), is_step=True),
        ]
        panels.append(Panel(f"Nodes that learn of {crashes}", " %", lines))
    traffic = Line("with IP headers", report.traffic)
    panels.append(Panel("Bytes sent per node and second", "", [traffic], is_log=True))
    return draw(panels, report.marks, caption=plan.command)


def _in_percent(points: Points) -> list[tuple[float, float]]:
    return [(at, 100 * share) for at, share in points]
