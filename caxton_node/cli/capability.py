"""`caxton capability`: find out what agents offer."""

from __future__ import annotations

import click

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
    name="capability", aliases={"ls": "list", "search": "find"}, help="Find out what agents offer."
)


@verb(capability, "list")
def list_capabilities(session: Session) -> None:
    """List every capability in the cluster."""
    _print(session, "")


@verb(capability, "find")
@click.argument("name")
def find(session: Session, name: str) -> None:
    """List the agents that offer the capability NAME."""
    _print(session, name)


def _print(session: Session, name: str) -> None:
    from caxton_node.cli.plain import plain

    with session.client() as client:
        rows = [plain(found) for found in client.agents.capabilities(name)]
    session.output.rows(
        rows, COLUMNS, empty=f"no agent offers {name}" if name else "no agent offers anything"
    )
