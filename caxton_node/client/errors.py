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
    DeadlineExceeded,
    DeliveryFailed,
    InputError,
    InternalError,
    NotFound,
    StateError,
    Unauthorized,
    Unavailable,
)
from caxton_node.pb import errors_pb2

BY_CATEGORY: dict[Category, type[CaxtonError]] = {
    Category.INVALID: InputError,
    Category.NOT_FOUND: NotFound,
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
        fallback: Category to use when the code is not known here.

    Returns:
        An instance of the class with that code; its trace id and the node that raised it are notes on it.
    """
    kind = class_of(detail.code) or BY_CATEGORY[fallback]
    error = kind(detail.message, why=detail.why, hint=detail.hint)
    if detail.trace_id:
        error.add_note(f"trace {detail.trace_id}")
    if node := detail.metadata.get("node"):
        error.add_note(f"node {node}")
    return error


def describe(error: CaxtonError, *, trace_id: str = "", node: str = "") -> errors_pb2.ErrorDetail:
    """Return what goes over the wire for an error; the inverse of `rebuild`."""
    detail = errors_pb2.ErrorDetail(
        code=error.code, message=error.what, why=error.why, hint=error.hint, trace_id=trace_id
    )
    if node:
        detail.metadata["node"] = node
    return detail


def class_of(code: str) -> type[CaxtonError] | None:
    """Find the error class with this code."""
    return next((kind for kind in _classes(CaxtonError) if kind.code == code), None)


def _classes(base: type[CaxtonError]) -> Iterator[type[CaxtonError]]:
    # Depth last: a subclass that inherits its parent's code must not hide the parent.
    if base is not CaxtonError:
        yield base
    for kind in base.__subclasses__():
        yield from _classes(kind)
