"""How audit records and the verdict on a log look."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caxton_node.cli.output import Column, Output, column
from caxton_node.core.errors import CorruptStore


def _time(row: Mapping[str, Any]) -> str:
    return str(row["time"])[:23].replace("T", " ")


def _node(row: Mapping[str, Any]) -> str:
    return str(row["done_by"] or row["node"])


def _detail(row: Mapping[str, Any]) -> str:
    return ", ".join(f"{name} {value}" for name, value in sorted(row["detail"].items()))


RECORD_COLUMNS = (
    column("SEQ", "seq", right=True),
    Column("TIME (UTC)", _time),
    column("PRINCIPAL", "principal"),
    column("OPERATION", "operation"),
    column("SUBJECT", "subject"),
    column("OUTCOME", "outcome"),
    column("TENANT", "tenant", wide=True),
    column("KNOWN BY", "kind", wide=True),
    column("GRANTS", "grants", wide=True),
    column("SURFACE", "surface", wide=True),
    column("FROM", "source", wide=True),
    Column("NODE", _node, wide=True),
    column("TRACE", "trace_id", wide=True),
    Column("DETAIL", _detail, wide=True),
)
FINDING_COLUMNS = (
    column("FILE", "file"),
    column("LINE", "line", right=True),
    column("RECORD", "seq", right=True),
    column("PROBLEM", "problem"),
    column("DETAIL", "detail"),
)


def show_verdict(output: Output, verdict: Mapping[str, Any]) -> None:
    """Print what a walk through a log has shown.

    Raises:
        CorruptStore: The log is not as it was written.
    """
    findings: Sequence[dict[str, Any]] = verdict["findings"]
    lines = [
        ("whole", verdict["whole"]),
        ("records", f"{verdict['records']:,} in {verdict['files']:,} files"),
        ("numbers", f"{verdict['first_seq']:,} to {verdict['last_seq']:,}"),
        ("last hash", verdict["last_hash"]),
        ("torn by crashes", verdict["torn"]),
        ("lost, as noted", verdict["lost"]),
    ]
    output.facts(dict(verdict), lines)
    if findings and not output.for_programs:
        output.rows(findings, FINDING_COLUMNS, empty="")
    if findings:
        first = findings[0]
        raise CorruptStore(
            f"the audit log is not as it was written: {first['problem']} at record {first['seq']}",
            why=first["detail"],
            hint="keep a copy of the folder as it is, and ask who could write to it",
        )
