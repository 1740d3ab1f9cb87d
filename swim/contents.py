"""Metadata that is too large for a record: records carry a reference, the content is fetched by who needs it.

    us  --- ContentWant: reference, offset --->   the member
    us  <-- ContentPiece, up to four ---
    us  --- ContentWant: the next offset --->     the member, or anybody else who is live

The reference holds a digest, so the content may come from anybody. The member itself is asked first; after
two requests without an answer it is asked in turn with members drawn at random, since others may hold the
content and it may be busy with them or out of reach. A wrong content is thrown away and fetched elsewhere.

A few contents are fetched at a time and the rest wait; one that makes no progress goes back to the end of the
queue. So memory is bounded by `RETRIEVALS_MAX` contents and one reference per member.

Rejected: gossiping large metadata (each byte would be told a dozen times by everybody), and a connection to
fetch it (this package knows datagrams only, and 64 pieces need no connection).

Source: DESIGN.md, "Large metadata".
"""

from __future__ import annotations

from swim.codec import CONTENT_REFERENCE_BYTES
from swim.context import Context
from swim.errors import TooLarge
from swim.member import KEY_BYTES, Address, Member
from swim.messages import ContentPiece, ContentWant
from swim.retrieval import PIECES_PER_WANT, Retrieval, length_of
from swim.shelf import ContentCounts, Shelf
from swim.statistics import Drop
from swim.timers import ContentRetry
from swim.wire import Wire

RETRIEVALS_MAX = 8
OWN_TRIES = 2
"""Requests to one member before others are asked."""
RETRY_RTTS = 2
"""Pause before a request is made again, in round trips of this retrieval."""
RETRY_MIN = 1 / 16
"""Shortest such pause, in probe time-outs; while no answer has come it is a whole one."""
RETRY_MAX = 2
"""Longest such pause after doubling, in probe time-outs; once more for each wrong content."""
DOUBLINGS_MAX = 10
PATIENCE = 4
"""Unanswered requests and wrong answers before a content gives its place to one that waits."""
PARDON = 8
"""Unanswered requests before those that lied are asked again: nobody else seems to have it."""
DRAWN = 8
"""Neighbours in the key space among which one that is not known to lie is looked for."""


class Contents:
    """Fetches the contents that records refer to, and serves those that are here.

    Attributes:
        counts: Counters, to be read at any time.
    """

    def __init__(self, context: Context, wire: Wire) -> None:
        self._key = context.key
        self._settings = context.settings
        self._rng = context.rng
        self._roster = context.roster
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._wire = wire
        self.counts = ContentCounts()
        self._shelf = Shelf(context.settings, self.counts)
        self._reference_for: dict[bytes, bytes] = {}
        self._keys_for: dict[bytes, dict[bytes, None]] = {}
        self._waiting: dict[bytes, None] = {}
        self._retrievals: dict[bytes, Retrieval] = {}
        self._arrived: list[tuple[bytes, bytes]] = []
        self._attempt = 0

    # ---- own content

    def refer(self, metadata: bytes) -> bytes:
        """Return what this node's record carries for its metadata: a reference if it is large, else nothing.

        Raises:
            TooLarge: The caller's fault; what was offered before stays.
        """
        return self.offer(metadata) if len(metadata) > self._settings.metadata_bytes_max else b""

    def offer(self, content: bytes) -> bytes:
        """Serve a content of this node from now on, in place of its former one; return its reference.

        Raises:
            TooLarge: The caller's fault; what was offered before stays.
        """
        if len(content) > self._settings.content_bytes_max:
            raise TooLarge(f"{len(content)} bytes; content has at most {self._settings.content_bytes_max}")
        return self._shelf.put_own(content)

    # ---- contents of others

    def want(self, key: bytes, reference: bytes, now: float) -> None:
        """Fetch the content that a member's record refers to, unless that is going on already.

        What was wanted for the member before is given up. `take_arrived` hands the content out, at once if it
        is here already.
        """
        if self._reference_for.get(key) == reference:
            return
        self.forget(key)
        if not self._is_possible(reference):
            self.counts.refused += 1
            return
        self._reference_for[key] = reference
        self._keys_for.setdefault(reference, {})[key] = None
        content = self._shelf.find(reference)
        if content is not None:
            self._hand_out(reference, content, now)
        elif reference not in self._retrievals:
            self._waiting[reference] = None
            self._begin_waiting(now)

    def take_arrived(self) -> list[tuple[bytes, bytes]]:
        """Return key and content for each member whose content has come since the last call."""
        arrived, self._arrived = self._arrived, []
        return arrived

    def forget(self, key: bytes) -> None:
        """Stop fetching for a member that is gone."""
        reference = self._reference_for.pop(key, None)
        if reference is None:
            return
        keys = self._keys_for[reference]
        del keys[key]
        if not keys:
            del self._keys_for[reference]
            self._waiting.pop(reference, None)  # a retrieval under way ends with its next timer

    # ---- inputs

    def handle_want(self, want: ContentWant, sender: bytes, source: Address, now: float) -> None:
        """Send a run of pieces to a member, if the content is here and its turn has come."""
        member = self._roster.find(sender)
        if member is None or not member.is_live:
            self._statistics.drop(Drop.UNKNOWN_MEMBER)
            return
        pieces = self._shelf.lend(want, sender, now)
        self._wire.send_all(source, pieces, PIECES_PER_WANT)

    def handle_piece(self, piece: ContentPiece, sender: bytes, now: float) -> None:
        """Take in a piece; ask for more, or hand out the content if it is whole and right."""
        retrieval = self._retrievals.get(piece.reference)
        if retrieval is None or not retrieval.take(piece, sender, now):
            return
        if not retrieval.is_whole:
            if retrieval.is_drained:
                self._ask(retrieval, now)
            return
        content = retrieval.assemble()
        if content is None:
            self.counts.wrong += 1
            self._pause(retrieval)  # not at once, or a member that lies would keep us both busy
            return
        self.counts.fetched += 1
        self._shelf.put(piece.reference, content)
        self._hand_out(piece.reference, content, now)

    def handle_retry(self, timer: ContentRetry, now: float) -> None:
        """Ask again, perhaps somebody else, if nothing has come since."""
        retrieval = self._retrievals.get(timer.reference)
        if retrieval is None or retrieval.attempt != timer.attempt:
            return
        for key in list(self._keys_for.get(timer.reference, ())):
            if not self._is_wanted(key, timer.reference):
                self.forget(key)
        if timer.reference not in self._keys_for:
            self._end(timer.reference, now)
            return
        retrieval.unanswered += 1
        if retrieval.unanswered + retrieval.wrongs > PATIENCE and self._waiting:
            self.counts.postponed += 1
            self._waiting[timer.reference] = None
            self._end(timer.reference, now)
            return
        if retrieval.unanswered % PARDON == 0:
            retrieval.liars.clear()
        retrieval.turn_to(self._choose(retrieval))
        self._ask(retrieval, now)

    # ---- inside

    def _is_possible(self, reference: bytes) -> bool:
        has_room = len(self._reference_for) < self._settings.members_max
        is_reference = len(reference) == CONTENT_REFERENCE_BYTES
        return has_room and is_reference and 0 < length_of(reference) <= self._settings.content_bytes_max

    def _is_wanted(self, key: bytes, reference: bytes) -> bool:
        member = self._roster.find(key)
        return member is not None and member.is_live and member.content == reference

    def _begin_waiting(self, now: float) -> None:
        while self._waiting and len(self._retrievals) < RETRIEVALS_MAX:
            reference = next(iter(self._waiting))
            del self._waiting[reference]
            retrieval = Retrieval(reference, next(iter(self._keys_for[reference])))
            self._retrievals[reference] = retrieval
            self._ask(retrieval, now)

    def _end(self, reference: bytes, now: float) -> None:
        self._retrievals.pop(reference, None)
        self._begin_waiting(now)

    def _hand_out(self, reference: bytes, content: bytes, now: float) -> None:
        self._waiting.pop(reference, None)
        for key in self._keys_for.pop(reference, ()):
            del self._reference_for[key]
            if self._is_wanted(key, reference):  # else it has changed its metadata since
                self._arrived.append((key, content))
        self._end(reference, now)

    def _ask(self, retrieval: Retrieval, now: float) -> None:
        source = self._roster.find(retrieval.source)
        want = ContentWant(retrieval.reference, retrieval.next_offset(now))
        if source is not None:
            # without rumours: dozens of requests would tell each of them to one member only
            self._wire.send_all(source.address, [want], 1)
        self._pause(retrieval)

    def _pause(self, retrieval: Retrieval) -> None:
        self._attempt += 1
        retrieval.attempt = self._attempt
        timeout_s = self._settings.probe_timeout_s
        after_s = timeout_s
        if retrieval.rtt_s is not None:
            after_s = min(timeout_s, max(RETRY_MIN * timeout_s, RETRY_RTTS * retrieval.rtt_s))
        after_s *= 2 ** min(DOUBLINGS_MAX, retrieval.unanswered + retrieval.wrongs)
        after_s = min(RETRY_MAX * (1 + retrieval.wrongs) * timeout_s, after_s) * self._rng.uniform(0.8, 1.2)
        self._outbox.schedule(ContentRetry(retrieval.reference, retrieval.attempt), after_s)

    def _choose(self, retrieval: Retrieval) -> bytes:
        """Return whom to ask next: who is being asked, then others in turn with the member itself."""
        if retrieval.source and retrieval.unanswered < OWN_TRIES:
            return retrieval.source
        owner = next(iter(self._keys_for[retrieval.reference]))
        if retrieval.unanswered % 2 and owner not in retrieval.liars:
            return owner
        other = self._draw(retrieval.liars)
        return other.key if other is not None else owner

    def _draw(self, liars: set[bytes]) -> Member | None:
        low = self._rng.randbytes(KEY_BYTES)
        after = self._roster.live_between(low, b"\xff" * KEY_BYTES, DRAWN)
        candidates = after + self._roster.live_between(bytes(KEY_BYTES), low, DRAWN)
        honest = (member for member in candidates if member.key != self._key and member.key not in liars)
        return next(honest, None)
