"""Errors of the wire, back as the classes of `core/errors.py`.

The code decides the class, so that `except NotFound` works on both sides of the wire. A code that this
version does not know (a newer node) becomes the base class of its category, never an unknown exception.
"""

from __future__ import annotations

from collections.abc import Iterator

import caxton_node.core.machine  # noqa: F401 it defines an error class of its own that can come over the wire
from caxton_node.core.errors import (
    AccessError,
    CapacityError,
    Category,
    CaxtonError,
    CursorExpired,
    DeadlineExceeded,
    DeliveryFailed,
    InputError,
    InternalError,
    NotFound,
    RateLimited,
    StateError,
    Unauthorized,
    Unavailable,
)
from caxton_node.pb import errors_pb2

# gRPC drops a call whose trailing metadata pass 8 KiB, and a text may quote what a caller sent.
TEXT_CHARS_MAX = 600

BY_CATEGORY: dict[Category, type[CaxtonError]] = {
    Category.INVALID: InputError,
    Category.NOT_FOUND: NotFound,
    Category.GONE: CursorExpired,
    Category.CONFLICT: StateError,
    Category.UNAUTHENTICATED: Unauthorized,
    Category.DENIED: AccessError,
    Category.EXHAUSTED: CapacityError,
    Category.UNDELIVERED: DeliveryFailed,
    Category.TIMEOUT: DeadlineExceeded,
    Category.UNAVAILABLE: Unavailable,
    Category.INTERNAL: InternalError,
}


def rebuild(detail: errors_pb2.ErrorDetail, fallback: Category = Category.INTERNAL) -> CaxtonError:
    """Return the error that a node raised.

    Args:
        detail: What came over the wire.
        fallback: Category to use when no code in it is known here.

    Returns:
        An instance of the class with that code, or of the nearest more general one that this side knows. Its
        trace id, the node that raised it, the message that it is about and a code that became more general
        are notes on it.
    """
    codes = [detail.code, *detail.general_codes]
    kind = next((found for code in codes if (found := class_of(code))), BY_CATEGORY[fallback])
    error = kind(detail.message, why=detail.why, hint=detail.hint)
    facts = {"trace": detail.trace_id}
    facts |= {name: detail.metadata[name] for name in ("node", "message") if name in detail.metadata}
    facts["code"] = detail.code if detail.code != kind.code else ""
    if isinstance(error, RateLimited) and (wait_s := detail.metadata.get("retry_after_s", "")):
        error.retry_after_s = float(wait_s)
    for name, value in facts.items():
        if value:
            error.add_note(f"{name} {value}")
    return error


def notes_of(error: CaxtonError) -> dict[str, str]:
    """Return what `rebuild` has noted on an error: trace, node, message, code."""
    notes: list[str] = getattr(error, "__notes__", [])
    return {name: value for name, space, value in (note.partition(" ") for note in notes) if space}


def describe(error: CaxtonError, *, trace_id: str = "", node: str = "") -> errors_pb2.ErrorDetail:
    """Return what goes over the wire for an error; the inverse of `rebuild`.

    An error that came over the wire itself keeps the trace, node and code that it came with.
    """
    notes = notes_of(error)
    codes = [notes["code"]] if "code" in notes else []
    codes += [kind.code for kind in type(error).__mro__ if issubclass(kind, CaxtonError)][:-1]
    detail = errors_pb2.ErrorDetail(
        code=codes[0],
        message=cut(error.what),
        why=cut(error.why),
        hint=cut(error.hint),
        trace_id=notes.get("trace", trace_id),
        general_codes=dict.fromkeys(codes[1:]),
    )
    for name, value in (("node", notes.get("node", node)), ("message", notes.get("message", ""))):
        if value:
            detail.metadata[name] = value
    if isinstance(error, RateLimited) and error.retry_after_s:
        detail.metadata["retry_after_s"] = f"{error.retry_after_s:.3f}"
    return detail


def cut(text: str) -> str:
    """Return a text that an answer can carry."""
    return text if len(text) <= TEXT_CHARS_MAX else f"{text[: TEXT_CHARS_MAX - 1]}…"


def class_of(code: str) -> type[CaxtonError] | None:
    """Find the class of the shared error tree with this code.

    Classes that packages of the node derive for themselves are left out: a client may not have them, and they
    may ask for more than three sentences.
    """
    return next((kind for kind in _classes(CaxtonError) if kind.code == code and _is_shared(kind)), None)


def _is_shared(kind: type[CaxtonError]) -> bool:
    return kind.__module__.startswith("caxton_node.core.")


def _classes(base: type[CaxtonError]) -> Iterator[type[CaxtonError]]:
    for kind in base.__subclasses__():
        yield kind
        yield from _classes(kind)
