"""What a scenario can do to a cluster and see of it, whatever rules the members follow.

Both kinds of world run on the same `Network`: same delays, same faults, same way of counting bytes. They see
their members through the events of `swim.events` alone.
"""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections import defaultdict
from collections.abc import Callable, Collection, Iterable

from caxton_node.devkit.simulator.network import Network
from swim.events import Event, MemberDied, MemberSuspected, MemberUpdated
from swim.member import Address

METADATA_BYTES = 64


class Observations:
    """What the members of a world reported, with the time.

    Attributes:
        deaths: Time, observer and subject of every member that was declared dead.
        updates: By subject, when each observer learned of its last change.
        suspicions: How often somebody began to suspect a member.
    """

    def __init__(self) -> None:
        self.deaths: list[tuple[float, str, str]] = []
        self.updates: defaultdict[str, dict[str, float]] = defaultdict(dict)
        self.suspicions = 0

    def take(self, observer: str, at: float, event: Event) -> None:
        """Take in an event of one member."""
        match event:
            case MemberDied():
                self.deaths.append((at, observer, event.member.node_id))
            case MemberUpdated():
                self.updates[event.member.node_id][observer] = at
            case MemberSuspected():
                self.suspicions += 1

    def deaths_of(self, subject: str) -> dict[str, float]:
        """Return when each observer first declared a member dead."""
        first: dict[str, float] = {}
        for at, observer, dead in self.deaths:
            if dead == subject:
                first.setdefault(observer, at)
        return first

    def deaths_seen(self, *, by: Collection[str], of: Collection[str]) -> int:
        """Return how many deaths of these subjects were declared by these observers."""
        return sum(observer in by and subject in of for _, observer, subject in self.deaths)


class World(ABC):
    """One cluster in its own network."""

    def __init__(self, network: Network, metadata_bytes: int) -> None:
        self.network = network
        self._metadata_bytes = metadata_bytes
        self.seen = Observations()
        self._metadata = network.random_for("metadata")

    @property
    @abstractmethod
    def running(self) -> list[str]:
        """Return the ids of the members that run."""

    @abstractmethod
    def start_formed(self, size: int) -> None:
        """Start so many members that know each other."""

    @abstractmethod
    def add(self, node_id: str, seeds: Iterable[Address] = ()) -> None:
        """Start a member that joins through seeds."""

    @abstractmethod
    def kill(self, node_id: str) -> None:
        """Take a member away without a word."""

    @abstractmethod
    def update(self, node_id: str) -> None:
        """Let a member change its metadata."""

    @abstractmethod
    def address(self, node_id: str) -> Address:
        """Return where a member is."""

    @abstractmethod
    def agrees(self) -> bool:
        """Tell whether every running member takes exactly the running ones for alive, none for suspect."""

    def bytes_sent(self) -> int:
        """Return what all members have put on the network, with IP headers."""
        return sum(traffic.bytes for traffic in self.network.traffic.values())

    def bytes_per_node_second(self, seconds: float) -> float:
        """Let time pass, and return what each member sent per second meanwhile."""
        before = self.bytes_sent()
        self.network.run_for(seconds)
        return (self.bytes_sent() - before) / seconds / len(self.running)

    def wait_until(
        self, condition: Callable[[], bool], *, within_s: float, check_every_s: float = 0.05
    ) -> float:
        """Let time pass until something holds; return how long that took, infinity if it never did."""
        try:
            return self.network.run_until(condition, within_s=within_s, check_every_s=check_every_s)
        except AssertionError:
            return float("inf")

    def split(self, *sides: Iterable[str]) -> None:
        """Partition the network."""
        self.network.partition(*([self.address(node_id) for node_id in side] for side in sides))

    def new_metadata(self) -> bytes:
        """Return metadata that nobody can compress."""
        return self._metadata.randbytes(self._metadata_bytes)

    def some(self, count: int) -> list[str]:
        """Return so many running members, evenly spread over all."""
        ids = self.running
        return [ids[(2 * place + 1) * len(ids) // (2 * count)] for place in range(count)]

    def rng(self, purpose: str) -> random.Random:
        """Return a stream of chance for the scenario itself."""
        return self.network.random_for(purpose)
