"""Make two replicas equal, at a price that follows their difference and not their size.

`Exchange` is the side that asks, as a machine without IO: send its request, hand it the answer, until it has
none left. `comparison.py` is what the two sides say, `answering.py` the other side.

What differs is found by rows (deltas). A replica that was away for long differs in nearly everything, and
then its rows are a waste: when a first sample shows that, it takes the rest as it is (a snapshot).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator

from caxton_node.registry.answering import answer_forget
from caxton_node.registry.comparison import (
    Digest,
    Method,
    Pull,
    ReadAnswer,
    Request,
    Seen,
    decode,
    encode,
    encode_rows,
    name_versions,
)
from caxton_node.registry.compression import compress
from caxton_node.registry.digest import SUMS_BYTES
from caxton_node.registry.entry import FORMAT, Entry, MalformedPage, paginate
from caxton_node.registry.replica import Replica

ROWS_MAX = 6000
SAMPLE_ROWS = 500
SNAPSHOT_FROM = 0.25
"""Share of the sample that is newer there. Compressed, a row costs half of an entry or more."""


class Exchange:
    """One comparison with one peer, from the side that asks.

    Args:
        replica: This side.
        learns: Whether it should ask what the peer has seen, and take that over when all has gone well.

    Attributes:
        equal: The peer's digest was the same: nothing was exchanged.
        received: Entries that were new here.
        sent: Entries that the peer asked for.
        forgotten: Entries that were dropped here, since the peer has seen them deleted long ago.
        learned: Whether what the peer has seen was taken over.
    """

    def __init__(self, replica: Replica, *, learns: bool = False) -> None:
        self.equal = False
        self.forgotten: list[Entry] = []
        self.learned = False
        self.received = 0
        self.sent = 0
        self._replica = replica
        self._buckets: deque[int] = deque()
        self._asked: list[int] = []
        self._rows_asked = 0
        self._is_sampled = self._takes_whole = False
        self._pushes: deque[bytes] = deque()
        self._stale: list[Entry] = []
        self._seen: Seen | None = None
        self._is_complete = True
        self._request: Request | None = (
            Request(Method.CONTEXT, encode(Seen(FORMAT))) if learns else self._digest()
        )

    @property
    def request(self) -> Request | None:
        """Return what to send now; None when the exchange is over."""
        return self._request

    def handle_answer(self, answer: bytes, now_us: int) -> list[Entry]:
        """Take the answer to the present request; return the entries that are new here.

        Raises:
            MalformedPage: The answer cannot be read; nothing of it was used and the exchange is over.
        """
        request, self._request = self._request, None
        assert request is not None, "the exchange is over"
        changed: list[Entry] = []
        match request.method:
            case Method.CONTEXT:
                self._seen = decode(answer, Seen)
                self._request = self._digest()
                return []
            case Method.DIGEST:
                self._handle_sums(answer)
            case Method.PULL:
                changed = self._handle_entries(answer, now_us)
            case Method.PUSH if answer:
                forgotten = answer_forget(self._replica, answer, now_us)
                self.forgotten += forgotten.dropped
                changed = forgotten.renewed
            case _:
                pass
        self._request = self._next()
        if self._request is None:
            self._end(now_us)
        return changed

    def _digest(self) -> Request:
        return Request(Method.DIGEST, encode(Digest(FORMAT, self._replica.buckets.root())))

    def _handle_sums(self, answer: bytes) -> None:
        self.equal = not answer
        if answer and len(answer) != SUMS_BYTES:
            raise MalformedPage("a registry digest cannot be read", why=f"it has {len(answer)} bytes")
        self._buckets.extend(self._replica.buckets.differing(answer) if answer else ())
        self._takes_whole = not len(self._replica)

    def _handle_entries(self, answer: bytes, now_us: int) -> list[Entry]:
        read = decode(answer, ReadAnswer)
        changed = self._replica.merge(read.entries, now_us, stale=self._stale)
        self.received += len(changed)
        self._handle_left(read, progressed=bool(changed) or len(read.left) < len(self._asked))
        wanted = list(self._replica.buckets.find(read.wanted))
        self.sent += len(wanted)
        self._pushes.extend(paginate(wanted))
        return changed

    def _next(self) -> Request | None:
        if self._pushes:
            return Request(Method.PUSH, compress(self._pushes.popleft()))
        if self._buckets:
            return self._pull()
        if self._stale:
            stale, self._stale = self._stale, []
            return Request(Method.FORGET, encode(name_versions(stale)))
        return None

    def _end(self, now_us: int) -> None:
        """Take over what the peer had seen before: all of it is here now."""
        if self._seen is not None and self._is_complete:
            self._replica.learn(self._seen.stamps, now_us, caught_up=self._seen.caught_up)
            self.learned = True

    def _pull(self) -> Request:
        if self._takes_whole:
            self._is_sampled = True
            self._asked = list(self._buckets)
            self._buckets.clear()
            return Request(Method.PULL, encode(Pull(FORMAT, [], self._asked)))
        self._asked = list(self._take_buckets(ROWS_MAX if self._is_sampled else SAMPLE_ROWS))
        buckets = [(bucket, self._replica.buckets.entries_of(bucket)) for bucket in self._asked]
        self._rows_asked = sum(len(entries) for _, entries in buckets)
        rows = [(bucket, encode_rows(entries.items())) for bucket, entries in buckets]
        return Request(Method.PULL, compress(encode(Pull(FORMAT, rows))))

    def _handle_left(self, read: ReadAnswer, *, progressed: bool) -> None:
        """Judge the sample, and go on with the buckets that did not fit into the page.

        Whole buckets come without settled tombstones. A replica that has something may have what they delete,
        so it has not seen all after that: the next comparison, by rows, completes it.
        """
        if not set(read.left) <= set(self._asked):
            raise MalformedPage("a registry answer cannot be read", why="it leaves what was not asked for")
        if progressed or self._takes_whole:
            self._buckets.extendleft(reversed(read.left))
        else:
            self._is_complete = False  # a page of stale entries alone: the peer will have fewer next time
        if self._takes_whole:
            self._takes_whole = progressed  # else the first bucket is too large for a page
        elif not self._is_sampled:
            self._takes_whole = self._rows_asked * SNAPSHOT_FROM <= len(read.entries)
            self._is_complete = self._is_complete and not self._takes_whole
        self._is_sampled = True

    def _take_buckets(self, rows_max: int) -> Iterator[int]:
        rows = 0
        while self._buckets:
            rows += len(self._replica.buckets.entries_of(self._buckets[0]))
            yield self._buckets.popleft()
            if rows >= rows_max:
                return
