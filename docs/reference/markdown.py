"""The parts of which reference pages are made."""

from __future__ import annotations

from collections.abc import Iterable, Sequence


def note(source: str) -> str:
    """Return the line that says where a page comes from."""
    return f"*Written by `make reference` from {source}; do not edit.*"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a Markdown table; a bar in a cell is escaped."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)


def page(*parts: str) -> str:
    """Join the parts of a page."""
    return "\n\n".join(parts) + "\n"
