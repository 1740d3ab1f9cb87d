"""Text from outside, made fit to be shown: short, on one line, without power over what shows it. Pure."""

from __future__ import annotations

import re

CHARS_MAX = 80
# Control characters, what breaks a line, what turns the direction of writing, and halves of characters.
UNSHOWN = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff"
_UNSHOWN = re.compile(rf"[{UNSHOWN}\t\n]")


def show(text: str, chars_max: int = CHARS_MAX) -> str:
    """Return text with everything spelled out that could hide, forge or flood what stands around it.

    Args:
        text: As it came: a name in a module, the words of a compiler about one.
        chars_max: Characters that are kept; three dots stand for the rest.
    """
    shown = _UNSHOWN.sub(spell, text[:chars_max])
    return f"{shown[:chars_max]}..." if len(text) > chars_max or len(shown) > chars_max else shown


def spell(found: re.Match[str]) -> str:
    r"""Return the escape of a character, such as `\x1b`."""
    return found[0].encode("unicode_escape").decode()
