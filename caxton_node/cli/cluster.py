"""`caxton cluster`: see who is a member and how they are, and let nodes go."""

from __future__ import annotations

import sys
import time

import click

from caxton_node.cli.cluster_history import history
from caxton_node.cli.cluster_partition import partitions
from caxton_node.cli.cluster_peers import links
from caxton_node.cli.cluster_registry import registry_verbs
from caxton_node.cli.cluster_sheet import LINK_COLUMNS, member_columns, shown, status_lines, what_of
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.keys import keys
from caxton_node.cli.output import Output, paint
from caxton_node.cli.session import Session, verb

cluster = VerbGroup(
    name="cluster",
    aliases={
        "list": "members",
        "ls": "members",
        "nodes": "members",
        "info": "status",
        "top": "watch",
        "history": "events",
        "split": "partition",
        "links": "peers",
        "overruled": "conflicts",
    },
    help="See who is a member and how they are, and let nodes go.",
)
cluster.add_command(keys, "keys")


@verb(cluster, "members")
def members(session: Session) -> None:
    """List the members; * marks the node that was asked."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [shown(plain(member)) for member in client.cluster.members()]
    session.output.rows(rows, member_columns(time.time_ns() // 1_000_000), empty="no members")


@verb(cluster, "status")
@click.option("--node", default="", help="Which node's view. [default: the node that is asked]")
def status(session: Session, node: str) -> None:
    """Show a node's view of the cluster: members, links, gossip, message counts."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        facts = plain(client.cluster.status(node=node))
    if session.output.for_programs:
        session.output.data(facts)
        return
    session.output.facts(facts, status_lines(facts))
    if facts["links"]:
        session.output.line("")
        session.output.rows(facts["links"], LINK_COLUMNS, empty="")


@verb(cluster, "watch")
@click.option("--limit", type=click.IntRange(min=1), help="End after this many events; implies --plain.")
@click.option("--plain", "as_lines", is_flag=True, help="Print a line for each event, as into a pipe.")
def watch(session: Session, limit: int | None, as_lines: bool) -> None:
    """Watch the cluster on the whole screen, until q or Ctrl-C.

    Into a pipe, or with --plain or -o json, it prints present members and then a line for each change.
    """
    output = session.output
    if limit or as_lines or output.for_programs or not sys.stdout.isatty():
        _follow(session, output, limit)
        return
    from caxton_node.cli.cluster_watch import watch_screen

    with session.client() as client:
        watch_screen(client, color=output.color is not False)


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


for group in (history, partitions, links, registry_verbs):
    for word, command in group.commands.items():
        cluster.add_command(command, word)


def _follow(session: Session, output: Output, limit: int | None) -> None:
    from caxton_node.client.plain import plain

    with session.client() as client:
        for number, event in enumerate(client.cluster.watch(), start=1):
            row = plain(event)
            member = row["member"] = shown(row["member"])
            who = f"{member['node_id']}  {paint(member['state'])}  {member['address']}"
            by = what_of(row, row["change"]).removeprefix(row["change"])
            output.event(row, f"{row['change'].ljust(10)}  {who}{' ' if by else ''}{by}")
            if number == limit:
                return
