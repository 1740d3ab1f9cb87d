"""Answers to lists, a page at a time. Pure."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from caxton_node.kv.acts import LIST_BYTES_MAX, List
from caxton_node.kv.store import Row

ROWS_WITH_VALUES_MAX = 64


def limit_of(request: List) -> int:
    """Return how many keys a page may have: fewer with values, which are read into memory."""
    return min(request.limit, ROWS_WITH_VALUES_MAX) if request.values else request.limit


def page_of(rows: Sequence[Row], limit: int) -> dict[str, object]:
    """Return the answer to a list.

    Args:
        rows: What was found, at most `limit`.
        limit: With as many there may be more, and the answer says `next`, the `after` to ask for it with.
    """
    lines: list[dict[str, object]] = []
    size = 0
    for row in rows:
        size += len(row.value or b"")
        if lines and size > LIST_BYTES_MAX:
            break
        lines.append(_line(row))
    if len(lines) < len(rows) or len(rows) >= limit:
        return {"keys": lines, "next": lines[-1]["key"]}
    return {"keys": lines}


def _line(row: Row) -> dict[str, object]:
    line: dict[str, object] = {"key": row.key, "version": row.version, "bytes": row.size}
    if row.value is not None:
        line["value"] = msgspec.Raw(row.value)
    return line
