"""How conversations look: a line in a list, and everything about one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import click

from caxton_node.cli.output import Column, Output, cell, column
from caxton_node.cli.sheet import Lines, instant, listed, show

Row = Mapping[str, Any]

ROWS_MAX = 25
ALWAYS = frozenset({"not-understood", "failure", "cancel"})
"""What may come in almost every stage of every protocol, and tells nothing of it."""


def _parts(row: Row) -> list[Row]:
    found: list[Row] = row["parts"]
    return found


def _latest_us(row: Row) -> int:
    return max(int(part["last_unix_us"]) for part in _parts(row))


def _latest(row: Row, never: str) -> str:
    at_us = _latest_us(row)
    return instant(at_us) if at_us else never


def _stages(row: Row) -> str:
    return ", ".join(f"{count} {stage}" for stage, count in row["stages"].items())


COLUMNS = (
    column("CONVERSATION", "conversation_id"),
    column("PROTOCOL", "protocol"),
    column("INITIATOR", "initiator"),
    Column("STAGES", _stages),
    Column("MESSAGES", lambda row: max(part["messages"] for part in _parts(row)), right=True),
    Column("LATEST", lambda row: _latest(row, "")),
    Column("NODES", lambda row: [part["node"] for part in _parts(row)], wide=True),
)


def show_conversation(output: Output, row: Row) -> None:
    """Print everything that is known of a conversation."""
    protocol = f", {row['protocol']}" if row["protocol"] else ""
    state = "open" if row["open"] else "not open"
    show(output, row, cell(f"conversation {row['conversation_id']} is {state}{protocol}"), {"": _facts(row)})
    if output.for_programs or not row["courses"]:
        return
    output.line("")
    output.line(click.style("courses", bold=True))
    shown = row["courses"] if output.format == "wide" else row["courses"][:ROWS_MAX]
    output.rows(shown, _course_columns(row["courses"]), empty="")
    if len(shown) < len(row["courses"]):
        output.line(click.style(f"and {len(row['courses']) - len(shown):,} more: -o wide", dim=True))


def _facts(row: Row) -> Lines:
    counts = [f"{part['messages']:,} on {part['node']}" for part in row["parts"]]
    faults = sum(part["faults"] for part in row["parts"])
    deadline = row["deadline_unix_ms"]
    return [
        ("begun by", row["initiator"]),
        ("participants", listed(row["participants"], "nobody")),
        ("messages", listed(counts, "none")),
        ("latest", _latest(row, "nothing was delivered yet")),
        ("answers by", instant(deadline * 1000) if deadline else "no time was set"),
        ("not allowed", f"{faults:,} act{'' if faults == 1 else 's'}"),
        ("followed", f"caxton message trace {row['conversation_id']}" if row["followed"] else "no"),
    ]


def _course_columns(courses: Sequence[Row]) -> Sequence[Column]:
    """Return the columns that tell courses apart: most conversations have one protocol and initiator."""
    protocols = {course["protocol"] for course in courses}
    initiators = {course["initiator"] for course in courses}
    return (
        *([column("PROTOCOL", "protocol")] if len(protocols) > 1 else []),
        *([column("INITIATOR", "initiator")] if len(initiators) > 1 else []),
        column("PARTICIPANT", "participant"),
        column("STAGE", "stage"),
        Column("NEXT", lambda course: _next(course, left_out=ALWAYS)),
        Column("MAY COME", lambda course: _next(course, left_out=frozenset()), wide=True),
        column("NODES", "nodes"),
    )


def _next(course: Row, *, left_out: frozenset[str]) -> str:
    """Say who may say what now; when a course is over there is nothing to wait for."""
    if not course["open"]:
        return ""
    sides = (("initiator", course["initiator_may"]), ("participant", course["participant_may"]))
    expected = ((side, [act for act in acts if act not in left_out]) for side, acts in sides)
    return "; ".join(f"{side}: {', '.join(acts)}" for side, acts in expected if acts)
