"""Counting turns."""

from __future__ import annotations

import pytest

from caxton_node.runtime.turns import LATEST, Turns

pytestmark = pytest.mark.story("031")


def test_nothing_was_counted_before_the_first_turn():
    counts = Turns().read()
    assert (counts.turns, counts.full, counts.messages, counts.average) == (0, 0, 0, 0.0)
    assert not any(counts.cells)


def test_turns_are_counted_by_size_and_by_whether_they_were_full():
    turns = Turns()
    for messages, room in ((1, 8), (8, 8), (3, 16), (256, 256)):
        turns.note(messages, room)
    counts = turns.read()
    assert (counts.turns, counts.full, counts.messages, counts.average) == (4, 2, 268, 67.0)
    assert {bits: count for bits, count in enumerate(counts.cells) if count} == {1: 1, 2: 1, 4: 1, 9: 1}


def test_the_average_is_that_of_the_latest_turns():
    turns = Turns()
    for _ in range(1000):
        turns.note(200, 256)
    for _ in range(LATEST):
        turns.note(2, 256)
    assert turns.read().average == 2.0


def test_what_was_read_stays_as_it_was():
    turns = Turns()
    counts = turns.read()
    turns.note(5, 5)
    assert (counts.turns, sum(counts.cells)) == (0, 0)
