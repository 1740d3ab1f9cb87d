"""What any text must be that is shown to people and came from a guest: short, on one line, without power."""

from __future__ import annotations

import re

_FORBIDDEN = {
    "a control character": re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]"),
    "a line break": re.compile(r"[\n\u2028\u2029]"),
    "a change of direction": re.compile(r"[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]"),
    "half a character": re.compile(r"[\ud800-\udfff]"),
}


def check_text(text: str, chars_max: int) -> None:
    """Raise if this text could hide, forge or flood what stands around it."""
    assert len(text) <= chars_max, f"{len(text):,} characters, at most {chars_max:,}: {text[:80]!r} ..."
    for name, pattern in _FORBIDDEN.items():
        found = pattern.search(text)
        assert found is None, f"{name} ({found[0]!r}) in {text[:200]!r}"
