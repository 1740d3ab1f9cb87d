"""`caxton cluster conflicts` and `registry`: what a partition cost, and what a node holds of the registry."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.cluster_sheet import Row, names_column
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, cell, column
from caxton_node.cli.session import Session, verb
from caxton_node.cli.sheet import moment
from caxton_node.cli.types import Duration

if TYPE_CHECKING:
    from caxton_node.client import Client


def _lost(row: Row) -> str:
    return f"{row['loser']['summary']} by {row['loser']['origin']}"


def _holds(row: Row) -> str:
    return f"{row['winner']['summary']} by {row['winner']['origin']}"


def _written(row: Row) -> str:
    return moment(row["loser"]["at_unix_ms"])


def _digest(row: Row) -> str:
    return row["loser"]["digest"] or "-"


def _done(row: Row) -> str:
    """Write what was done, each thing once with the nodes that did it."""
    by: dict[str, list[str]] = {}
    for node, action in row["actions"].items():
        by.setdefault(action, []).append(node)
    return "; ".join(f"{action} on {', '.join(nodes)}" for action, nodes in sorted(by.items())) or "-"


COLUMNS = (
    column("KIND", "kind"),
    column("KEY", "key"),
    Column("WRITTEN", _written),
    Column("LOST", _lost),
    Column("HOLDS", _holds),
    Column("DONE", _done),
    names_column("NOTICED BY", "noticed_by", wide=True),
    Column("DIGEST", _digest, wide=True),
)

registry_verbs = VerbGroup(name="registry_verbs", help="Verbs of `caxton cluster`.")

_node = click.option("--node", default="", help="Which node. [default: the node that is asked]")


@verb(registry_verbs, "conflicts")
@click.option("--since", type=Duration(), help="Only what was noticed in the last 10m, 2h, 7d.")
@click.option("--limit", type=click.IntRange(min=1), help="The latest so many. [default: all that are kept]")
@click.option("--node", default="", help="Only what this node noticed. [default: what all nodes did]")
def conflicts(session: Session, *, since: float | None, limit: int | None, node: str) -> None:
    """List registry writes that were overruled by one whose writer did not know of them.

    This is what a partition costs: both sides wrote the same entry, and when they met one write won. For a
    name, DONE says what became of the agents that had lost it.
    """
    since_ms = round((time.time() - since) * 1000) if since is not None else 0
    silent: list[Row] = []
    with session.client() as client:
        rows = list(islice(_all(client, node, since_ms, silent), limit))
    session.output.rows(rows, COLUMNS, empty="no write was overruled")
    for one in {one["node"]: one for one in silent}.values():
        click.echo(f"{one['node']} did not answer: {cell(one['reason'])}", err=True)


@verb(registry_verbs, "registry")
@_node
def registry(session: Session, node: str) -> None:
    """Show what a node's copy of the registry holds; copies with the same root hold the same."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        facts = plain(client.registry.holding(node=node))
    lines: list[tuple[str, object]] = [
        ("node", facts["node_id"]),
        ("root", facts["root"]),
        *((f"entries: {kind}", f"{count:,}") for kind, count in facts["entries"].items()),
        ("tombstones", f"{facts['tombstones']:,}"),
        ("overruled", f"{facts['conflicts']:,} writes since it started"),
    ]
    session.output.facts(facts, lines)


def _all(client: Client, node: str, since_ms: int, silent: list[Row]) -> Iterator[dict[str, Any]]:
    """Go through the pages, and collect who did not answer."""
    from caxton_node.client.plain import plain

    token = ""
    while True:
        page = client.registry.conflicts_page(
            node=node, since_unix_ms=since_ms, page_token=token, here_only=bool(node)
        )
        silent += [plain(one) for one in page.silent]
        yield from map(plain, page.conflicts)
        if not (token := page.next_page_token):
            return
