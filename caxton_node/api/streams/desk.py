"""Which streams are open, whose they are, and until when they wait for a reader.

A stream has one reader at a time. When its connection breaks the stream waits for it; when nobody comes
within the grace it is forgotten. A second connection with a cursor takes over from the first: a client that
reconnects is often quicker than the node is in noticing that the old connection is dead.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import NamedTuple

from caxton_node.api.streams.cursor import Cursor
from caxton_node.api.streams.journal import MIB, Journal, Window
from caxton_node.core.errors import CursorExpired, Forbidden, InvalidArgument, ResourceLimit, Unauthorized


class Owner(NamedTuple):
    """Whose stream it is: the same name in another kind of credential is somebody else.

    Attributes:
        kind: By what the caller was known.
        name: Its name.
    """

    kind: str
    name: str


@dataclass(frozen=True, slots=True)
class DeskBounds:
    """How many streams there may be, and how long they wait.

    Attributes:
        grace_s: How long a stream waits for its reader to come back.
        streams_max: Streams of all callers.
        per_owner_max: Streams of one caller.
        behind_bytes_max: What all streams together keep behind their readers, in equal shares.
    """

    grace_s: float = 60.0
    streams_max: int = 256
    per_owner_max: int = 32
    behind_bytes_max: int = 256 * MIB


@dataclass(slots=True, eq=False)
class OpenStream:
    """One stream.

    Attributes:
        stream_id: Cannot be guessed.
        owner: Who may read it.
        method: The operation that it answers.
        journal: What it has said.
        turn: Number of the connection that reads it, from 1; an older one has been replaced.
        detached_at: Monotonic instant since when nobody reads it; None while somebody does.
    """

    stream_id: str
    owner: Owner
    method: str
    journal: Journal
    turn: int = 0
    detached_at: float | None = None


class Desk:
    """All open streams of a node.

    Args:
        bounds: How many there may be, and how long they wait.
        window: How much of each is kept.
    """

    def __init__(self, bounds: DeskBounds, window: Window) -> None:
        self._bounds = bounds
        self._window = window
        self._streams: dict[str, OpenStream] = {}

    def __len__(self) -> int:
        """Return how many are open."""
        return len(self._streams)

    @property
    def waiting(self) -> int:
        """Return how many of them nobody reads."""
        return sum(1 for _ in self._waiting())

    def open(
        self, stream_id: str, owner: Owner, method: str, now: float
    ) -> tuple[OpenStream, list[OpenStream]]:
        """Begin a stream; until somebody reads it, it waits.

        Returns:
            It, and one that had to make room: nobody was reading it.

        Raises:
            ResourceLimit: There are too many, and all of them are being read.
        """
        forgotten = self._make_room(owner)
        journal = Journal(self._window, self._share)
        stream = OpenStream(stream_id, owner, method, journal, detached_at=now)
        self._streams[stream_id] = stream
        return stream, forgotten

    def find(self, cursor: Cursor, owner: Owner, method: str) -> OpenStream:
        """Return the stream of a cursor.

        Raises:
            CursorExpired: It is not known here, or not any more, or it ended with the credential that began
                it: the caller shows another one by now, for which that is no news.
            Forbidden: It is another caller's.
            InvalidArgument: It answers another operation.
        """
        stream = self._streams.get(cursor.stream_id)
        if stream is None:
            raise CursorExpired(
                "this node does not have the stream of the cursor",
                why=f"a stream waits {self._bounds.grace_s:g} s for its reader, on the node that began it",
                hint="begin anew without a cursor",
            )
        if stream.owner != owner:
            raise Forbidden(
                "the stream of the cursor is another caller's",
                why=f"{owner.name} did not begin it",
                hint="resume with the credentials that began it, or begin anew without a cursor",
            )
        if stream.method != method:
            raise InvalidArgument(
                "the cursor is of another operation",
                why=f"it is of {stream.method}, not of {method}",
                hint="send each cursor to where it came from",
            )
        if isinstance(stream.journal.error, Unauthorized):
            raise CursorExpired(
                "the stream of the cursor has ended with the credential that began it",
                why=str(stream.journal.error),
                hint="begin anew without a cursor",
            )
        return stream

    def attach(self, stream: OpenStream, seq: int) -> int:
        """Let a connection read a stream after event `seq`, instead of the one that does.

        Returns:
            Its turn.

        Raises:
            CursorExpired: What came next is not kept any more.
            InvalidArgument: There was no such event.
        """
        stream.journal.rewind(seq)
        stream.turn += 1
        stream.detached_at = None
        return stream.turn

    def detach(self, stream: OpenStream, turn: int, now: float) -> None:
        """Let a stream wait, unless another connection reads it by now."""
        if stream.turn == turn and stream.detached_at is None:
            stream.detached_at = now

    def forget(self, stream: OpenStream) -> None:
        """Close a stream for good."""
        self._streams.pop(stream.stream_id, None)

    def expire(self, now: float) -> list[OpenStream]:
        """Forget the streams whose grace is over, and return them."""
        gone = [stream for stream in self._waiting() if now >= self._due_at(stream)]
        for stream in gone:
            self.forget(stream)
        return gone

    def next_expiry_at(self) -> float | None:
        """Return when the next grace is over; None if every stream is being read."""
        return min(map(self._due_at, self._waiting()), default=None)

    def _share(self) -> int:
        """Return how many bytes one stream may keep behind its reader."""
        return self._bounds.behind_bytes_max // max(1, len(self._streams))

    def _make_room(self, owner: Owner) -> list[OpenStream]:
        mine = [stream for stream in self._streams.values() if stream.owner == owner]
        if len(mine) >= self._bounds.per_owner_max:
            return [self._give_up(mine, f"{owner.name} has {len(mine)} streams open")]
        if len(self._streams) >= self._bounds.streams_max:
            # Those that have ended are nobody's loss; one that may go on is given up for its owner only.
            candidates = [*mine, *(stream for stream in self._streams.values() if stream.journal.ended)]
            return [self._give_up(candidates, f"the node has {len(self._streams)} streams open")]
        return []

    def _give_up(self, candidates: Iterable[OpenStream], why: str) -> OpenStream:
        waiting = [stream for stream in candidates if stream.detached_at is not None]
        if not waiting:
            raise ResourceLimit(
                "no more streams can be opened", why=why, hint="close one that is not needed, or try later"
            )
        chosen = min(waiting, key=lambda stream: (not stream.journal.ended, stream.detached_at))
        self.forget(chosen)
        return chosen

    def _waiting(self) -> Iterable[OpenStream]:
        return (stream for stream in list(self._streams.values()) if stream.detached_at is not None)

    def _due_at(self, stream: OpenStream) -> float:
        assert stream.detached_at is not None, "somebody reads it"
        return stream.detached_at + self._bounds.grace_s
