"""How much of requests is held at once: of all clients of a listener, and of one address or user.

Counted is what has come, not what was announced, so that a promise takes no room from others.
"""

from __future__ import annotations

from collections import Counter

from caxton_node.core.errors import ResourceLimit


class Bodies:
    """Counts the bytes of bodies that are being read or worked on.

    Args:
        bytes_max: Of all.
        source_bytes_max: Of one source.
    """

    def __init__(self, bytes_max: int, source_bytes_max: int) -> None:
        self._bytes_max = bytes_max
        self._source_bytes_max = source_bytes_max
        self._of: Counter[str] = Counter()
        self._all = 0

    @property
    def held_bytes(self) -> int:
        """Return how much is held now."""
        return self._all

    def take(self, source: str, count: int) -> None:
        """Count bytes that have come.

        Raises:
            ResourceLimit: There is no room for them; they are not counted.
        """
        if self._all + count > self._bytes_max:
            raise _refusal(f"the bodies of all requests under way are longer than {self._bytes_max} bytes")
        if self._of[source] + count > self._source_bytes_max:
            raise _refusal(
                f"the bodies of requests from {source[:64]} are longer than {self._source_bytes_max} bytes"
            )
        self._of[source] += count
        self._all += count

    def give(self, source: str, count: int) -> None:
        """Give back what was taken, when the request is over."""
        self._all -= count
        self._of[source] -= count
        if not self._of[source]:
            del self._of[source]


def _refusal(why: str) -> ResourceLimit:
    return ResourceLimit("there is no room for this body now", why=why, hint="send it again a moment later")
