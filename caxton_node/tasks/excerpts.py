"""What is kept and shown of what contractors say: short, and without power over what shows it. Pure."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from caxton_node.core.shown import show
from caxton_node.tasks.criteria import number_of

EXCERPT_BYTES_MAX = 300
VALUE_CHARS_MAX = 100
EXACT_BELOW = 2**53


def excerpt(content: bytes | None) -> bytes:
    """Return as much of a content as is kept for people."""
    return (content or b"")[:EXCERPT_BYTES_MAX]


def kept_terms(terms: Mapping[str, object]) -> dict[str, object]:
    """Return the terms of a bid as they are kept and told."""
    return {name: kept_value(value) for name, value in terms.items()}


def kept_value(value: object) -> object:
    """Return the value of a term as it is kept: numbers as they are, texts and the rest as short text."""
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        number = number_of(value)
        if number is None:
            return "a number beyond all bounds"
        return value if abs(number) < EXACT_BELOW else number
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    return show(text, VALUE_CHARS_MAX)


def reason_in(content: bytes | None) -> str:
    """Return what a contractor or the platform gave as a reason, short and fit to be shown.

    Platform failures and our examples write `{"reason", "detail"}`; anything else is shown as it is.
    """
    try:
        said = msgspec.json.decode(content or b"")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return show((content or b"").decode(errors="replace"), 2 * VALUE_CHARS_MAX)
    if isinstance(said, dict) and "reason" in said:
        words = [str(said[name]) for name in ("reason", "detail") if said.get(name)]
        return show(": ".join(words), 2 * VALUE_CHARS_MAX)
    return show(msgspec.json.encode(said).decode() if said else "", 2 * VALUE_CHARS_MAX)
