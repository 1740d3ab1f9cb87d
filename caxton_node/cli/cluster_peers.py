"""`caxton cluster peers`: which link a node has to each other one, why it is of its kind, and how it does."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import click

from caxton_node.cli.cluster_sheet import rtt_of
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, column
from caxton_node.cli.session import Session, verb
from caxton_node.cli.sheet import size

Row: TypeAlias = Mapping[str, Any]

_DAY_S = 86_400

links = VerbGroup(name="links", help="Verbs of `caxton cluster`.")


@verb(links, "peers")
@click.option("--node", default="", help="Whose links. [default: the node that is asked]")
def peers(session: Session, node: str) -> None:
    """List a node's mesh links: kind, why this kind, round trip, loss, traffic.

    With -o wide also totals, what waits, the peer's clock and its certificate.
    """
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(peer) for peer in client.cluster.peers(node=node)]
    session.output.rows(rows, columns(time.time()), empty="no peers")


def columns(now_unix_s: float) -> Sequence[Column]:
    """Return the columns of the list at one moment."""
    return (
        column("PEER", "node_id"),
        column("LINK", "state"),
        Column("KIND", lambda row: row["kind"] or "-"),
        Column("RTT MS", rtt_of, right=True),
        Column("LOSS", _loss, right=True),
        Column("IN/S", _size_of("in_per_s"), right=True),
        Column("OUT/S", _size_of("out_per_s"), right=True),
        Column("BACKLOG", _size_of("backlog_bytes"), right=True),
        column("WHY THIS KIND", "why"),
        column("ADDRESS", "address", wide=True),
        Column("IN", _size_of("bytes_in"), wide=True, right=True),
        Column("OUT", _size_of("bytes_out"), wide=True, right=True),
        column("UNACKED", "unacked_batches", wide=True, right=True),
        column("RESENT", "resent_batches", wide=True, right=True),
        Column("CLOCK", _clock, wide=True, right=True),
        Column("CERTIFICATE", lambda row: _days_left(row, now_unix_s), wide=True, right=True),
        column("LAST FAILURE", "last_failure"),
    )


def _size_of(key: str) -> Callable[[Row], str]:
    def value(row: Row) -> str:
        return size(round(row[key]))

    return value


def _loss(row: Row) -> str:
    loss = row.get("loss")
    return "-" if loss is None else f"{loss:.1%}"


def _clock(row: Row) -> str:
    skew_s = row.get("clock_skew_s")
    return "-" if skew_s is None else f"{skew_s:+.2f} s"


def _days_left(row: Row, now_unix_s: float) -> str:
    ends_ms = row["certificate_ends_unix_ms"]
    return f"{(ends_ms / 1000 - now_unix_s) / _DAY_S:,.1f} d" if ends_ms else "-"
