"""`caxton message where`, `trace` and `conversation`: what became of messages, and what they belong to."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import cell
from caxton_node.cli.session import Session, verb

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from caxton_node.client import Client

PARKED_HINT = "its trace begins when it leaves for its receiver"
FOLLOW_HINT = "nobody followed the conversation: caxton message send --trace follows one from then on"
_ID = re.compile(r"[0-9a-fA-F]{32}\Z")

tracking = VerbGroup(name="tracking", help="Verbs of `caxton message`.")


@verb(tracking, "where")
@click.argument("message_id", metavar="ID")
def where(session: Session, message_id: str) -> None:
    """Tell where message ID is, for each of its receivers.

    Any node is asked; it asks all others that are alive.
    """
    from caxton_node.cli.whereabouts_sheet import show_whereabouts
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = plain(client.messages.where(message_id))
    _warn_of_silent(found["silent"])
    show_whereabouts(session.output, found)


@verb(tracking, "trace")
@click.argument("key", metavar="ID|CONVERSATION")
def trace(session: Session, key: str) -> None:
    """Show the way of every message of a conversation.

    Over all nodes: when, from whom, to whom, how long. Say the id of one of its messages, or its own.
    """
    from caxton_node.cli.trace_sheet import show_trace
    from caxton_node.client.plain import plain
    from caxton_node.core.errors import NotFound

    with session.client() as client:
        try:
            found = plain(client.messages.trace(key))
        except NotFound as err:
            _fall_back(session, client, key, err)
            return
    _warn_of_silent(found["silent"])
    show_trace(session.output, found)


@verb(tracking, "conversation")
@click.argument("conversation", metavar="[CONVERSATION]", default="")
@click.option("--agent", default="", help="List only those in which this agent takes part.")
@click.option(
    "--all", "everything", is_flag=True, help="List also those in which nothing is expected any more."
)
@click.option("--node", default="", help="List only those of this node. [default: all that are alive]")
@click.option("--limit", type=click.IntRange(1, 1000), default=20, show_default=True, help="List so many.")
def conversation(
    session: Session, *, conversation: str, agent: str, everything: bool, node: str, limit: int
) -> None:
    """Show a conversation, or list those that are open.

    Of one: who talks, how far each protocol has come, and what may be said next.
    """
    from caxton_node.cli.conversation_sheet import COLUMNS, show_conversation
    from caxton_node.client.plain import plain

    with session.client() as client:
        if conversation:
            found = plain(client.messages.conversation(conversation))
        else:
            found = plain(
                client.messages.conversations(node=node, limit=limit, agent=agent, everything=everything)
            )
    _warn_of_silent(found["silent"])
    if conversation:
        show_conversation(session.output, found["conversation"])
    else:
        empty = "no conversations" if everything else "no open conversations; --all lists the others"
        session.output.rows(found["conversations"], COLUMNS, empty=empty)


def _fall_back(session: Session, client: Client, key: str, unknown: Exception) -> None:
    """Show what is known all the same of a message or conversation that nobody followed.

    Raises:
        NotFound: Nothing is.
    """
    from caxton_node.core.errors import NotFound

    try:
        name, found = _find_otherwise(client, key)
    except NotFound:
        raise unknown from None
    if session.output.for_programs:
        session.output.data({"steps": [], "silent": [], "cut": False, name: found})
        return
    _warn_of_silent(found["silent"])
    if name == "where":
        from caxton_node.cli.whereabouts_sheet import show_whereabouts

        show_whereabouts(session.output, found)
    else:
        from caxton_node.cli.conversation_sheet import show_conversation

        show_conversation(session.output, found["conversation"])
    is_parked = any(each["state"] == "parked" for each in found.get("receivers", ()))
    hint = PARKED_HINT if is_parked else FOLLOW_HINT
    click.echo(click.style(hint, dim=True), err=True, color=session.output.color)


def _find_otherwise(client: Client, key: str) -> tuple[str, dict[str, Any]]:
    """Return the receipts of a message, else what is known of a conversation."""
    from caxton_node.client.plain import plain
    from caxton_node.core.errors import NotFound

    if _ID.match(key.replace("-", "")):
        try:
            return "where", plain(client.messages.where(key))
        except NotFound:  # conversations may have such ids too
            pass
    return "conversation", plain(client.messages.conversation(key))


def _warn_of_silent(silent: Iterable[Mapping[str, str]]) -> None:
    for each in silent:
        click.echo(f"{cell(each['node'])} did not answer: {cell(each['reason'])}", err=True)
