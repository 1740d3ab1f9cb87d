"""`caxton cluster events` and `ping`: what happened to members, and how far away one is."""

from __future__ import annotations

import time
from collections.abc import Sequence
from itertools import count as counting
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.cluster_sheet import what_of
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Output, cell, paint
from caxton_node.cli.session import Session, verb
from caxton_node.cli.sheet import instant
from caxton_node.cli.types import Duration

if TYPE_CHECKING:
    from caxton_node.client import Client

ASK_AGAIN_S = 0.5
STATES = {"joined": "alive", "refuted": "alive", "suspected": "suspect", "died": "failed", "left": "left"}

history = VerbGroup(name="history", help="Verbs of `caxton cluster`.")

_node = click.option("--node", default="", help="Which node. [default: the node that is asked]")


@verb(history, "events")
@click.option("--since", type=Duration(), help="Only the last 10m, 2h, 7d.")
@click.option("--member", default="", help="Only about this member.")
@click.option(
    "--limit", type=click.IntRange(1, 1000), default=100, show_default=True, help="The latest so many."
)
@click.option("--follow", "-f", is_flag=True, help="Go on as things happen, until Ctrl-C.")
@_node
def events(
    session: Session, *, since: float | None, member: str, limit: int, follow: bool, node: str
) -> None:
    """Show what happened to members as a node saw it.

    Who came, who was suspected and by whom, who refuted, died or left; and how the node's own view changed.
    """
    since_ms = round((time.time() - since) * 1000) if since is not None else 0
    with session.client() as client:
        found = _fetch(client, node=node, member=member, since_unix_ms=since_ms, limit=limit)
        if not follow:
            _print_all(session.output, found)
            return
        _print_each(session.output, found)
        last = found[-1]["number"] if found else 0
        while True:
            time.sleep(ASK_AGAIN_S)
            found = _fetch(client, node=node, member=member, after=last, since_unix_ms=since_ms)
            _print_each(session.output, found)
            last = found[-1]["number"] if found else last


@verb(history, "ping")
@click.argument("target", metavar="MEMBER")
@click.option("--count", "-c", type=click.IntRange(min=1), default=4, show_default=True, help="Ask so often.")
@click.option("--interval", type=Duration(), default=1.0, help="Time between pings. [default: 1s]")
@click.option("--timeout", type=Duration(), default=1.0, help="Wait so long for each. [default: 1s]")
@click.option("--link", is_flag=True, help="Ask over the mesh link and not by gossip datagrams.")
@click.option("--node", default="", help="Which node pings. [default: the node that is asked]")
def ping(
    session: Session, *, target: str, count: int, interval: float, timeout: float, link: bool, node: str
) -> int:
    """Measure the round trip to a member; exit code 1 when it never answers."""
    times_ms: list[float] = []
    with session.client() as client:
        for number in counting(1):
            rtt_ms = _ping_once(session, client, number, target, link=link, timeout_s=timeout, node=node)
            times_ms += [] if rtt_ms is None else [rtt_ms]
            if number == count:
                break
            time.sleep(interval)
    _sum_up(session.output, target, count, times_ms)
    return 0 if times_ms else 1


def _fetch(client: Client, **asked: Any) -> list[dict[str, Any]]:  # noqa: ANN401  as the client takes them
    from caxton_node.client.plain import plain

    return [plain(event) for event in client.cluster.events(**asked)]


def _print_all(output: Output, found: Sequence[dict[str, Any]]) -> None:
    if output.for_programs:
        output.data(list(found))
    elif not found:
        click.echo("nothing has happened", err=True)
    else:
        _print_each(output, found)


def _print_each(output: Output, found: Sequence[dict[str, Any]]) -> None:
    for event in found:
        output.event(event, line_of(event))


def line_of(event: dict[str, Any]) -> str:
    """Write one event for people."""
    state = STATES.get(event["what"], "")
    word = what_of(event, event["what"])
    painted = click.style(word, fg=_color(state)) if state else paint(word)
    rest = cell(event["detail"]) or f"{cell(event['address'])}  incarnation {event['incarnation']}"
    return f"{instant(event['at_unix_ms'] * 1000)}  {cell(event['member'])}  {painted}  {rest}".rstrip()


def _color(state: str) -> str | None:
    from caxton_node.cli.output import COLORS

    return COLORS.get(state)


def _ping_once(
    session: Session, client: Client, number: int, target: str, *, link: bool, timeout_s: float, node: str
) -> float | None:
    """Ping once and print what came of it; return the milliseconds, None when it did not answer."""
    from caxton_node.core.errors import RemoteError

    try:
        answer = client.cluster.ping(target, over_link=link, timeout_s=timeout_s, node=node)
    except RemoteError as err:
        row = {"number": number, "target": target, "rtt_ms": None, "error": err.what}
        session.output.event(row, f"{target}: {number}  {cell(err.what)}")
        return None
    row = {"number": number, "target": target, "rtt_ms": answer.rtt_ms, "way": answer.way}
    session.output.event(
        row, f"{target} ({answer.address}) over {answer.way}: {number}  {answer.rtt_ms:.3g} ms"
    )
    return answer.rtt_ms


def _sum_up(output: Output, target: str, sent: int, times_ms: Sequence[float]) -> None:
    lost = 1 - len(times_ms) / sent
    summary: dict[str, Any] = {"target": target, "sent": sent, "answered": len(times_ms), "lost": lost}
    line = f"--- {target}: {sent} sent, {len(times_ms)} answered, {lost:.0%} lost"
    if times_ms:
        spread = {
            "min_ms": min(times_ms), "avg_ms": fmean(times_ms), "max_ms": max(times_ms),
            "mdev_ms": pstdev(times_ms),
        }  # fmt: skip
        summary |= spread
        line += ", min/avg/max/mdev " + "/".join(f"{value:.3g}" for value in spread.values()) + " ms"
    output.event(summary, line)
