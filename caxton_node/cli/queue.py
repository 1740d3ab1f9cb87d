"""`caxton queue`: look at waiting and undeliverable messages."""

from __future__ import annotations

from typing import Any

import click

from caxton_node.cli.dead_letters import dead
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.session import Session, verb

queue = VerbGroup(
    name="queue",
    aliases={"status": "stats", "dead-letters": "dead"},
    help="Look at waiting and undeliverable messages.",
)
queue.add_command(dead, "dead")


@verb(queue, "stats")
@click.option("--node", default="", help="Which node. [default: the node that is asked]")
def stats(session: Session, node: str) -> None:
    """Show the message counts of a node and why messages died."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        counts = plain(client.cluster.status(node=node).messages)
        letters = client.messages.dead_letters(node=node, limit=1)
    reasons = {found.reason: plain(found) for found in letters.counts}
    facts: dict[str, Any] = {
        **counts,
        "dead_letters_by_reason": {reason: found["total"] for reason, found in reasons.items()},
        "kept_dead_letters_by_reason": {reason: found["kept"] for reason, found in reasons.items()},
    }
    lines = [(word.replace("_", " "), f"{count:,}") for word, count in counts.items()]
    lines += [(f"  {reason}", _letters(found)) for reason, found in reasons.items()]
    session.output.facts(facts, lines)


def _letters(found: dict[str, int]) -> str:
    return f"{found['total']:,} since the start, {found['kept']:,} kept, {found['forgotten']:,} forgotten"
