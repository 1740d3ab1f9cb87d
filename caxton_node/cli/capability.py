"""`caxton capability`: find out what agents offer."""

from __future__ import annotations

import click

from caxton_node.cli.capability_options import query_of, query_options
from caxton_node.cli.capability_sheet import OFFER_COLUMNS, lines_of, shown, spoken
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import column
from caxton_node.cli.session import Session, verb

COLUMNS = (
    column("CAPABILITY", "name"),
    column("VERSION", "version"),
    column("AGENT", "agent"),
    column("NODES", "nodes"),
    column("SCHEMA", "schema_json", wide=True),
)

capability = VerbGroup(
    name="capability",
    aliases={"ls": "list", "search": "find", "show": "get", "follow": "watch"},
    help="Find out what agents offer.",
)


@verb(capability, "list")
@click.argument("name", default="")
def list_capabilities(session: Session, name: str) -> None:
    """List every capability in the cluster, or who offers NAME, ready or not."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(found) for found in client.agents.capabilities(name)]
    session.output.rows(
        rows, COLUMNS, empty=f"no agent offers {name}" if name else "no agent offers anything"
    )


@verb(capability, "find")
@click.argument("name", default="")
@query_options
@click.option("--near", is_flag=True, help="Only on nodes that are near the one that is asked.")
@click.option(
    "--within", "within_ms", type=float, default=0.0, metavar="MS", help="What near is. [default: 5]"
)
@click.option(
    "--pick", type=click.Choice(["all", "best", "any"]), default="all", help="Which of those that fit."
)
@click.option("--limit", type=click.IntRange(1, 1000), default=100, help="At most this many. [default: 100]")
@click.option("--unready", is_flag=True, help="Also those that cannot be used now.")
def find(session: Session, name: str, pick: str, limit: int, unready: bool, **conditions: object) -> None:
    """Find the agents that offer the capability NAME, the better ones first.

    NAME may be a namespace, such as text.*; all conditions must hold.
    """
    with session.client() as client:
        found = client.capabilities.find(
            query_of(name, **conditions), pick=pick, limit=limit, include_unready=unready
        )
    rows = [shown(offer) for offer in found.offers]
    session.output.rows(rows, OFFER_COLUMNS, empty=f"no agent offers {name or 'that'}")
    if found.more:
        click.echo("there are others; raise --limit or say more of what is wanted", err=True)


@verb(capability, "get")
@click.argument("name")
@click.argument("agent")
@click.option("--node", "on_node", default="", help="Only on this node.")
def get(session: Session, name: str, agent: str, on_node: str) -> None:
    """Show all about the capability NAME of AGENT, on every node that runs it."""
    with session.client() as client:
        offers = [shown(offer) for offer in client.capabilities.get(name, agent, on_node=on_node)]
    if session.output.for_programs:
        session.output.data(offers)
        return
    for offer in offers:
        session.output.facts(offer, lines_of(offer))


@verb(capability, "watch")
@click.argument("name", default="")
@query_options
@click.option("--limit", type=click.IntRange(min=1), help="End after this many events.")
def watch(session: Session, name: str, limit: int | None, **conditions: object) -> None:
    """Print what is there now, then each change, until Ctrl-C."""
    from caxton_node.client.plain import plain

    output = session.output
    with session.client() as client:
        for number, event in enumerate(client.capabilities.watch(query_of(name, **conditions)), start=1):
            output.event(plain(event) | {"offer": shown(event.offer)}, spoken(event))
            if number == limit:
                break
