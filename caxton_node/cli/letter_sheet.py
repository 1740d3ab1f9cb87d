"""How dead letters look: in a table, and one in full."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from typing import Any

import click

from caxton_node.cli.output import Column, Output, cell, column, visible
from caxton_node.cli.sheet import moment, show, size

Row = Mapping[str, Any]

COLUMNS = (
    column("ID", "id", right=True),
    Column("TIME", lambda row: moment(int(str(row["at_unix_ms"])))),
    column("REASON", "reason"),
    column("RECEIVER", "receiver"),
    column("SENDER", "sender"),
    column("PERFORMATIVE", "performative"),
    Column("SIZE", lambda row: size(int(str(row["size_bytes"]))), right=True),
    Column("AGAIN", lambda row: row["sent_again"] or "", right=True),
    column("NODE", "node", wide=True),
    column("CONVERSATION", "conversation_id", wide=True),
    column("MESSAGE", "message_id", wide=True),
    column("CONTENT", "content", wide=True),
)
_SAID = (
    "protocol", "reply_with", "in_reply_to", "reply_to", "ontology", "language", "encoding"
)  # fmt: skip


def show_letter(output: Output, row: Row) -> None:
    """Print everything about a letter, its content last and in full."""
    letter, message = row["dead_letter"], row["dead_letter"]["message"]
    data = {**letter, "envelope": row["envelope"]}
    head = f"{letter['id']}  {message['performative']} to {letter['receiver']}: {letter['reason']}"
    show(output, data, cell(head), {"": _why(letter), "message": _said(message)})
    if not output.for_programs:
        output.line("")
        output.line(click.style("content", bold=True))
        # A program gets what the agent said, byte for byte; a terminal would obey it.
        output.line(visible(message["content"]) if sys.stdout.isatty() else message["content"])


def _why(letter: Row) -> list[tuple[str, object]]:
    again = letter["sent_again"]
    times = f"{again}, last at {moment(letter['sent_again_unix_ms'])}" if again else "never"
    return [
        ("given up", f"{moment(letter['at_unix_ms'])} on {letter['node']}"),
        ("why", letter["detail"]),
        ("sent again", times),
        ("size", size(letter["size_bytes"])),
    ]


def _said(message: Row) -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = [
        ("id", message["message_id"]),
        ("sender", message["sender"] or "nobody known"),
        ("receivers", message["receivers"]),
        ("sent at", moment(message["sent_unix_us"] // 1000)),
        ("conversation", message["conversation_id"] or "none"),
    ]
    if message["reply_by_unix_ms"]:
        lines.append(("reply by", moment(message["reply_by_unix_ms"])))
    return lines + [(name.replace("_", " "), message[name]) for name in _SAID if message[name]]
