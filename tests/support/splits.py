"""Clusters of real quorum machines in virtual time: who sees whom is set, everything told arrives at once."""

from __future__ import annotations

import random

from caxton_node.cluster.agreement import Book, Line, decode, encode
from caxton_node.cluster.effects import Compare, Effect, Tell
from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.quorum import Quorum, QuorumSettings

TIMES = QuorumSettings()
TURN_S = 1.0
NAMES = [f"n{number:02}" for number in range(12)]
MAJORITY = PartitionView.MAJORITY


class World:
    """Nodes on sides; within one everybody hears everything at once, between two nothing passes."""

    def __init__(self, count: int) -> None:
        self.now = 0.0
        self.disk: dict[str, Book] = {}
        self.nodes: dict[str, Quorum] = {}
        self.side_of: dict[str, int] = {}
        founder = Book({NAMES[0]: Line(1, counts=True, settled=True)})
        self.start(NAMES[0], 0, founder)
        for name in NAMES[1:count]:
            self.start(name, 0, Book())
        self.run(TIMES.welcome_s + TIMES.settle_s + 5)

    def start(self, name: str, side: int, book: Book) -> None:
        self.nodes[name] = Quorum(name, book, TIMES, rng=random.Random(name), now=self.now)
        self.side_of[name] = side
        for other in self.others(name):
            self.perform(other, self.nodes[other].handle_alive(name, self.now))
            self.perform(name, self.nodes[name].handle_alive(other, self.now))

    def others(self, name: str) -> list[str]:
        return [other for other in self.nodes if other != name and self.side_of[other] == self.side_of[name]]

    def perform(self, name: str, effects: list[Effect], hearers: frozenset[str] | None = None) -> None:
        for effect in effects:
            if isinstance(effect, Tell):
                lines = decode(encode(effect.lines))
                for other in self.others(name):
                    if hearers is None or other in hearers:
                        self.perform(other, self.nodes[other].handle_book("", lines, self.now))
            elif isinstance(effect, Compare):
                self.compare(name, effect.node)

    def compare(self, name: str, other: str) -> None:
        asking, asked = self.nodes[name], self.nodes[other]
        is_same = asking.shown.digest == asked.shown.digest
        if not len(asking.shown):
            self.perform(other, asked.handle_empty(name, self.now))
        if is_same and len(asking.shown):
            self.perform(name, asking.handle_same(other, self.now))
        else:
            lines = decode(encode(asked.shown.lines()))
            self.perform(name, asking.handle_book(other, lines, self.now))

    def run(self, seconds: float) -> None:
        until = self.now + seconds
        while self.now < until:
            self.now += TURN_S
            for name in list(self.nodes):
                self.perform(name, self.nodes[name].handle_turn(self.now))

    def split(self, sides: dict[str, int]) -> None:
        was = {name: set(self.others(name)) for name in self.nodes}
        self.side_of.update({name: sides.get(name, self.side_of[name]) for name in self.nodes})
        for name in self.nodes:
            for other in was[name] - set(self.others(name)):
                self.perform(name, self.nodes[name].handle_gone(other, self.now))
        for name in self.nodes:
            for other in set(self.others(name)) - was[name]:
                self.perform(name, self.nodes[name].handle_alive(other, self.now))

    def end(self, *names: str, goodbye: bool) -> None:
        """End nodes; those that say goodbye begin to go at the same instant, and ask one after the other."""
        if goodbye:
            for name, whom in [(name, self.nodes[name].leave()) for name in names]:
                self.take_leave(name, whom)
        for name in names:
            others, node = self.others(name), self.nodes.pop(name)
            self.disk[name] = Book(node.shown.lines())
            for other in others:
                self.perform(other, self.nodes[other].handle_gone(name, self.now))

    def take_leave(self, name: str, whom: list[str]) -> None:
        for other in filter(self.others(name).__contains__, whom):
            self.perform(other, self.nodes[other].handle_leaver(name, self.now))
            line = self.nodes[other].book.find(name)
            self.perform(name, self.nodes[name].handle_book("", {name: line} if line else {}, self.now))
            if line and not line.counts:
                return

    def majorities(self) -> set[int]:
        return {self.side_of[name] for name, node in self.nodes.items() if node.standpoint.view is MAJORITY}
