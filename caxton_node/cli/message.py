"""`caxton message`: send messages to agents and follow them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, cell, column, visible
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Duration, read_content

if TYPE_CHECKING:
    from caxton_node.pb import messages_pb2

EXIT_REFUSED = 1
REFUSALS = frozenset({"failure", "refuse", "not-understood"})
SHOWN_CHARS = 80
DEAD_COLUMNS = (
    Column("TIME", lambda row: _clock(int(str(row["at_unix_ms"])) / 1000)),
    column("REASON", "reason"),
    column("RECEIVER", "receiver"),
    column("SENDER", "sender"),
    column("PERFORMATIVE", "performative"),
    column("MESSAGE", "message_id", wide=True),
    column("CONTENT", "content", wide=True),
)

message = VerbGroup(
    name="message",
    aliases={"subscribe": "stream", "follow": "stream", "ask": "send", "dead-letters": "dead"},
    help="Send messages to agents and follow them.",
)


@verb(message, "send")
@click.option("--to", required=True, help="Name of an agent, or name@node.")
@click.option(
    "--content", "--data", "content", default="", help="What to say: text, @FILE, or - for standard input."
)
@click.option("--performative", "-p", default="request", show_default=True, help="One of the FIPA acts.")
@click.option("--protocol", default="", help="Interaction protocol, such as fipa-request.")
@click.option("--ontology", default="", help="Vocabulary of the content.")
@click.option("--language", default="", help="Language of the content. [default: json]")
@click.option("--conversation", default="", help="Conversation to continue. [default: a new one]")
@click.option(
    "--timeout", type=Duration(), default=30.0, help="How long to wait for the reply. [default: 30s]"
)
@click.option("--no-wait", is_flag=True, help="Do not wait for a reply.")
def send(
    session: Session,
    *,
    to: str,
    content: str,
    performative: str,
    protocol: str,
    ontology: str,
    language: str,
    conversation: str,
    timeout: float,
    no_wait: bool,
) -> int:
    """Send a message and print its reply; the content goes to stdout, the rest to stderr."""
    with session.client() as client:
        answer = client.messages.send(
            to,
            read_content(content),
            performative=performative,
            protocol=protocol,
            ontology=ontology,
            language=language,
            conversation_id=conversation,
            timeout_s=timeout,
            wait=not no_wait,
        )
    return _print_answer(session, answer, to)


@verb(message, "stream")
@click.option(
    "--agent", "agents", multiple=True, help="Only messages from or to this agent; may be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), help="End after this many messages.")
def stream(session: Session, agents: tuple[str, ...], limit: int | None) -> None:
    """Follow the messages that a node handles, until Ctrl-C."""
    shown = 0
    with session.client() as client:
        for event in client.messages.subscribe(agents):
            if event.dropped:
                click.echo(f"{event.dropped} messages were too fast for this terminal", err=True)
            if event.HasField("message"):
                row = _row(event.message)
                session.output.event(row, _line(row))
                shown += 1
            if shown == limit:
                return


@verb(message, "dead")
@click.option("--node", default="", help="Whose dead letters. [default: the node that is asked]")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True)
def dead(session: Session, node: str, limit: int) -> None:
    """List messages that could not be delivered, newest first."""
    with session.client() as client:
        answer = client.messages.dead_letters(node=node, limit=limit)
    rows = [
        {
            **_row(letter.message),
            "receiver": letter.receiver,
            "reason": letter.reason,
            "at_unix_ms": letter.at_unix_ms,
        }
        for letter in answer.dead_letters
    ]
    session.output.rows(rows, DEAD_COLUMNS, empty="no dead letters")


def _print_answer(session: Session, answer: messages_pb2.SendMessageResponse, to: str) -> int:
    from caxton_node.cli.plain import plain, text_of

    output = session.output
    reply = answer.reply if answer.HasField("reply") else None
    if output.for_programs:
        output.data(plain(answer))
    elif reply is None:
        output.line(f"accepted as {answer.message_id}")
    else:
        head = f"{reply.performative} from {reply.sender or to} after {answer.latency_us / 1000:.1f} ms"
        click.echo(click.style(head, dim=True), err=True, color=output.color)
        text = text_of(reply.content)
        # A program gets what the agent said, byte for byte; a terminal would obey it.
        output.line(visible(text) if sys.stdout.isatty() else text)
    return EXIT_REFUSED if reply is not None and reply.performative in REFUSALS else 0


def _row(found: messages_pb2.Message) -> dict[str, Any]:
    from caxton_node.cli.plain import plain

    return plain(found)


def _line(row: dict[str, Any]) -> str:
    content = cell(row["content"])
    shown = content if len(content) <= SHOWN_CHARS else f"{content[: SHOWN_CHARS - 1]}…"
    act = click.style(row["performative"].ljust(15), bold=True)
    route = cell(f"{row['sender']} -> {', '.join(row['receivers'])}")
    return f"{_clock(row['sent_unix_us'] / 1e6)}  {act}  {route}  {shown}"


def _clock(unix_s: float) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(unix_s).astimezone():%H:%M:%S.%f}"[:-3]
