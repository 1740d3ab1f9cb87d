"""The world of a simulation: time, chance, and a network that may do whatever networks do.

Everything that happens is an entry in one queue, ordered by time and then by the order in which it was asked
for. Nothing reads a real clock or real entropy, so a seed and a scenario are a complete description of a
run: the same seed gives the same run, down to the byte. Each node has its own stream of chance, so adding a
node does not disturb the others.

Faults of links are in `faults.py`. Those of processes are here: `freeze` for one that stands still (its
input and its timers wait), `slow` for one that does so again and again, `remove` for one that is gone.

The world knows nothing of membership: nodes are anything with the two handlers of `Process`.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Protocol

from caxton_node.devkit.simulator.faults import Address, Faults, Range
from caxton_node.devkit.simulator.queue import EventQueue
from caxton_node.devkit.simulator.traffic import Traffic


class Process(Protocol):
    """What runs at an address."""

    def handle_datagram(self, data: bytes, source: Address) -> None:
        """Take in a datagram."""

    def handle_timer(self, timer: object) -> None:
        """Take in a timer that is due."""


class Network:
    """One world.

    Args:
        seed: Decides everything that is left to chance.
        delay_s: Shortest and longest one-way delay of a datagram.

    Attributes:
        now: Virtual time in seconds since the world began.
        traffic: Counted per sending address.
        faults: What becomes of datagrams.
        calls: How many entries of the queue have happened: the work done so far.
    """

    def __init__(self, seed: int, *, delay_s: Range = (0.0003, 0.001)) -> None:
        self.seed = seed
        self.now = 0.0
        self.calls = 0
        self.traffic: dict[Address, Traffic] = {}
        self.faults = Faults(self.random_for("network"), delay_s)
        self._queue = EventQueue()
        self._processes: dict[Address, Process] = {}
        self._thaw_at: dict[Address, float] = {}
        self._slowness = 0  # how often slowness has ended; a step of an earlier one is stale

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
        """Send a datagram, which may arrive later, or twice, or never."""
        self.traffic[source].count(len(data))
        for delay_s in self.faults.delays(source, target):
            self._queue.push(self.now + delay_s, self._deliver, source, target, data)

    def schedule(self, address: Address, timer: object, after_s: float) -> None:
        """Hand a timer back to the process that is at the address now."""
        self._queue.push(self.now + after_s, self._fire, address, self._processes[address], timer)

    # ---- faults of links

    def lose(self, share: float) -> None:
        """Lose this share of all datagrams, 0 to 1."""
        self.faults.loss = share

    def lose_between(self, sources: Iterable[Address], targets: Iterable[Address], share: float) -> None:
        """Lose this share of what goes from `sources` to `targets`; the way back is not touched."""
        self.faults.lose_between(sources, targets, share)

    def partition(self, *sides: Iterable[Address]) -> None:
        """Let datagrams through only within a side; whoever is in none stands on a side of its own."""
        self.faults.partition(*sides)

    def duplicate(self, share: float) -> None:
        """Let this share of all datagrams arrive twice."""
        self.faults.duplication = share

    def reorder(self, share: float, extra_s: float = 0.05) -> None:
        """Hold this share of all datagrams back by up to `extra_s`, so that later ones overtake them."""
        self.faults.reordering, self.faults.held_s = share, extra_s

    def place(self, site: str, addresses: Iterable[Address]) -> None:
        """Put addresses at a site."""
        self.faults.place(site, addresses)

    def set_delay(self, one: str, other: str, delay_s: Range) -> None:
        """Say how long datagrams take between two sites, in either direction; within a site if it is one."""
        self.faults.set_delay(one, other, delay_s)

    def heal(self) -> None:
        """End all faults of links and all slowness; who is frozen stays so until that time is up."""
        self.faults.clear()
        self._slowness += 1

    # ---- faults of processes

    def freeze(self, address: Address, for_s: float) -> None:
        """Stop a process for a while: input and timers wait; timers come first when it goes on."""
        self._thaw_at[address] = max(self.now + for_s, self._thaw_at.get(address, 0.0))

    def slow(self, addresses: Iterable[Address], *, frozen_s: float = 8.0, awake_s: float = 2.0) -> None:
        """Let processes stand still and run in turns, each from a random moment, until `heal`."""
        rng = self.random_for(f"slowness {self._slowness} at {self.now}")
        for address in addresses:
            begin = self.now + rng.uniform(0, frozen_s + awake_s)
            self._queue.push(begin, self._stand, address, frozen_s, awake_s, self._slowness)

    # ---- time

    def run_for(self, seconds: float) -> None:
        """Let time pass."""
        until = self.now + seconds
        pop = self._queue.pop
        while (entry := pop(until)) is not None:
            self.now, _, action, arguments = entry
            self.calls += 1
            action(*arguments)
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
        self._queue.push(when, action)

    # ---- inside

    def _deliver(self, source: Address, target: Address, data: bytes) -> None:
        thaw_at = self._thaw_at.get(target, 0.0)
        if self.now < thaw_at:
            self._queue.push(thaw_at + 1e-6, self._deliver, source, target, data)
        elif target in self._processes:
            self._processes[target].handle_datagram(data, source)

    def _fire(self, address: Address, process: Process, timer: object) -> None:
        if self._processes.get(address) is not process:
            return
        thaw_at = self._thaw_at.get(address, 0.0)
        if self.now < thaw_at:
            self._queue.push(thaw_at, self._fire, address, process, timer)
        else:
            process.handle_timer(timer)

    def _stand(self, address: Address, frozen_s: float, awake_s: float, slowness: int) -> None:
        if slowness != self._slowness or address not in self._processes:
            return
        self.freeze(address, frozen_s)
        self._queue.push(self.now + frozen_s + awake_s, self._stand, address, frozen_s, awake_s, slowness)
