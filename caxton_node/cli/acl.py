"""Messages in FIPA's string representation on the command line: read for `send`, printed by `stream`."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.output import cell
from caxton_node.cli.types import read_content

if TYPE_CHECKING:
    from caxton_node.cli.session import Session
    from caxton_node.pb import messages_pb2

NOT_JSON = "text"
_TEXTS = (
    "conversation_id",
    "reply_with",
    "in_reply_to",
    "ontology",
    "language",
    "encoding",
    "protocol",
    "reply_to",
)


def read_acl(source: str) -> dict[str, Any]:
    """Return the arguments of `client.messages.send` that a written message stands for.

    Args:
        source: The message, `@FILE`, or `-` for standard input; its sender is not read, the node knows it.

    Raises:
        click.BadParameter: The file cannot be read, or the message has no receiver.
        MalformedText: It is no message.
    """
    from caxton_node.fipa.headers import header_text
    from caxton_node.fipa.text import read_text

    found = read_text(read_content(source, "--acl"), time.time_ns() // 1_000_000)
    receivers = found.receiver_list()
    if not receivers:
        raise click.BadParameter("the message has no :receiver", param_hint="--acl")
    content = found.content or b""
    return {
        "to": receivers[0],
        "also_to": receivers[1:],
        "content": content,
        "performative": found.performative.word,
        "reply_by_unix_ms": found.reply_by or 0,
        "headers": {name: header_text(value) for name, value in (found.headers or {}).items()},
        **{field: getattr(found, field) or "" for field in _TEXTS},
        "language": language_of(content, found.language or "", found.encoding),
    }


def language_of(content: bytes, language: str, encoding: str | None = None) -> str:
    """Return the language that was given; without one, what is not JSON is said to be text."""
    from caxton_node.fipa.content import is_sound

    return language or ("" if is_sound(content, None, encoding) else NOT_JSON)


def print_acl(session: Session, found: messages_pb2.Message) -> None:
    """Print a message: to a terminal one parameter a line, control characters spelled out; else its bytes."""
    from caxton_node.fipa.text import write_parts, write_text

    envelope = _envelope_of(found)
    if sys.stdout.isatty():
        parts = [cell(part.decode(errors="replace")) for part in write_parts(envelope)]
        session.output.line("\n  ".join(parts) + ")")
    else:
        click.echo(write_text(envelope))
    sys.stdout.flush()


def _envelope_of(found: messages_pb2.Message) -> Any:  # noqa: ANN401  the type would import the codec at start-up
    from caxton_node.fipa import Envelope, parse_performative
    from caxton_node.fipa.headers import text_header

    receivers = list(found.receivers)
    return Envelope(
        parse_performative(found.performative),
        sender=found.sender or None,
        receivers=receivers[0] if len(receivers) == 1 else receivers or None,
        content=found.content or None,
        reply_by=found.reply_by_unix_ms or None,
        headers={name: text_header(value) for name, value in found.headers.items()} or None,
        **{field: getattr(found, field) or None for field in _TEXTS},
    )
