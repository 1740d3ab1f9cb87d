"""Which field of a request is to blame."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from caxton_node.core.errors import InputError


@contextmanager
def in_field(name: str) -> Iterator[None]:
    """Let errors about the caller's input say in which field it stands; the innermost name counts."""
    try:
        yield
    except InputError as err:
        err.request_field = err.request_field or name
        raise
