"""`caxton server metrics`: what a node counts and measures."""

from __future__ import annotations

from typing import Any

import click

from caxton_node.cli.output import Column, column
from caxton_node.cli.session import Session

COLUMNS = (
    column("METRIC", "name"),
    Column("LABELS", lambda row: ", ".join(f"{name}={value}" for name, value in _labels(row).items())),
    Column("VALUE", lambda row: f"{row['value']:g}", right=True),
    Column("MEAN", lambda row: "" if row["mean"] is None else f"{row['mean']:.3g}", right=True),
    column("TYPE", "type", wide=True),
    column("HELP", "help", wide=True),
)


def _labels(row: Any) -> dict[str, str]:  # noqa: ANN401  rows are any values by name
    found: dict[str, str] = row["labels"]
    return found


@click.argument("prefix", default="")
@click.option("--node", default="", help="Which node. [default: the node that is asked]")
def metrics(session: Session, prefix: str, node: str) -> None:
    """Show what a node counts and measures, or the metrics whose name starts with PREFIX.

    A histogram shows how many values it has, and their mean.
    """
    with session.client() as client:
        found = client.server.metrics(node=node, prefix=prefix)
    rows = [
        {
            "name": metric.name,
            "labels": dict(sample.labels),
            "value": sample.value,
            "sum": sample.sum if metric.type == "histogram" else None,
            "mean": sample.sum / sample.value if metric.type == "histogram" and sample.value else None,
            "type": metric.type,
            "help": metric.help,
        }
        for metric in found
        for sample in metric.samples
    ]
    session.output.rows(rows, COLUMNS, empty=f"no metric starts with {prefix or 'anything'}")
