"""How deployments look."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import click

from caxton_node.cli.output import Column, Output, column, paint, visible
from caxton_node.cli.sheet import Lines, instant, listed, moment, show

RUNNING = "Running"

Row = Mapping[str, Any]


def where(row: Row) -> str:
    """Say which nodes may run it, in a few words."""
    words = ["everywhere"] if row["everywhere"] else []
    words += row["constraints"]
    words += [f"spread over {row['spread']}"] if row["spread"] else []
    return listed(words, "anywhere")


COLUMNS = (
    column("NAME", "name"),
    column("VERSION", "version"),
    column("PHASE", "phase"),
    Column("RUNNING", lambda row: f"{row['running']} of {row['wanted']}", right=True),
    Column("WHERE", where),
    column("CONSISTENCY", "consistency", wide=True),
    column("GENERATION", "generation", wide=True, right=True),
    Column("MODULE", lambda row: str(row["module_sha256"])[:12], wide=True),
    Column("CHANGED", lambda row: moment(int(str(row["updated_unix_ms"]))), wide=True),
)
REPLICAS = (
    column("NODE", "node"),
    Column("STATE", lambda row: str(row["state"]).replace("_", "-")),
    column("GENERATION", "generation", right=True),
    column("INSTANCE", "instance"),
    Column("SINCE", lambda row: _since(int(str(row["since_unix_ms"])))),
    column("WHY", "reason"),
)


def summary(row: Row) -> str:
    """Say how a deployment is in one line."""
    short = f"; {row['shortage']}" if row["shortage"] else ""
    return f"{row['name']} is {row['phase']}: {row['running']} of {row['wanted']} replicas run{short}"


def show_deployment(output: Output, row: Row) -> None:
    """Print everything about a deployment."""
    if output.for_programs:
        output.data(row)
        return
    head = f"{visible(row['name'])} is {paint(row['phase'])}"
    show(output, row, head, {"": _facts(row)})
    output.line("")
    output.line(click.style("replicas", bold=True))
    output.rows(row["detail"]["replicas"], REPLICAS, empty="none")
    if unplaced := row["detail"]["unplaced"]:
        output.line("")
        output.line(click.style("not on", bold=True))
        for node, why in unplaced.items():
            output.line(visible(f"  {node}: {why}"))


def event_line(name: str, event: Row) -> str:
    """Say how a deployment was at one moment."""
    at = instant(event["at_unix_ms"] * 1000)
    row = event.get("deployment")
    if row is None:
        return f"{at} {name} was deleted"
    replicas = ", ".join(
        f"{replica['node']} {replica['state'].replace('_', '-')}" for replica in row["detail"]["replicas"]
    )
    return visible(
        f"{at} {row['phase']} {row['running']}/{row['wanted']} gen {row['generation']}: {replicas}"
    )


def _facts(row: Row) -> Lines:
    lines: list[tuple[str, object]] = [
        ("running", f"{row['running']} of {row['wanted']}"),
        ("where", where(row)),
        ("version", row["version"]),
        ("module", f"{row['module_sha256'][:12]}…"),
        ("generation", row["generation"]),
        ("in a split", _IN_A_SPLIT.get(row["consistency"], row["consistency"])),
        ("created", moment(row["created_unix_ms"])),
        ("changed", moment(row["updated_unix_ms"])),
    ]
    return [*lines, ("short of", row["shortage"])] if row["shortage"] else lines


_IN_A_SPLIT = {
    "available": "available: it runs on both sides",
    "consistent": "consistent: it runs on the majority's side",
}


def _since(unix_ms: int) -> str:
    return instant(unix_ms * 1000) if unix_ms else ""
