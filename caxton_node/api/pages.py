"""Pages of lists that can be long.

A page token says behind which row the next page begins, so rows that come or go meanwhile shift nothing. It
is opaque: it names its list, and what is in it may change from version to version.
"""

from __future__ import annotations

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable, Sequence
from typing import TypeVar

from caxton_node.core.errors import InvalidArgument

PAGE_SIZE = 1000
PAGE_SIZE_MAX = 10_000
_BETWEEN = "\n"

T = TypeVar("T")


def page_of(
    rows: Iterable[T], key: Callable[[T], str], *, of: str, size: int, token: str
) -> tuple[Sequence[T], str]:
    """Return one page of rows, by key, and the token of the next one; empty on the last.

    Args:
        rows: All of them.
        key: Names a row; no two have the same.
        of: Names the list.
        size: At most this many; 0 means 1000, the ceiling is 10000.
        token: Of the page before; empty on the first.

    Raises:
        InvalidArgument: It is no token of this list.
    """
    after = read_token(of, token)
    wanted = sorted((row for row in rows if key(row) > after), key=key)
    count = min(size or PAGE_SIZE, PAGE_SIZE_MAX)
    more = len(wanted) > count
    return wanted[:count], write_token(of, key(wanted[count - 1])) if more else ""


def write_token(of: str, after: str) -> str:
    """Return the token of the page behind a row."""
    return urlsafe_b64encode(f"{of}{_BETWEEN}{after}".encode()).decode().rstrip("=")


def read_token(of: str, token: str) -> str:
    """Return the row behind which a page begins; empty for the first page.

    Raises:
        InvalidArgument: It is no token of this list.
    """
    if not token:
        return ""
    try:
        text = urlsafe_b64decode(token + "=" * (-len(token) % 4)).decode()
    except ValueError:
        text = ""
    name, between, after = text.partition(_BETWEEN)
    if name != of or not between or write_token(of, after) != token:
        raise InvalidArgument(
            "the page token is none of this list", hint="take next_page_token of the page before"
        )
    return after
