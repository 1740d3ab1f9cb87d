"""The world of a simulation: time, chance, and a network that may do whatever networks do.

Everything that happens is an entry in one heap, ordered by time and then by the order in which it was asked
for. Nothing reads a real clock or real entropy, so a seed and a scenario are a complete description of a
run: the same seed gives the same run, down to the byte. Each node has its own stream of chance, so adding a
node does not disturb the others.

The network is one question, asked for each datagram: what becomes of it from here to there, now? Faults are
answers to that question and work per direction: `lose`, `cut` and `partition` for links, `freeze` for a
process that stands still (its input and its timers wait) and `remove` for one that is gone.

The world knows nothing of membership: nodes are anything with the two handlers of `Process`.
"""

from __future__ import annotations

import heapq
import itertools
import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Protocol

Address = tuple[str, int]
HEADERS_BYTES = 28
"""IPv4 and UDP headers: traffic is counted as a network sees it."""


class Process(Protocol):
    """What runs at an address."""

    def handle_datagram(self, data: bytes, source: Address) -> None:
        """Take in a datagram."""

    def handle_timer(self, timer: object) -> None:
        """Take in a timer that is due."""


@dataclass(slots=True)
class Traffic:
    """What one node put on the network, headers included."""

    datagrams: int = 0
    bytes: int = 0


class Network:
    """One world.

    Args:
        seed: Decides everything that is left to chance.
        delay_s: Shortest and longest one-way delay of a datagram.

    Attributes:
        now: Virtual time in seconds since the world began.
        traffic: Counted per sending address.
    """

    def __init__(self, seed: int, *, delay_s: tuple[float, float] = (0.0003, 0.001)) -> None:
        self.seed = seed
        self.now = 0.0
        self.traffic: dict[Address, Traffic] = {}
        self._delay_s = delay_s
        self._rng = self.random_for("network")
        self._heap: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._processes: dict[Address, Process] = {}
        self._thaw_at: dict[Address, float] = {}
        self._loss = 0.0
        self._link_loss: dict[tuple[Address, Address], float] = {}
        self._side: dict[Address, int] = {}

    def random_for(self, name: str) -> random.Random:
        """Return the stream of chance of one node; it depends on the seed and the name alone."""
        return random.Random(f"{self.seed}/{name}")  # noqa: S311  chance that can be repeated

    # ---- who is there

    def add(self, address: Address, process: Process) -> None:
        """Put a process at an address, in place of one that was there before."""
        self._processes[address] = process
        self.traffic.setdefault(address, Traffic())

    def remove(self, address: Address) -> None:
        """Take a process away without a word; its timers go with it, datagrams to it are lost."""
        self._processes.pop(address, None)
        self._thaw_at.pop(address, None)

    # ---- what a process can do

    def send(self, source: Address, target: Address, data: bytes) -> None:
        """Send a datagram, which may arrive later, or never."""
        traffic = self.traffic[source]
        traffic.datagrams += 1
        traffic.bytes += len(data) + HEADERS_BYTES
        if self._is_lost(source, target):
            return
        delay = self._rng.uniform(*self._delay_s)
        self._at(self.now + delay, lambda: self._deliver(source, target, data))

    def schedule(self, address: Address, timer: object, after_s: float) -> None:
        """Hand a timer back to the process that is at the address now."""
        process = self._processes[address]
        self._at(self.now + after_s, lambda: self._fire(address, process, timer))

    # ---- faults

    def lose(self, share: float) -> None:
        """Lose this share of all datagrams, 0 to 1."""
        self._loss = share

    def lose_between(self, sources: Iterable[Address], targets: Iterable[Address], share: float) -> None:
        """Lose this share of what goes from `sources` to `targets`; the way back is not touched."""
        for link in itertools.product(list(sources), list(targets)):
            self._link_loss[link] = share

    def partition(self, *sides: Iterable[Address]) -> None:
        """Let datagrams through only within a side; whoever is in none stands on a side of its own."""
        self._side = {address: number for number, side in enumerate(sides) for address in side}

    def heal(self) -> None:
        """End all loss and partitions."""
        self._loss = 0.0
        self._link_loss.clear()
        self._side.clear()

    def freeze(self, address: Address, for_s: float) -> None:
        """Stop a process for a while: input and timers wait; timers come first when it goes on."""
        self._thaw_at[address] = self.now + for_s

    # ---- time

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        while self._heap and self._heap[0][0] <= until:
            self._step()
        self.now = until

    def run_until(
        self, condition: Callable[[], bool], *, within_s: float, check_every_s: float = 0.05
    ) -> float:
        """Let time pass until something holds; return how long that took, or raise AssertionError."""
        began = self.now
        while not condition():
            if self.now - began > within_s:
                raise AssertionError(f"not within {within_s} s of virtual time (seed {self.seed})")
            self.run_for(check_every_s)
        return self.now - began

    def call_at(self, when: float, action: Callable[[], None]) -> None:
        """Let a scenario do something at an instant."""
        self._at(when, action)

    # ---- inside

    def _at(self, when: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._heap, (when, next(self._order), action))

    def _step(self) -> None:
        self.now, _, action = heapq.heappop(self._heap)
        action()

    def _is_lost(self, source: Address, target: Address) -> bool:
        if self._side and self._side.get(source, source) != self._side.get(target, target):
            return True
        share = self._link_loss.get((source, target), self._loss)
        return share > 0 and self._rng.random() < share

    def _deliver(self, source: Address, target: Address, data: bytes) -> None:
        thaw_at = self._thaw_at.get(target, 0.0)
        if self.now < thaw_at:
            self._at(thaw_at + 1e-6, lambda: self._deliver(source, target, data))
        elif target in self._processes:
            self._processes[target].handle_datagram(data, source)

    def _fire(self, address: Address, process: Process, timer: object) -> None:
        thaw_at = self._thaw_at.get(address, 0.0)
        if self._processes.get(address) is not process:
            return
        if self.now < thaw_at:
            self._at(thaw_at, lambda: self._fire(address, process, timer))
        else:
            process.handle_timer(timer)
