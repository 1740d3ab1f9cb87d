"""How a trace looks: one line for each message and receiver, indented as calls are.

an answer stands below its question, marked by a corner
what an agent sends because of a message stands one deeper than that message
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import click

from caxton_node.cli.output import Column, Output, cell, column
from caxton_node.cli.sheet import instant, listed, period

Row = Mapping[str, Any]

DEPTH_MAX = 8
CORNER = "└ "
FORWARDED = "forwarded to "
WAY_US = 1_000
"""A way that is shorter than this is none: from the sender's hand to a mailbox of the same node."""


def show_trace(output: Output, found: Row) -> None:
    """Print the messages of a conversation in the order of cause and time."""
    if output.for_programs:
        output.data(found)
        return
    steps = found["steps"]
    output.line(_head(steps))
    output.line("")
    output.rows(_rows(steps), _columns(steps), empty="")
    output.line("")
    output.line(click.style(_totals(steps, cut=found["cut"]), dim=True))


def _head(steps: Sequence[Row]) -> str:
    talks = list(dict.fromkeys(step["conversation_id"] for step in steps if step["conversation_id"]))
    began = f"began at {instant(steps[0]['sent_unix_us'])}"
    if not talks:
        return f"a message without a conversation, {began}"
    return cell(f"conversation {talks[0]}{_others(talks)}, {began}")


def _others(talks: Sequence[str]) -> str:
    return f" and {len(talks) - 1} that belong to it" if len(talks) > 1 else ""


def _rows(steps: Sequence[Row]) -> list[dict[str, object]]:
    """Return the cells that depend on more than one step: the offset, and how wide the acts are."""
    began_us = steps[0]["sent_unix_us"]
    width = max(len(step["performative"]) for step in steps)
    return [
        {
            **step,
            "after": _offset(step["sent_unix_us"] - began_us),
            "message": _message(step, width),
            "way": _spent(step, "sent_unix_us", "routed_unix_us"),
            "waited": _spent(step, "routed_unix_us", "taken_unix_us"),
            "took": _spent(step, "taken_unix_us", "ended_unix_us"),
            "what": outcome_of(step)[0],
            "detail": outcome_of(step)[1],
        }
        for step in steps
    ]


def _message(step: Row, width: int) -> str:
    indent = "  " * min(step["depth"], DEPTH_MAX) + (CORNER if step["answer"] else "")
    return f"{indent}{step['performative'].ljust(width)}  {step['sender']} → {step['receiver']}"


def outcome_of(step: Row) -> tuple[str, str]:
    """Return what became of a message in a word, and by whom or why."""
    outcome = step["outcome"]
    if outcome == "handled":
        return outcome, _version(step["instance"])
    if outcome.startswith(FORWARDED):
        return "forwarded", f"to {outcome.removeprefix(FORWARDED)}"
    if outcome == "queued" and step["taken_unix_us"]:
        return "in hand", ""
    word, _, reason = outcome.partition(": ")
    return ("expired", "") if reason == "expired" else (word, reason)


def _version(instance: str) -> str:
    return instance.partition("#")[2].rpartition("@")[0].rpartition(".")[0]


def _offset(microseconds: int) -> str:
    """Write how long after the first message another was sent; clocks of two nodes may make it negative."""
    sign = "-" if microseconds < 0 else "+"
    return f"{sign}{period(abs(microseconds) / 1e6)}" if microseconds else "0"


def _spent(step: Row, since: str, until: str) -> str:
    """Write how long something took; for clients and agents of the platform, handing over is handling."""
    spent_us = _between(step, since, until)
    return period(spent_us / 1e6) if spent_us else ""


def _columns(steps: Sequence[Row]) -> Sequence[Column]:
    """Return the columns; the way only where a message had one, between nodes or parked."""
    has_way = any(step["routed_unix_us"] - step["sent_unix_us"] > WAY_US for step in steps)
    return (
        column("AFTER", "after", right=True),
        column("MESSAGE", "message"),
        *([column("WAY", "way", right=True)] if has_way else []),
        column("WAITED", "waited", right=True),
        column("TOOK", "took", right=True),
        column("OUTCOME", "what"),
        column("BY, WHY", "detail"),
        column("INSTANCE", "instance", wide=True),
        column("MESSAGE ID", "message_id", wide=True),
    )


def _totals(steps: Sequence[Row], *, cut: bool) -> str:
    outcomes = Counter(outcome_of(step)[0] for step in steps)
    agents = {address for step in steps for address in (step["sender"], step["receiver"])}
    nodes = {step["node"] for step in steps}
    ends = [max(step["ended_unix_us"], step["sent_unix_us"]) for step in steps]
    waited = sum(_between(step, "routed_unix_us", "taken_unix_us") for step in steps)
    took = sum(_between(step, "taken_unix_us", "ended_unix_us") for step in steps)
    what = listed([f"{count} {word}" for word, count in outcomes.items()], "none")
    return (
        f"{_count(len(steps), 'message')}{', and more that are not shown' if cut else ''}: {what}; "
        f"{_count(len(agents), 'agent')} on {_count(len(nodes), 'node')}\n"
        f"{period((max(ends) - steps[0]['sent_unix_us']) / 1e6)} from the first to the end of the last, "
        f"{period(waited / 1e6)} in mailboxes, {period(took / 1e6)} in agents' hands"
    )


def _between(step: Row, since: str, until: str) -> int:
    return max(step[until] - step[since], 0) if step[since] and step[until] else 0


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
