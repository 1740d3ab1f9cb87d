"""`caxton message dead`, `caxton queue dead-letters`: look at what reached nobody, send it again, drop it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, TypeVar

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.letter_sheet import COLUMNS, show_letter
from caxton_node.cli.output import cell
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Count, Duration

if TYPE_CHECKING:
    from caxton_node.client import Client

PAGE = 1000
SHOWN = 20
LIST = "list"

F = TypeVar("F", bound=Callable[..., object])
Row = Mapping[str, Any]


class ListingGroup(VerbGroup):
    """A group that lists when no verb is said: it was a verb before it had verbs."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the verb in where options or nothing stand in its place."""
        asks_for_help = bool(args) and args[0] in ctx.help_option_names
        if not args or (args[0].startswith("-") and not asks_for_help):
            args = [LIST, *args]
        return super().parse_args(ctx, args)


dead = ListingGroup(
    name="dead",
    aliases={"ls": LIST, "show": "get", "send": "resend", "retry": "resend", "rm": "drop", "delete": "drop"},
    help="""Look at messages that reached nobody, send them again, drop them.

    Without a verb they are listed.
    """,
)


def _node(function: F) -> F:
    return click.option("--node", default="", help="Whose. [default: the node that is asked]")(function)


def _choice(function: F) -> F:
    """Add the options that choose among dead letters."""
    for option in reversed(
        (
            click.option("--reason", default="", help="Only those that died of this: mailbox-full, ..."),
            click.option("--receiver", default="", help="Only those to this agent, or to name@node."),
            click.option("--sender", default="", help="Only those of this agent, or of name@node."),
            click.option("--conversation", "conversation_id", default="", help="Only those of this one."),
            click.option("--since", type=Duration(), help="Only those of the latest, such as 2h."),
        )
    ):
        function = option(function)
    return function


@verb(dead, LIST)
@_choice
@_node
@click.option("--all-nodes", is_flag=True, help="Those of every node that is alive.")
@click.option("--limit", type=click.IntRange(1, 100_000), default=SHOWN, show_default=True)
def list_letters(session: Session, *, node: str, all_nodes: bool, limit: int, **choice: object) -> None:
    """List messages that could not be delivered, newest first."""
    if node and all_nodes:
        raise click.UsageError("--node and --all-nodes exclude each other")
    letters = _letters(choice)
    with session.client() as client:
        if all_nodes:
            rows = _of_all_nodes(client, letters, limit)
        else:
            rows = list(_of_node(client, letters, limit, node))
    session.output.rows(rows, COLUMNS, empty="no dead letters")


@verb(dead, "get")
@click.argument("number", metavar="ID", type=Count(2**63 - 1))
@_node
def get(session: Session, number: int, node: str) -> None:
    """Show the dead letter ID, content included."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        row = plain(client.messages.dead_letter(number, node=node))
    show_letter(session.output, row)


@verb(dead, "resend")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=Count(2**63 - 1))
@_choice
@_node
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--max", "most", type=click.IntRange(1, 10_000), help="Send so many. [default: 1000]")
def resend(
    session: Session, ids: tuple[int, ...], *, node: str, everything: bool, most: int | None, **choice: object
) -> None:
    """Send dead letters again, by ID or by what they have in common; the oldest go first."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        answer = client.messages.resend_dead_letters(
            ids, letters=_letters(choice), everything=everything, most=most or 0, node=node
        )
    row = plain(answer)
    session.output.done(row, _what_became(row))


@verb(dead, "drop")
@click.argument("ids", metavar="[ID]...", nargs=-1, type=Count(2**63 - 1))
@_choice
@_node
@click.option("--all", "everything", is_flag=True, help="All of them.")
@click.option("--yes", "-y", is_flag=True, help="Do not ask.")
def drop(
    session: Session, ids: tuple[int, ...], *, node: str, everything: bool, yes: bool, **choice: object
) -> None:
    """Forget dead letters for good, by ID or by what they have in common."""
    letters = _letters(choice)
    if (letters or everything) and not (ids or yes):
        those = ", ".join(f"{name} {value}" for name, value in choice.items() if value) or "all"
        click.confirm(f"Forget dead letters for good ({cell(those)})?", abort=True, err=True)
    with session.client() as client:
        dropped = client.messages.drop_dead_letters(ids, letters=letters, everything=everything, node=node)
    session.output.done({"dropped": dropped}, f"{dropped:,} dropped")


def _letters(choice: Mapping[str, Any]) -> dict[str, Any]:
    """Return what was chosen by the names of the schema."""
    since_s = choice["since"]
    letters = {name: value for name, value in choice.items() if value and name != "since"}
    return letters if since_s is None else {**letters, "since_unix_ms": round((time.time() - since_s) * 1000)}


def _of_node(client: Client, letters: Row, limit: int, node: str) -> Iterator[dict[str, Any]]:
    from caxton_node.client.plain import plain

    token = ""
    while limit:
        page = client.messages.dead_letters(
            node=node, limit=min(limit, PAGE), letters=letters, page_token=token
        )
        yield from (_flat(plain(letter)) for letter in page.dead_letters)
        limit -= len(page.dead_letters)
        if not (token := page.next_page_token):
            return


def _of_all_nodes(client: Client, letters: Row, limit: int) -> list[dict[str, Any]]:
    """Ask every node; one that does not answer is named, and does not hide the others."""
    from caxton_node.client import MemberState
    from caxton_node.core.errors import CaxtonError

    rows: list[dict[str, Any]] = []
    for member in client.cluster.members():
        if MemberState.of(member) not in {MemberState.ALIVE, MemberState.SUSPECT}:
            continue
        try:
            rows += _of_node(client, letters, limit, member.node_id)
        except CaxtonError as err:
            click.echo(f"{member.node_id} did not answer: {err}", err=True)
    return sorted(rows, key=_at, reverse=True)[:limit]


def _at(row: Row) -> int:
    return int(row["at_unix_ms"])


def _flat(letter: dict[str, Any]) -> dict[str, Any]:
    return {**letter.pop("message"), **letter}


def _what_became(row: Row) -> str:
    parts: Iterable[tuple[str, str]] = (
        ("came_back", "came back and are listed anew"),
        ("skipped", "cannot be sent and stay"),
        ("left", "more are meant; say it again for those"),
    )
    return "; ".join(
        [f"{row['sent']:,} sent again", *(f"{row[key]:,} {words}" for key, words in parts if row[key])]
    )
