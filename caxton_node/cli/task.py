"""`caxton task`: have work done by whoever offers it best (Contract Net)."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import visible
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Count, Duration, read_content

if TYPE_CHECKING:
    from caxton_node.client import Client
    from caxton_node.pb import tasks_pb2

EXIT_NOT_DONE = 1
DONE = "Completed"
STATES = ("submitted", "calling", "working", "completed", "partial", "failed", "cancelled")

task = VerbGroup(
    name="task",
    aliases={"start": "run", "inspect": "get", "show": "get", "ls": "list", "stop": "cancel"},
    help="Have work done by whoever offers it best: agents bid, the best gets it (Contract Net).",
)


@verb(task, "run")
@click.option("--capability", "-c", default="", help="Call every agent in the cluster that has it.")
@click.option(
    "--to", "contractors", multiple=True, help="Call this agent too, NAME or NAME@NODE; may repeat."
)
@click.option(
    "--content", "--data", "content", default="{}", help="What is to be done, JSON: text, @FILE, or -."
)
@click.option(
    "--prefer", multiple=True, metavar="min|max:TERM[*WEIGHT]", help="Rank bids by a term, such as min:price."
)
@click.option("--require", multiple=True, metavar="TERM<=VALUE", help="Let no other bids in: price<=100.")
@click.option("--winners", type=click.IntRange(1), default=1, show_default=True, help="Who get the work.")
@click.option("--rounds", type=click.IntRange(1), default=1, show_default=True, help="Calls at most.")
@click.option(
    "--step",
    "steps",
    multiple=True,
    metavar="TERM=AMOUNT",
    help="Call again only if bids get so much better.",
)
@click.option("--proposals-within", type=Duration(), default=5.0, help="Wait for bids. [default: 5s]")
@click.option("--results-within", type=Duration(), default=30.0, help="Wait for work. [default: 30s]")
@click.option(
    "--fallback/--no-fallback",
    default=True,
    show_default=True,
    help="If a winner fails, award the next best.",
)
@click.option(
    "--reserves", type=Count(), help="So many of the next best at most. [default: all that qualify]"
)
@click.option("--participants", type=Count(), default=0, help="Call so many at most. [default: 500]")
@click.option("--protocol", default="", help="Name of the protocol. [default: by the rounds]")
@click.option("--node", default="", help="Node that is the initiator. [default: the node that is asked]")
@click.option(
    "--wait/--no-wait", default=True, show_default=True, help="Wait for the result, or print an id."
)
def run(
    session: Session,
    *,
    capability: str,
    contractors: tuple[str, ...],
    content: str,
    prefer: tuple[str, ...],
    require: tuple[str, ...],
    winners: int,
    rounds: int,
    steps: tuple[str, ...],
    proposals_within: float,
    results_within: float,
    fallback: bool,
    reserves: int | None,
    participants: int,
    protocol: str,
    node: str,
    wait: bool,
) -> int:
    """Put work out to tender and print what the winner delivers.

    The result goes to stdout, one line for each winner, all else to stderr; exit code 1 if it was not done.
    """
    with session.client() as client:
        begun = client.tasks.run(
            read_content(content),
            capability=capability,
            contractors=contractors,
            prefer=prefer,
            require=require,
            steps=steps,
            winners=winners,
            reserves=reserves if fallback else 0,
            rounds_max=rounds,
            proposals_within_s=proposals_within,
            results_within_s=results_within,
            participants_max=participants,
            protocol=protocol,
            node=node,
        )
        if not wait:
            return _print_id(session, begun)
        ended = _follow(session, client, begun)
    return _print_result(session, ended)


@verb(task, "get")
@click.argument("task")
def get(session: Session, task: str) -> None:
    """Show everything about TASK: each bid with its score, what became of it, and why."""
    from caxton_node.cli.task_sheet import show_task
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = client.tasks.get(task)
    show_task(session.output, plain(found))


@verb(task, "list")
@click.option("--node", default="", help="Only tasks of this node. [default: all that are alive]")
@click.option("--state", type=click.Choice(STATES), default=None, help="Only tasks in this state.")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def list_tasks(session: Session, node: str, state: str | None, limit: int) -> None:
    """List the latest tasks of the cluster, newest first."""
    from caxton_node.cli.task_sheet import COLUMNS
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = _gather(client, node, state or "", limit)
    rows = [plain(each) for each in found]
    session.output.rows(rows, COLUMNS, empty="no tasks; begin one with: caxton task run --capability NAME")


@verb(task, "cancel")
@click.argument("task")
def cancel(session: Session, task: str) -> None:
    """Give TASK up and tell its contractors."""
    from caxton_node.cli.task_sheet import name_of
    from caxton_node.client.plain import plain

    with session.client() as client:
        row = plain(client.tasks.cancel(task))
    session.output.done(row, f"{name_of(row)} is {row['state']}: {visible(row['detail']['reason'])}")


def _print_id(session: Session, begun: tasks_pb2.Task) -> int:
    from caxton_node.cli.task_sheet import name_of
    from caxton_node.client.plain import plain

    row = plain(begun)
    session.output.done(row, name_of(row))
    return 0


def _follow(session: Session, client: Client, begun: tasks_pb2.Task) -> dict[str, Any]:
    """Wait for the end, and tell a person what happens meanwhile."""
    from caxton_node.cli.task_progress import Progress
    from caxton_node.cli.task_sheet import name_of
    from caxton_node.client.plain import plain

    row, progress = plain(begun), Progress(session.output)
    try:
        for found in client.tasks.follow(begun):
            row = plain(found)
            if not session.output.for_programs:
                progress.show(row)
    except KeyboardInterrupt:
        click.echo(f"the task goes on; caxton task cancel {name_of(row)} ends it", err=True)
        raise
    if not session.output.for_programs:
        progress.end(row)
    return row


def _print_result(session: Session, row: dict[str, Any]) -> int:
    output = session.output
    if output.for_programs:
        output.data(row)
    else:
        for result in row["detail"]["results"]:
            # A program gets what the agent said, byte for byte; a terminal would obey it.
            output.line(visible(result["content"]) if sys.stdout.isatty() else result["content"])
    return 0 if row["state"] == DONE else EXIT_NOT_DONE


def _gather(client: Client, node: str, state: str, limit: int) -> list[tasks_pb2.Task]:
    """Ask one node, or all that are alive: a task is known where it is initiated."""
    from caxton_node.client import MemberState
    from caxton_node.core.errors import RemoteError

    nodes = (
        [node]
        if node
        else [
            member.node_id
            for member in client.cluster.members()
            if MemberState.of(member) is MemberState.ALIVE
        ]
    )
    found: list[tasks_pb2.Task] = []
    for each in nodes:
        try:
            found += client.tasks.list(node=each, limit=limit, state=state)
        except RemoteError as err:
            if node:
                raise
            click.echo(f"{each} does not tell its tasks: {visible(err.what)}", err=True)
    return sorted(found, key=lambda one: one.submitted_unix_ms, reverse=True)[:limit]
