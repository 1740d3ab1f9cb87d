"""How members, views and events of a cluster are written."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from caxton_node.cli.keys import SEALING
from caxton_node.cli.output import Column, cell, column
from caxton_node.cli.sheet import listed

Row: TypeAlias = Mapping[str, Any]

LISTED_MAX = 8
_SPANS = ((86_400, "d"), (3600, "h"), (60, "m"), (1, "s"))

LINK_COLUMNS = (
    column("PEER", "peer"),
    column("LINK", "state"),
    column("KIND", "kind"),
    column("RTT MS", "rtt_ms", right=True),
    column("BYTES IN", "bytes_in", right=True),
    column("BYTES OUT", "bytes_out", right=True),
    column("LAST FAILURE", "last_failure"),
)


def shown(member: Row) -> dict[str, Any]:
    """Return a member in the words of operators, who say failed where the protocol says dead."""
    return {**member, "state": "failed" if member["state"] == "dead" else member["state"]}


def member_columns(now_unix_ms: int) -> tuple[Column, ...]:
    """Return the columns of the list of members at one moment."""
    return (
        Column("NODE", name_of),
        column("STATE", "state"),
        Column("SINCE", lambda row: age_of(row, now_unix_ms), right=True),
        column("ADDRESS", "address"),
        column("API", "api_address"),
        Column("LINK", lambda row: row["link"] or "-", wide=True),
        Column("RTT MS", rtt_of, wide=True, right=True),
        column("FLAPS", "flaps", wide=True, right=True),
        column("COUNTS", "counts", wide=True),
        column("VERSION", "version", wide=True),
        column("INCARNATION", "incarnation", wide=True, right=True),
        column("EPOCH", "epoch", wide=True, right=True),
        names_column("ACCUSED BY", "accusers", wide=True),
    )


def name_of(row: Row) -> str:
    """Return the name of a member; * marks the node that was asked."""
    return f"{row['node_id']}{' *' if row['is_self'] else ''}"


def age_of(row: Row, now_unix_ms: int) -> str:
    """Return for how long a member has been in its state; a dash when that was so from the start."""
    since = row["since_unix_ms"]
    return span(max(0, now_unix_ms - since) / 1000) if since else "-"


def rtt_of(row: Row) -> str:
    """Return the round trip to a member in milliseconds, a dash when it is not known."""
    return f"{row['rtt_ms']:.3g}" if row["rtt_ms"] else "-"


def span(seconds: float) -> str:
    """Write a time in its two largest units: `3d 4h`, `5m 2s`, `7s`."""
    left = int(seconds)
    parts: list[str] = []
    for unit, letter in _SPANS:
        count, left = divmod(left, unit)
        if count or (letter == "s" and not parts):
            parts.append(f"{count}{letter}")
    return " ".join(parts[:2])


def some(names: Sequence[str]) -> str:
    """Write the first few names, and how many more there are."""
    more = f" and {len(names) - LISTED_MAX:,} more" if len(names) > LISTED_MAX else ""
    return ", ".join(map(cell, names[:LISTED_MAX])) + more


def names_column(title: str, key: str, *, empty: str = "", wide: bool = False) -> Column:
    """Make a column that shows the first few names of a list."""

    def value(row: Row) -> str:
        return some(row[key]) or empty

    return Column(title, value, wide=wide)


def what_of(event: Row, what: str) -> str:
    """Write what happened: `suspected by n1, n2`, `died, accused by n1`."""
    by = some(event.get("accusers", ()))
    if not by or what not in {"suspected", "died"}:
        return what
    return f"suspected by {by}" if what == "suspected" else f"died, accused by {by}"


def status_lines(facts: Row) -> list[tuple[str, object]]:
    """Return what `caxton cluster status` says of a node, line by line."""
    counts = facts.get("messages", {})
    seen = {
        "alive": "members_alive",
        "suspect": "members_suspect",
        "failed": "members_dead",
        "left": "members_left",
    }
    return [
        ("node", facts["node_id"]),
        ("cluster", facts["cluster"]),
        ("version", facts["version"]),
        ("uptime", f"{facts['uptime_s']:.0f} s"),
        ("members", ", ".join(f"{facts[key]} {word}" for word, key in seen.items() if facts[key])),
        ("partition", facts["partition_view"]),
        ("quorum", f"sees {facts['agreed_seen']:,} of {facts['agreed']:,} that count"),
        ("on minority", facts["on_minority"]),
        ("overruled", f"{facts['conflicts']:,} registry writes"),
        ("agents running", facts["agents_running"]),
        ("health score", facts["health_score"]),
        *_gossip_lines(facts),
        ("messages", ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in counts.items())),
        *((f"listens: {name}", address) for name, address in facts["listening"].items()),
    ]


def _gossip_lines(facts: Row) -> list[tuple[str, object]]:
    dropped = [f"{count:,} {reason}" for reason, count in facts["gossip_dropped"].items()]
    return [
        ("gossip", f"{facts['gossip_in_per_s']:,.0f} B/s in, {facts['gossip_out_per_s']:,.0f} B/s out"),
        ("gossip bytes", f"{facts['gossip_bytes_in']:,} in, {facts['gossip_bytes_out']:,} out"),
        ("gossip dropped", listed(dropped, "none")),
        ("gossip sealing", SEALING.get(facts["encryption"], facts["encryption"])),
        ("pings lost", f"{facts['gossip_loss']:.1%}"),
        ("suspicions", f"{facts['suspicions_per_min']:.3g} per minute"),
        ("stalls", facts["stalls"]),
    ]
