"""The plan of one fetch: whom to ask for which piece next, and what to think of a source. Pure.

Pieces come one after the other from one source, so that what is on disk is always a prefix, which another
source, or another life of this node, can go on with. Only the whole has a digest to be compared with. When it
does not match and one source gave everything, that source is to blame and is dropped. When several did, or a
prefix was here before, nobody can be named: everything is thrown away, and from then on no attempt takes
bytes from two sources. So each further mismatch names one, and the fetch ends.

The rejected alternative, a list of digests of the pieces, would name a liar sooner, but comes from a source
that may lie about it as well.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass

PIECE_BYTES = 256 * 1024
"""As much as the mesh sends of large answers before it waits: a message never waits behind more."""
STRIKES_MAX = 4
PAUSE_MIN_S, PAUSE_MAX_S = 0.1, 2.0

EARLIER = ""
"""Who gave the prefix that was here when the fetch began."""


@dataclass(frozen=True, slots=True)
class Source:
    """A node that says it has the module.

    Attributes:
        node: Its id.
        size_bytes: How large it says that it is.
    """

    node: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Read:
    """Ask a source for a piece, after a pause if it failed before."""

    node: str
    offset: int
    length: int
    after_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Discard:
    """Throw away what is here, then go on."""


@dataclass(frozen=True, slots=True)
class Verify:
    """Compare the digest of what is here."""


@dataclass(frozen=True, slots=True)
class Done:
    """The module is here and is what its name says."""


@dataclass(frozen=True, slots=True)
class GiveUp:
    """No source is left.

    Attributes:
        reasons: Why not, by node.
    """

    reasons: dict[str, str]


Step = Read | Discard | Verify | Done | GiveUp


class Download:
    """One fetch.

    Args:
        sources: Who has the module, the best first.
        here_bytes: Length of the prefix that is here already.

    Attributes:
        liars: Sources that served wrong bytes, with what they did.
    """

    def __init__(self, sources: Iterable[Source], here_bytes: int = 0) -> None:
        self.liars: dict[str, str] = {}
        self._sources = deque(source for source in sources if source.size_bytes)
        self._size = self._sources[0].size_bytes if self._sources else 0
        self._here_bytes = here_bytes
        self._givers = {EARLIER} if here_bytes else set[str]()
        self._strikes: dict[str, int] = {}
        self._reasons: dict[str, str] = {}
        self._one_giver = False
        self._done = False

    def next_step(self) -> Step:
        """Return what to do now; the answer to it is one of the calls below."""
        if self._done:
            return Done()
        if not self._sources:
            return GiveUp(dict(self._reasons))
        source = self._sources[0]
        if self._here_bytes and self._must_begin_anew(source):
            return Discard()
        if self._here_bytes == source.size_bytes:
            return Verify()
        length = min(PIECE_BYTES, source.size_bytes - self._here_bytes)
        return Read(source.node, self._here_bytes, length, self._pause_s(source.node))

    def handle_piece(self, node: str, asked: int, got: int) -> bool:
        """Take a piece; False if it is not as long as it was asked for, and must not be kept."""
        if got != asked:
            self._drop(node, f"gave {got:,} bytes of the {asked:,} that it has", lied=True)
            return False
        self._here_bytes += got
        self._size = self._sources[0].size_bytes
        self._givers.add(node)
        self._strikes.pop(node, None)
        return True

    def handle_failure(self, node: str, reason: str) -> None:
        """Note that a source did not answer, or refused: others are asked first, and it a few times more."""
        self._strikes[node] = strikes = self._strikes.get(node, 0) + 1
        if strikes >= STRIKES_MAX:
            self._drop(node, reason)
        elif not (self._one_giver and self._here_bytes):  # else what it has given would be lost
            self._sources.rotate(-1)

    def handle_discarded(self) -> None:
        """Begin anew: nothing is here."""
        self._here_bytes = 0
        self._givers.clear()

    def handle_verdict(self, *, matches: bool) -> None:
        """Take the outcome of a comparison."""
        self._done = matches
        if matches:
            return
        if len(self._givers) == 1 and EARLIER not in self._givers:
            self._drop(next(iter(self._givers)), "served bytes that are not this module", lied=True)
        self._one_giver = True
        self._size = -1  # whoever is next, what is here is of no use

    def _must_begin_anew(self, source: Source) -> bool:
        if self._here_bytes > source.size_bytes or self._size < 0:
            return True
        if self._one_giver:
            return self._givers != {source.node}
        return self._size != source.size_bytes and self._givers != {EARLIER}

    def _drop(self, node: str, reason: str, *, lied: bool = False) -> None:
        self._sources = deque(source for source in self._sources if source.node != node)
        self._reasons[node] = reason
        if lied:
            self.liars[node] = reason

    def _pause_s(self, node: str) -> float:
        strikes = self._strikes.get(node, 0)
        return min(PAUSE_MIN_S * 2**strikes, PAUSE_MAX_S) if strikes else 0.0
