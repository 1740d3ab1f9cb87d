"""`caxton cluster`: see who is a member, and let a node go."""

from __future__ import annotations

from typing import Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, column, paint
from caxton_node.cli.session import Session, verb

COLUMNS = (
    Column("NODE", lambda row: f"{row['node_id']}{' *' if row['is_self'] else ''}"),
    column("STATE", "state"),
    column("ADDRESS", "address"),
    column("API", "api_address"),
    column("VERSION", "version", wide=True),
    column("INCARNATION", "incarnation", wide=True, right=True),
    column("EPOCH", "epoch", wide=True, right=True),
)
LINK_COLUMNS = (
    column("PEER", "peer"),
    column("LINK", "state"),
    column("KIND", "kind"),
    column("RTT MS", "rtt_ms", right=True),
    column("BYTES IN", "bytes_in", right=True),
    column("BYTES OUT", "bytes_out", right=True),
    column("LAST FAILURE", "last_failure"),
)

cluster = VerbGroup(
    name="cluster",
    aliases={"list": "members", "ls": "members", "nodes": "members", "info": "status"},
    help="See who is a member, and let a node go.",
)


@verb(cluster, "members")
def members(session: Session) -> None:
    """List the members; * marks the node that was asked."""
    from caxton_node.cli.plain import plain

    with session.client() as client:
        rows = [_shown(plain(member)) for member in client.cluster.members()]
    session.output.rows(rows, COLUMNS, empty="no members")


@verb(cluster, "status")
@click.option("--node", default="", help="Which node's view. [default: the node that is asked]")
def status(session: Session, node: str) -> None:
    """Show a node's view of the cluster: members, links, message counts."""
    from caxton_node.cli.plain import plain

    with session.client() as client:
        facts = plain(client.cluster.status(node=node))
    if session.output.for_programs:
        session.output.data(facts)
        return
    session.output.facts(facts, _status_lines(facts))
    if facts["links"]:
        session.output.line("")
        session.output.rows(facts["links"], LINK_COLUMNS, empty="")


@verb(cluster, "watch")
@click.option("--limit", type=click.IntRange(min=1), help="End after this many events.")
def watch(session: Session, limit: int | None) -> None:
    """Follow changes of the membership, until Ctrl-C; present members come first."""
    from caxton_node.cli.plain import plain

    with session.client() as client:
        for number, event in enumerate(client.cluster.watch(), start=1):
            row = plain(event)
            member = row["member"] = _shown(row["member"])
            who = f"{member['node_id']}  {paint(member['state'])}  {member['address']}"
            session.output.event(row, f"{row['change'].ljust(10)}  {who}")
            if number == limit:
                return


@verb(cluster, "leave")
@click.option("--node", default="", help="Which node. [default: the node that is asked]")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def leave(session: Session, node: str, yes: bool) -> None:
    """Let a node say goodbye to the others and stop."""
    if not yes:
        click.confirm(
            f"Stop {node or 'the node that is asked'} and take it out of the cluster?", abort=True, err=True
        )
    with session.client() as client:
        left = client.cluster.leave(node=node)
    session.output.done({"node_id": left}, f"{left} is leaving")


def _shown(member: dict[str, Any]) -> dict[str, Any]:
    # Operators say failed where the protocol says dead.
    return {**member, "state": "failed" if member["state"] == "dead" else member["state"]}


def _status_lines(facts: dict[str, Any]) -> list[tuple[str, object]]:
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
        ("agents running", facts["agents_running"]),
        ("health score", facts["health_score"]),
        ("gossip bytes", f"{facts['gossip_bytes_in']:,} in, {facts['gossip_bytes_out']:,} out"),
        ("messages", ", ".join(f"{count:,} {word.replace('_', ' ')}" for word, count in counts.items())),
        *((f"listens: {name}", address) for name, address in facts["listening"].items()),
    ]
