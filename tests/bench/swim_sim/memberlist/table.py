"""The table of one member, and the list from which it picks whom to probe and to tell.

Simulated members that start in a formed cluster share one base: only what differs from it is kept per member,
so that 10,000 tables of 10,000 entries fit into memory.

Source: hashicorp/memberlist, state.go and util.go.
"""

from __future__ import annotations

import math
import random
from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace

from swim.member import Address
from tests.bench.swim_sim.memberlist.messages import Entry, State, Table


@dataclass(slots=True)
class Peer:
    """One member as another one sees it."""

    node: str
    address: Address
    metadata: bytes
    incarnation: int = 0
    state: State = State.DEAD
    changed_at: float = 0.0


@dataclass(slots=True)
class Directory:
    """The numbers of all members of a simulated world, and the base that tables may share.

    Numbers stand for names in the lists of members, of which a large world has as many as members.
    """

    names: list[str] = field(default_factory=list)
    numbers: dict[str, int] = field(default_factory=dict)
    base: dict[str, Peer] = field(default_factory=dict)
    base_digest: int = 0

    def number_of(self, name: str) -> int:
        """Return the number of a member, a new one if it has none."""
        number = self.numbers.setdefault(name, len(self.names))
        if number == len(self.names):
            self.names.append(name)
        return number

    def found(self, members: Iterable[tuple[str, Address, bytes]]) -> None:
        """Make these members the base: all alive, known to everybody."""
        for node, address, metadata in members:
            self.number_of(node)
            self.base[node] = Peer(node, address, metadata, 1, State.ALIVE)
            self.base_digest ^= self.fingerprint(self.base[node])

    def fingerprint(self, peer: Peer) -> int:
        """Return a number that changes with a live member's record, 0 for a dead one."""
        if peer.state is State.DEAD:
            return 0
        return hash((self.numbers[peer.node], peer.incarnation))


class PeerTable:
    """All members that one member knows.

    Attributes:
        digest: Equal on two tables that hold the same live members.
    """

    def __init__(self, directory: Directory, rng: random.Random, *, formed: bool) -> None:
        self._directory = directory
        self._rng = rng
        self._base = directory.base if formed else {}
        self._own: dict[str, Peer] = {}
        self._forgotten: set[str] = set()
        self._order = array("I", _strides(len(self._base), rng))
        self._next = 0
        self.digest = directory.base_digest if formed else 0

    def __len__(self) -> int:
        return len(self._order)

    def find(self, name: str) -> Peer | None:
        """Return what is known of a member; the value must not be changed."""
        peer = self._own.get(name)
        if peer is None and name not in self._forgotten:
            peer = self._base.get(name)
        return peer

    def add(self, name: str, address: Address, metadata: bytes) -> Peer:
        """Take in a member that was not known, at a random place of the list, as not yet alive."""
        peer = self._own[name] = Peer(name, address, metadata)
        self._forgotten.discard(name)
        order, last = self._order, len(self._order)
        place = self._rng.randrange(last) if last else 0
        order.append(self._directory.number_of(name))
        order[place], order[last] = order[last], order[place]
        return peer

    def change(
        self, name: str, incarnation: int, state: State, now: float, metadata: bytes | None = None
    ) -> Peer:
        """Change what is known of a known member."""
        peer = self._own.get(name)
        if peer is None:
            peer = self._own[name] = replace(self._base[name])
        self.digest ^= self._directory.fingerprint(peer)
        peer.incarnation = incarnation
        if metadata is not None:
            peer.metadata = metadata
        if state is not peer.state:
            peer.state, peer.changed_at = state, now
        self.digest ^= self._directory.fingerprint(peer)
        return peer

    def next_target(self, own_name: str, now: float, remember_dead_s: float) -> Peer | None:
        """Return whose turn it is to be probed; at the end of a round the list is cleaned and shuffled."""
        checked = 0
        while checked < len(self._order):
            if self._next >= len(self._order):
                self._begin_round(now, remember_dead_s)
                checked += 1
                continue
            peer = self.find(self._directory.names[self._order[self._next]])
            self._next += 1
            if peer is not None and peer.node != own_name and peer.state is not State.DEAD:
                return peer
            checked += 1
        return None

    def sample(self, count: int, excluded: Callable[[Peer], bool]) -> list[Peer]:
        """Return up to `count` distinct members at random."""
        size, names, rng = len(self._order), self._directory.names, self._rng
        found: list[Peer] = []
        if size < 3 * count:
            places: Iterable[int] = rng.sample(range(size), size)
        else:
            places = (int(rng.random() * size) for _ in range(3 * size))
        for place in places:
            peer = self.find(names[self._order[place]])
            assert peer is not None, "the list names members of the table"
            if not excluded(peer) and all(peer.node != other.node for other in found):
                found.append(peer)
                if len(found) == count:
                    break
        return found

    def entries(self) -> tuple[Entry, ...]:
        """Return what a full exchange tells, without what is as in the base."""
        return tuple(
            Entry(peer.node, peer.address, peer.metadata, peer.incarnation, peer.state)
            for peer in self._own.values()
        )

    def forgotten(self) -> frozenset[str]:
        """Return the names of the base that are not in this table."""
        return frozenset(self._forgotten)

    def missing(self, told: Table) -> list[Entry]:
        """Return entries of the base that were forgotten here while the other table still has them."""
        if not self._forgotten:
            return []
        names = self._forgotten - told.forgotten - {entry.node for entry in told.entries}
        peers = (self._base[name] for name in sorted(names))
        return [Entry(peer.node, peer.address, peer.metadata) for peer in peers]

    def _begin_round(self, now: float, remember_dead_s: float) -> None:
        names = self._directory.names
        kept = [number for number in self._order if not self._is_over(names[number], now, remember_dead_s)]
        self._rng.shuffle(kept)
        self._order = array("I", kept)
        self._next = 0

    def _is_over(self, name: str, now: float, remember_dead_s: float) -> bool:
        """Forget a member that has been dead for long enough; return whether it was."""
        peer = self.find(name)
        assert peer is not None, "the list names members of the table"
        if peer.state is not State.DEAD or now - peer.changed_at <= remember_dead_s:
            return False
        self._own.pop(name, None)
        if name in self._base:
            self._forgotten.add(name)
        return True


def _strides(size: int, rng: random.Random) -> list[int]:
    """Return the numbers below `size` in an order that looks random.

    It serves for the first round only: shuffling ten thousand lists of ten thousand takes minutes.
    """
    if size < 2:
        return list(range(size))
    stride = rng.randrange(1, size)
    while math.gcd(stride, size) > 1:
        stride = rng.randrange(1, size)
    first = rng.randrange(size)
    return [(first + stride * place) % size for place in range(size)]
