"""Vector clocks, by the full table of their rule."""

from __future__ import annotations

import pytest

from caxton_node.registry.vector_clock import Order, VectorClock

pytestmark = pytest.mark.story("026")


@pytest.mark.parametrize(
    ("a", "b", "order"),
    [
        ({}, {}, Order.EQUAL),
        ({"x": 1}, {"x": 1}, Order.EQUAL),
        ({"x": 1}, {"x": 1, "y": 0}, Order.EQUAL),
        ({}, {"x": 1}, Order.BEFORE),
        ({"x": 1}, {"x": 2}, Order.BEFORE),
        ({"x": 1}, {"x": 1, "y": 1}, Order.BEFORE),
        ({"x": 1}, {"y": 1}, Order.CONCURRENT),
        ({"x": 2, "y": 1}, {"x": 1, "y": 2}, Order.CONCURRENT),
        ({"x": 9}, {"x": 1, "y": 1}, Order.CONCURRENT),
    ],
)
def test_two_clocks_compare_as_the_rule_says(a: dict[str, int], b: dict[str, int], order: Order) -> None:
    mirrored = {Order.BEFORE: Order.AFTER}.get(order, order)
    assert VectorClock(a).compare(VectorClock(b)) is order
    assert VectorClock(b).compare(VectorClock(a)) is mirrored


def test_advancing_leaves_the_clock_itself_alone() -> None:
    clock = VectorClock({"x": 1})
    assert clock.advance("x").counts == {"x": 2}
    assert clock.advance("y").counts == {"x": 1, "y": 1}
    assert clock.counts == {"x": 1}


def test_a_join_has_seen_what_either_has_seen() -> None:
    assert VectorClock({"x": 2, "y": 1}).join(VectorClock({"y": 3, "z": 1})).counts == {
        "x": 2,
        "y": 3,
        "z": 1,
    }
