"""Never two majorities: random splits, joins, leaves, crashes and restarts of clusters of real machines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from caxton_node.cluster.agreement import Book, Line
from caxton_node.cluster.partitions import partition_view
from tests.support.splits import MAJORITY, NAMES, TIMES, TURN_S, World

pytestmark = pytest.mark.story("018")


class Splits(RuleBasedStateMachine):
    """Everything that can happen to a cluster, in any order."""

    @initialize(count=st.integers(1, 7))
    def found(self, count: int) -> None:
        self.world = World(count)
        self.has_lost_a_book = False

    def pick(self, data: st.DataObject, names: list[str]) -> str | None:
        return data.draw(st.sampled_from(sorted(names))) if names else None

    @rule(sides=st.lists(st.integers(0, 2), min_size=len(NAMES), max_size=len(NAMES)))
    def split(self, sides: list[int]) -> None:
        self.world.split(dict(zip(NAMES, sides, strict=True)))

    @rule()
    def heal(self) -> None:
        self.world.split(dict.fromkeys(NAMES, 0))

    @rule(data=st.data(), side=st.integers(0, 2))
    def start(self, data: st.DataObject, side: int) -> None:
        idle = [name for name in NAMES if name not in self.world.nodes]
        seeded = side in self.world.side_of.values()
        name = self.pick(data, [name for name in idle if seeded or name in self.world.disk])
        if name is not None:
            self.world.start(name, side, Book(self.world.disk.get(name, Book()).lines()))

    @rule(data=st.data(), goodbye=st.booleans())
    def end(self, data: st.DataObject, goodbye: bool) -> None:
        name = self.pick(data, list(self.world.nodes))
        if name is not None and len(self.world.nodes) > 1:
            self.world.end(name, goodbye=goodbye)

    @rule(data=st.data())
    def end_several_at_once(self, data: st.DataObject) -> None:
        going = data.draw(st.sets(st.sampled_from(sorted(self.world.nodes)))) if self.world.nodes else set()
        self.world.end(*sorted(going), goodbye=True)

    @rule(data=st.data())
    def lose_a_book(self, data: st.DataObject) -> None:
        """Restart one without its book where somebody knows that it counts: else nobody can tell."""
        name = self.pick(data, list(self.world.nodes))
        if name is None:
            return
        others, side = self.world.others(name), self.world.side_of[name]
        if any(name in self.world.nodes[other].book.counted for other in others):
            self.world.end(name, goodbye=False)
            self.world.start(name, side, Book())
            self.has_lost_a_book = True

    @rule(seconds=st.sampled_from([1, 6, 12, 30, 60, 100_000]))
    def wait(self, seconds: float) -> None:
        if seconds > 1000:
            self.world.now += seconds
            seconds = 2 * TIMES.settle_s
        self.world.run(seconds)

    @rule(sides=st.lists(st.integers(0, 1), min_size=len(NAMES), max_size=len(NAMES)), data=st.data())
    def split_while_the_keeper_is_telling(self, sides: list[int], data: st.DataObject) -> None:
        world = self.world
        if world.nodes:
            where = world.side_of[min(world.nodes)]
            for name in data.draw(st.sets(st.sampled_from(NAMES))) - set(world.nodes):
                world.start(name, where, Book(world.disk.get(name, Book()).lines()))
        world.now += TIMES.welcome_s + TURN_S
        hearers = frozenset(data.draw(st.sets(st.sampled_from(NAMES))))
        for name in list(world.nodes):
            world.perform(name, world.nodes[name].handle_turn(world.now), hearers)
        world.split(dict(zip(NAMES, sides, strict=True)))

    @invariant()
    def at_most_one_side_is_the_majority(self) -> None:
        if hasattr(self, "world"):
            assert len(self.world.majorities()) <= 1

    def teardown(self) -> None:
        """Check that when all are there again, quiet, and nobody's book is lost, all are the majority."""
        if not hasattr(self, "world") or self.has_lost_a_book:
            return
        for name in NAMES:
            if name in self.world.disk and name not in self.world.nodes:
                self.world.start(name, 0, Book(self.world.disk[name].lines()))
        self.heal()
        self.world.run(3 * TIMES.settle_s)
        assert {node.standpoint.view for node in self.world.nodes.values()} <= {MAJORITY}


Splits.TestCase.settings = settings(max_examples=50, stateful_step_count=20, deadline=None)
TestSplits = pytest.mark.story("018")(Splits.TestCase)


@given(st.sets(st.sampled_from(NAMES), min_size=1), st.data())
def test_two_sides_never_both_have_the_majority_of_one_set(agreed, data):
    left = data.draw(st.sets(st.sampled_from(sorted(agreed))))
    views = [partition_view(side, agreed) for side in (left, agreed - left) if side]
    assert views.count(MAJORITY) <= 1


lines = st.dictionaries(
    st.sampled_from(NAMES), st.builds(Line, st.integers(1, 3), st.booleans(), st.just(False)), max_size=6
)


@given(st.lists(lines, max_size=4), st.randoms())
def test_books_that_heard_the_same_in_any_order_say_the_same(told, rng):
    first, second = Book(), Book()
    for each in told:
        first.merge(each)
    shuffled = [*told, *told]
    rng.shuffle(shuffled)
    for each in shuffled:
        second.merge(each)
    assert first.digest == second.digest
    assert first.counted == second.counted
