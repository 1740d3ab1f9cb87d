"""`caxton agent`: deploy agents and drive them through their life."""

from __future__ import annotations

import click

from caxton_node.cli.agent_group import agent, node_option, returned, row_of, say_state
from caxton_node.cli.agent_sheet import COLUMNS, HISTORY_COLUMNS, show_agent
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Count, Duration


@verb(agent, "list")
@click.argument("name", default="")
@click.option("--node", default="", help="Only agents on this node.")
def list_agents(session: Session, name: str, node: str) -> None:
    """List the agents of the cluster, or the instances of NAME."""
    with session.client() as client:
        rows = list(client.agent_rows.list(name=name, node=node))
    session.output.rows(rows, COLUMNS, empty="no agents; deploy one with: caxton agent deploy FILE")


@verb(agent, "get")
@click.argument("name")
@node_option
def get(session: Session, name: str, node: str) -> None:
    """Show one agent in short."""
    with session.client() as client:
        row = row_of(client.agents.get(name, node=node))
    session.output.rows([row], COLUMNS, empty="") if not session.output.for_programs else session.output.data(
        row
    )


@verb(agent, "inspect")
@click.argument("name")
@node_option
def inspect(session: Session, name: str, node: str) -> None:
    """Show everything about one agent and its last failure."""
    with session.client() as client:
        row = row_of(client.agents.get(name, node=node))
    show_agent(session.output, row)


@verb(agent, "history")
@click.argument("name")
@node_option
@click.option("--limit", type=Count(), default=0, help="At most so many. [default: all, up to 50]")
def history(session: Session, name: str, node: str, limit: int) -> None:
    """Show how NAME moved from state to state, newest first."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(moved) for moved in client.agents.history(name, node=node, limit=limit)]
    session.output.rows(rows, HISTORY_COLUMNS, empty=f"{name} has not moved yet")


@verb(agent, "start")
@click.argument("name")
@node_option
def start(session: Session, name: str, node: str) -> None:
    """Start an agent that is loaded, stopped or failed."""
    with session.client() as client:
        say_state(session, client.agents.start(name, node=node))


@verb(agent, "stop")
@click.argument("name")
@node_option
@click.option("--drain", type=Duration(), default=0.0, help="How long its mailbox may drain. [default: 30s]")
def stop(session: Session, name: str, node: str, drain: float) -> None:
    """Drain an agent and stop it; it stays deployed."""
    with session.client() as client:
        answer = client.agents.stop(name, node=node, drain_s=drain)
    count = answer.returned_messages
    say_state(session, answer.agent, more=returned(count), returned_messages=count)


@verb(agent, "restart")
@click.argument("name")
@node_option
def restart(session: Session, name: str, node: str) -> None:
    """Replace the running instance by a fresh one; waiting messages are kept."""
    with session.client() as client:
        say_state(session, client.agents.restart(name, node=node))


@verb(agent, "delete")
@click.argument("name")
@node_option
@click.option(
    "--force", is_flag=True, help="Do not drain; waiting messages go back to their senders as FAILURE."
)
def delete(session: Session, name: str, node: str, force: bool) -> None:
    """Drain and remove an agent."""
    with session.client() as client:
        answer = client.agents.undeploy(name, node=node, force=force)
    session.output.done(
        {"name": name, "returned_messages": answer.returned_messages},
        f"{name} is removed{returned(answer.returned_messages)}",
    )
