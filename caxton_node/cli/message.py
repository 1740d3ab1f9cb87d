"""`caxton message`: send messages to agents and follow them."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.acl import language_of, print_acl, read_acl
from caxton_node.cli.budget import Budget, bill_lines
from caxton_node.cli.dead_letters import dead
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.message_tracking import tracking
from caxton_node.cli.output import cell, visible
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Duration, read_content

if TYPE_CHECKING:
    from caxton_node.pb import messages_pb2

EXIT_REFUSED = 1
REFUSALS = frozenset({"failure", "refuse", "not-understood"})
SHOWN_CHARS = 80

message = VerbGroup(
    name="message",
    aliases={
        "subscribe": "stream",
        "follow": "stream",
        "ask": "send",
        "dead-letters": "dead",
        "find": "where",
        "conversations": "conversation",
    },
    help="Send messages to agents and follow them.",
)
message.add_command(dead, "dead")


@verb(message, "send")
@click.option("--to", default="", help="Name of an agent, or name@node.")
@click.option(
    "--content", "--data", "content", default="", help="What to say: text, @FILE, or - for standard input."
)
@click.option("--performative", "-p", default="", help="One of the FIPA acts. [default: request]")
@click.option("--protocol", default="", help="Interaction protocol, such as fipa-request.")
@click.option("--ontology", default="", help="Vocabulary of the content.")
@click.option("--language", default="", help="Language of the content. [default: json, or text]")
@click.option("--conversation", default="", help="Conversation to continue. [default: a new one]")
@click.option(
    "--acl", default="", help="The whole message as FIPA writes it, instead of the above: text, @FILE, or -."
)
@click.option(
    "--timeout", type=Duration(), default=30.0, help="How long to wait for the reply. [default: 30s]"
)
@click.option("--no-wait", is_flag=True, help="Do not wait for a reply.")
@click.option(
    "--budget",
    type=Budget(),
    help="What the conversation may use in all: messages=100,bytes=1MiB,time=5s,fuel=1e9,cost=500.",
)
@click.option(
    "--ttl",
    type=Duration(),
    help="Give it up then if nobody has handled it; until then it waits for an agent.",
)
@click.option("--durable", is_flag=True, help="Keep it on the node's disk until it is handled, whoever dies.")
@click.option("--trace", is_flag=True, help="Follow its conversation, for: caxton message trace.")
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
    acl: str,
    timeout: float,
    no_wait: bool,
    budget: dict[str, int] | None,
    ttl: float | None,
    durable: bool,
    trace: bool,
) -> int:
    """Send a message and print its reply; the content goes to stdout, the rest to stderr."""
    told = {
        "to": to,
        "content": content,
        "performative": performative,
        "protocol": protocol,
        "ontology": ontology,
        "language": language,
        "conversation_id": conversation,
    }
    said = _whole_message(acl, told) if acl else _message_of(told)
    with session.client() as client:
        answer = client.messages.send(
            **said,
            timeout_s=timeout,
            wait=not no_wait,
            budget=budget,
            ttl_s=ttl or 0.0,
            durable=durable,
            trace=trace,
        )
    return _print_answer(session, answer, said["to"])


@verb(message, "stream")
@click.option(
    "--agent", "agents", multiple=True, help="Only messages from or to this agent; may be repeated."
)
@click.option("--limit", type=click.IntRange(min=1), help="End after this many messages.")
@click.option("--acl", is_flag=True, help="Print whole messages as FIPA writes them.")
def stream(session: Session, agents: tuple[str, ...], limit: int | None, acl: bool) -> None:
    """Follow the messages that a node handles, until Ctrl-C."""
    shown = 0
    with session.client() as client:
        for event in client.messages.subscribe(agents):
            if event.dropped:
                click.echo(f"{event.dropped} messages were too fast for this terminal", err=True)
            if event.HasField("message"):
                if acl and not session.output.for_programs:
                    print_acl(session, event.message)
                else:
                    row = _row(event.message)
                    session.output.event(row, _line(row))
                shown += 1
            if shown == limit:
                return


for word, command in tracking.commands.items():
    message.add_command(command, word)


def _message_of(told: dict[str, Any]) -> dict[str, Any]:
    """Complete what the options say."""
    if not told["to"]:
        raise click.UsageError("Missing option '--to' (or '--acl').", click.get_current_context())
    content = read_content(told["content"])
    language = language_of(content, told["language"])
    performative = told["performative"] or "request"
    return {**told, "content": content, "language": language, "performative": performative}


def _whole_message(acl: str, told: dict[str, Any]) -> dict[str, Any]:
    """Read a message that is written in full; what is in it is not said again."""
    twice = [name.removesuffix("_id") for name, value in told.items() if value]
    if twice:
        context = click.get_current_context()
        raise click.UsageError(f"--acl is the whole message; leave out --{twice[0]}", context)
    return read_acl(acl)


def _print_answer(session: Session, answer: messages_pb2.SendMessageResponse, to: str) -> int:
    from caxton_node.client.plain import plain, text_of

    output = session.output
    reply = answer.reply if answer.HasField("reply") else None
    if output.for_programs:
        output.data(plain(answer))
    elif reply is None:
        output.line(f"accepted as {answer.message_id}")
    else:
        took = f"{reply.performative} from {reply.sender or to} after {answer.latency_us / 1000:.1f} ms"
        head = f"{took}, message {answer.message_id}"
        click.echo(click.style(head, dim=True), err=True, color=output.color)
        text = text_of(reply.content)
        # A program gets what the agent said, byte for byte; a terminal would obey it.
        output.line(visible(text) if sys.stdout.isatty() else text)
        for line in bill_lines(answer):
            click.echo(click.style(line, dim=True), err=True, color=output.color)
    return EXIT_REFUSED if reply is not None and reply.performative in REFUSALS else 0


def _row(found: messages_pb2.Message) -> dict[str, Any]:
    from caxton_node.client.plain import plain

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
