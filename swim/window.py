"""A sliding window over numbers that should each be accepted once.

A sender numbers what it sends; the receiver keeps the highest number and one bit for each of the last
`width`. Whatever is older than the window counts as seen: refusing something new but very late is harmless
here, accepting something twice is not. Used against replayed datagrams and for broadcasts that arrive along
many paths.

Source: RFC 4303, section 3.4.3.
"""

from __future__ import annotations


class Window:
    """Remembers which of the last `width` numbers were seen, in constant space."""

    __slots__ = ("_seen", "_top", "_width")

    def __init__(self, width: int) -> None:
        self._width = width
        self._top = -1
        self._seen = 0

    def is_new(self, number: int) -> bool:
        """Tell whether the number was neither seen nor is too old to know."""
        behind = self._top - number
        if behind < 0:
            return True
        return behind < self._width and not self._seen >> behind & 1

    def mark(self, number: int) -> None:
        """Remember a number for which `is_new` was true."""
        ahead = number - self._top
        if ahead > 0:
            kept = self._seen << ahead if ahead < self._width else 0
            self._seen = (kept | 1) & ((1 << self._width) - 1)
            self._top = number
        else:
            self._seen |= 1 << -ahead
