"""Clusters of real quorum machines in virtual time: who sees whom is set, everything told arrives at once."""

from __future__ import annotations

import random

from caxton_node.cluster.agreement import Book, Line, decode, encode
from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.quorum import Compare, Effect, Quorum, QuorumSettings, Tell

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
                lines = decode(encode(self.nodes[effect.node].book.lines()))
                self.perform(name, self.nodes[name].handle_book(effect.node, lines, self.now))

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
                self.perform(name, self.nodes[name].handle_died(other, self.now))
        for name in self.nodes:
            for other in set(self.others(name)) - was[name]:
                self.perform(name, self.nodes[name].handle_alive(other, self.now))

    def end(self, name: str, *, goodbye: bool) -> None:
        others, node = self.others(name), self.nodes.pop(name)
        if goodbye:
            node.leave()
        self.disk[name] = Book(node.book.lines())
        for other in others:
            machine = self.nodes[other]
            took = machine.handle_left if goodbye else machine.handle_died
            self.perform(other, took(name, self.now))

    def majorities(self) -> set[int]:
        return {self.side_of[name] for name, node in self.nodes.items() if node.standpoint.view is MAJORITY}
