"""The contents that this node holds, its own and those of others, and to whom it gives them.

When a member announces a large content, everybody wants it at once. A member that gave a little to each would
take minutes until the first one is done; so it serves a few at a time and does not answer the others, who
soon ask somebody else. Each that is done can serve in turn, and the content spreads like a rumour while
nobody sends more than `PIECES_PER_INTERVAL`.

Source: DESIGN.md, "Large metadata".
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from swim.codec import CONTENT_PIECE_BYTES
from swim.messages import ContentPiece, ContentWant
from swim.retrieval import PIECES_PER_WANT, reference_of
from swim.settings import Settings

HELD_BYTES_MAX = 16 * 1024 * 1024
"""Contents of others kept to be passed on; beyond it the one asked for longest ago goes."""
CLIENTS_MAX = 8
PIECES_PER_INTERVAL = 1000
"""Pieces given away in one probe interval: a megabyte."""


@dataclass(slots=True)
class ContentCounts:
    """What has become of contents; the numbers only grow."""

    fetched: int = 0
    wrong: int = 0  # did not match their digest
    refused: int = 0  # references of no length or one above the bound, or more than the table has members
    postponed: int = 0  # went back to the end of the queue
    turned_away: int = 0  # requests not answered because too many are served already


class Shelf:
    """Contents by their reference."""

    def __init__(self, settings: Settings, counts: ContentCounts) -> None:
        self._counts = counts
        self._turnstile = Turnstile(settings)
        self._own = b""
        self._own_reference = b""
        self._held: OrderedDict[bytes, bytes] = OrderedDict()
        self._held_bytes = 0

    def put_own(self, content: bytes) -> bytes:
        """Keep this node's own content in place of its former one, which stays as one of others would.

        Returns:
            Its reference.
        """
        if self._own:
            self.put(self._own_reference, self._own)
        self._own, self._own_reference = content, reference_of(content)
        return self._own_reference

    def put(self, reference: bytes, content: bytes) -> None:
        """Keep a content of somebody else as long as there is room."""
        self._held_bytes -= len(self._held.pop(reference, b""))
        self._held[reference] = content
        self._held_bytes += len(content)
        while self._held_bytes > HELD_BYTES_MAX:
            self._held_bytes -= len(self._held.popitem(last=False)[1])

    def find(self, reference: bytes) -> bytes | None:
        """Return the content with this reference if it is here."""
        if self._own and reference == self._own_reference:
            return self._own
        if reference not in self._held:
            return None
        self._held.move_to_end(reference)
        return self._held[reference]

    def lend(self, want: ContentWant, client: bytes, now: float) -> list[ContentPiece]:
        """Return the pieces that answer a request: none if the content is not here or others are served."""
        content = self.find(want.reference)
        if content is None or want.offset >= len(content):
            return []
        end = min(len(content), want.offset + PIECES_PER_WANT * CONTENT_PIECE_BYTES)
        if not self._turnstile.admit(client, now, is_last=end == len(content)):
            self._counts.turned_away += 1
            return []
        return [
            ContentPiece(want.reference, at, content[at : min(end, at + CONTENT_PIECE_BYTES)])
            for at in range(want.offset, end, CONTENT_PIECE_BYTES)
        ]


class Turnstile:
    """Decides who is served now: few at a time, first come first, and not too much altogether."""

    def __init__(self, settings: Settings) -> None:
        self._interval_s = settings.probe_interval_s
        self._idle_s = settings.probe_timeout_s
        self._clients: dict[bytes, float] = {}
        self._interval_began_at = 0.0
        self._given = 0

    def admit(self, client: bytes, now: float, *, is_last: bool) -> bool:
        """Tell whether to answer a request, and count it as answered if so.

        With the last run of a content its client makes room; if it misses something still, it comes again.
        """
        if now - self._interval_began_at >= self._interval_s:
            self._interval_began_at, self._given = now, 0
        if self._given >= PIECES_PER_INTERVAL or not self._has_room(client, now):
            return False
        self._given += PIECES_PER_WANT
        self._clients[client] = now
        if is_last:
            del self._clients[client]
        return True

    def _has_room(self, client: bytes, now: float) -> bool:
        if client in self._clients or len(self._clients) < CLIENTS_MAX:
            return True
        idle = [key for key, at in self._clients.items() if now - at >= self._idle_s]
        for key in idle:
            del self._clients[key]
        return bool(idle)
