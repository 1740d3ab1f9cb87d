"""The two agents of the bench, written by hand so that the host is measured and not they."""

from __future__ import annotations

from pathlib import Path

_WAT = Path(__file__).parent / "wat"


def guest(name: str) -> str:
    """Return the text of a module: `requester` or `responder`, and what both share behind it."""
    own, shared = ((_WAT / f"{part}.wat").read_text() for part in (name, "frames"))
    return f"(module\n{own}\n{shared})\n"
