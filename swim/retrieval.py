"""One content on its way here: which pieces have come, which are asked for, and who gave them.

A request is answered with a short run of pieces, and the next one goes out when all but the last of a run
have come, so that about five pieces are under way whatever the round trip. A piece that was asked for earlier
than one that has come is taken for lost and asked for again at the end of the content; if nothing comes any
more, a timer asks from the first gap on.

The digest is over the whole content, so only the whole can be found wrong. If one member gave all of it, that
member is not asked again; if several did, the next attempt takes pieces of one member at a time, and the next
wrong content has one author.

Rejected: a digest per piece (a reference for 64 KiB would not fit into a record), and an acknowledgement per
piece (twice the datagrams).

Source: DESIGN.md, "Large metadata".
"""

from __future__ import annotations

from hashlib import blake2b

from swim.codec import CONTENT_PIECE_BYTES
from swim.messages import ContentPiece

CONTENT_DIGEST_BYTES = 16
LENGTH_BYTES = 4
PIECES_PER_WANT = 4
"""Pieces in answer to one request: what somebody may make a member send for 60 bytes."""


def reference_of(content: bytes) -> bytes:
    """Return the twenty bytes that stand for a content: digest and length."""
    digest = blake2b(content, digest_size=CONTENT_DIGEST_BYTES).digest()
    return digest + len(content).to_bytes(LENGTH_BYTES, "big")


def length_of(reference: bytes) -> int:
    """Return how long the content of a reference is, in bytes."""
    return int.from_bytes(reference[CONTENT_DIGEST_BYTES:], "big")


class Retrieval:
    """The pieces of one content.

    Attributes:
        reference: What is wanted.
        source: Key of the member that is being asked, b"" for nobody; pieces of others are not taken.
        liars: Members that gave a wrong content, alone.
        unanswered: Requests since a piece has come.
        wrongs: How often all pieces were here and did not match the digest.
        attempt: Number of the last request, by which a stale timer is known.
        rtt_s: How long the last answer took to begin, None before the first.
    """

    def __init__(self, reference: bytes, source: bytes) -> None:
        self.reference = reference
        self.source = source
        self.liars: set[bytes] = set()
        self.unanswered = 0
        self.wrongs = 0
        self.attempt = 0
        self.rtt_s: float | None = None
        self._asked_at = 0.0
        self._asked_from = 0
        self._length = length_of(reference)
        self._one_source = False
        self._clear()

    @property
    def is_drained(self) -> bool:
        """Tell whether more should be asked for: at most one piece is under way, and others are missing."""
        return len(self._awaited) <= 1 and bool(self._gaps())

    @property
    def is_whole(self) -> bool:
        """Tell whether all pieces are here, right or wrong."""
        return all(self._pieces)

    def turn_to(self, source: bytes) -> None:
        """Ask this member from now on; what was asked for and has not come counts as lost."""
        if self._one_source and source != self.source:
            self._clear()
        self.source = source
        self._awaited.clear()
        self._cursor = 0

    def next_offset(self, now: float) -> int:
        """Return from where on to ask now, in bytes, and expect a run of pieces from there."""
        gaps = self._gaps()
        ahead = [number for number in gaps if number >= self._cursor]
        start: int = (ahead or gaps)[0]
        self._cursor = start + PIECES_PER_WANT
        self._awaited += [number for number in gaps if start <= number < self._cursor]
        self._asked_at, self._asked_from = now, start
        return start * CONTENT_PIECE_BYTES

    def take(self, piece: ContentPiece, sender: bytes, now: float) -> bool:
        """Take in a piece; tell whether it was new and one that can belong to the content."""
        number, rest = divmod(piece.offset, CONTENT_PIECE_BYTES)
        expected = min(CONTENT_PIECE_BYTES, self._length - piece.offset)
        if sender != self.source or rest or expected <= 0 or len(piece.data) != expected:
            return False
        if number in self._awaited:
            del self._awaited[: self._awaited.index(number) + 1]
        if self._pieces[number]:
            return False
        if number == self._asked_from and self.unanswered == 0:  # else it may answer an earlier request
            self.rtt_s = now - self._asked_at
        self._pieces[number] = piece.data
        self._givers.add(sender)
        self.unanswered = 0
        return True

    def assemble(self) -> bytes | None:
        """Return the content, or None if it is wrong; then nothing is left of it and the blame is noted."""
        content = b"".join(self._pieces)
        if reference_of(content) == self.reference:
            return content
        if len(self._givers) == 1:
            self.liars |= self._givers
        self.wrongs += 1
        self.source = b""
        self._one_source = True
        self._clear()
        return None

    def _gaps(self) -> list[int]:
        return [n for n, piece in enumerate(self._pieces) if not piece and n not in self._awaited]

    def _clear(self) -> None:
        self._pieces: list[bytes] = [b""] * -(-self._length // CONTENT_PIECE_BYTES)
        self._givers: set[bytes] = set()
        self._awaited: list[int] = []
        self._cursor = 0
