"""How it looks where a message is: one line for each of its receivers."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

from caxton_node.cli.output import Column, Output, cell, column
from caxton_node.cli.sheet import instant, period

Row = Mapping[str, Any]


def show_whereabouts(output: Output, row: Row) -> None:
    """Print where a message is, for each of its receivers."""
    if output.for_programs:
        output.data(row)
        return
    output.line(f"message {row['message_id']}{_sent(row['sent_unix_us'])}")
    output.line("")
    output.rows(row["receivers"], COLUMNS, empty="")


def _sent(unix_us: int) -> str:
    if not unix_us:
        return ""
    ago_s = time.time() - unix_us / 1e6
    return f", sent at {instant(unix_us)}" + (f", {ago(ago_s)} ago" if ago_s > 0 else "")


def ago(seconds: float) -> str:
    """Write for how long something has been so, as people say it."""
    if seconds < 120:
        return period(seconds)
    for unit_s, name in ((86_400, "days"), (3_600, "h"), (60, "min")):
        if seconds >= 2 * unit_s:
            return f"{seconds / unit_s:,.0f} {name}"
    return period(seconds)


def _since(row: Mapping[str, object]) -> str:
    at_us = int(str(row["since_unix_us"]))
    return instant(at_us) if at_us else ""


def _detail(row: Mapping[str, object]) -> str:
    """Say by whom, why, until when, or why nobody can say."""
    if row["forwarded_to"]:
        gone_us = int(str(row["gone_unix_us"]))
        since = f" since {instant(gone_us)}" if gone_us else ""
        return f"{row['note']}{since}" if row["note"] else f"to node {row['forwarded_to']}"
    if row["until_unix_ms"]:
        return f"{row['reason']}, until {instant(int(str(row['until_unix_ms'])) * 1000)}"
    if row["state"] == "expired":
        return "nobody came to it in time"
    return str(row["reason"] or (f"by version {row['version']}" if row["version"] else ""))


COLUMNS = (
    column("RECEIVER", "receiver"),
    column("STATE", "state"),
    Column("SINCE", _since),
    column("NODE", "node"),
    Column("DETAIL", lambda row: cell(_detail(row))),
    column("INSTANCE", "instance", wide=True),
)
