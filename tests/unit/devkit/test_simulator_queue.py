"""The queue of what is still to happen: a sorted list would give the same, only later."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.devkit.simulator.queue import SLOT_S, EventQueue

pytestmark = pytest.mark.story("018")

delays = st.one_of(st.sampled_from([0.0, SLOT_S / 2, SLOT_S, 0.5, 1.0]), st.floats(0, 3))


def nothing(*_arguments: object) -> None:
    """Be called."""


def drain(queue: EventQueue, until: float) -> list[tuple[float, object]]:
    found = []
    while (entry := queue.pop(until)) is not None:
        found.append((entry[0], entry[3][0]))
    return found


@given(st.lists(delays, max_size=50))
def test_entries_come_by_time_and_then_as_they_were_asked_for(times: list[float]) -> None:
    queue = EventQueue()
    for number, when in enumerate(times):
        queue.push(when, nothing, number)
    assert len(queue) == len(times)
    assert drain(queue, 10) == sorted((when, number) for number, when in enumerate(times))
    assert len(queue) == 0


@given(st.lists(st.tuples(delays, st.integers(0, 3)), max_size=30), st.integers(0, 99))
def test_entries_that_ask_for_more_keep_the_order(asked: list[tuple[float, int]], seed: int) -> None:
    queue, rng, expected, got = EventQueue(), random.Random(seed), [], []
    numbers = iter(range(10_000))

    def ask(now: float, after: float, left: int) -> None:
        number = next(numbers)
        queue.push(now + after, nothing, number, left)
        expected.append((now + after, number))

    for after, left in asked:
        ask(0.0, after, left)
    while (entry := queue.pop(100)) is not None:
        when, _, _, (number, left) = entry
        got.append((when, number))
        if left:
            ask(when, rng.choice([0.0, 0.003, 0.02, 1.0]), left - 1)
    assert got == sorted(expected)


def test_nothing_comes_before_its_time_nor_after_until() -> None:
    queue = EventQueue()
    for when in (0.5, 1.0, 1.001, 1.5):
        queue.push(when, nothing, when)
    assert [when for when, _ in drain(queue, 1.0)] == [0.5, 1.0]
    assert queue.pop(1.0005) is None
    assert [when for when, _ in drain(queue, 2.0)] == [1.001, 1.5]


def test_what_is_asked_for_too_late_comes_next() -> None:
    queue = EventQueue()
    queue.push(5.0, nothing, "first")
    queue.push(5.005, nothing, "then")
    assert queue.pop(6) is not None
    queue.push(1.0, nothing, "late")
    assert [what for _, what in drain(queue, 6)] == ["late", "then"]
