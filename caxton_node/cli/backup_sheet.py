"""How backups look in a table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from caxton_node.cli.output import Column, Output, column
from caxton_node.core.clock import utc_text

BACKUP_COLUMNS = (
    column("BACKUP", "id"),
    Column("MADE", lambda row: utc_text(_made_at(row))),
    Column("SIZE", lambda row: size_text(_size_of(row)), right=True),
    column("NODE", "node"),
    column("SCHEMA", "schema", right=True),
    column("CLUSTER", "cluster", wide=True),
    column("CAXTON", "caxton", wide=True),
    column("CHANGE", "sequence", wide=True, right=True),
)
NO_BACKUPS = "no backups yet; make one: caxton backup create"


def size_text(size_bytes: float) -> str:
    """Return a size as people say it."""
    for unit in ("B", "KiB", "MiB"):
        if size_bytes < 1024:
            return f"{size_bytes:.0f} {unit}" if unit == "B" else f"{size_bytes:.1f} {unit}"
        size_bytes /= 1024
    return f"{size_bytes:.1f} GiB"


def show_verdict(output: Output, backup: Mapping[str, Any], findings: Sequence[str]) -> int:
    """Say whether a backup is whole; return the exit code."""
    facts = {"backup": dict(backup), "findings": list(findings), "ok": not findings}
    verdict = "ok" if not findings else "failed"
    lines: list[tuple[str, object]] = [("backup", backup["id"]), ("state", verdict)]
    lines += [("made", utc_text(backup["created_unix_us"]))]
    lines += [("finding", finding) for finding in findings]
    output.facts(facts, lines)
    return 1 if findings else 0


def _made_at(row: Any) -> int:  # noqa: ANN401  a row of JSON
    return int(row["created_unix_us"])


def _size_of(row: Any) -> int:  # noqa: ANN401  a row of JSON
    return sum(file["size_bytes"] for file in row["files"])
