"""The laws of vector clocks, and of stamps beside them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caxton_node.registry.hlc import HybridClock
from caxton_node.registry.vector_clock import Order, VectorClock

CLOCKS = st.dictionaries(st.sampled_from("abcd"), st.integers(0, 4)).map(VectorClock)
MIRROR = {Order.BEFORE: Order.AFTER, Order.AFTER: Order.BEFORE}


@given(CLOCKS, CLOCKS)
def test_comparing_the_other_way_round_mirrors_the_answer(a: VectorClock, b: VectorClock) -> None:
    order = a.compare(b)
    assert b.compare(a) is MIRROR.get(order, order)


@given(CLOCKS, CLOCKS, CLOCKS)
def test_before_is_transitive(a: VectorClock, b: VectorClock, c: VectorClock) -> None:
    if a.compare(b) is b.compare(c) is Order.BEFORE:
        assert a.compare(c) is Order.BEFORE


@given(CLOCKS, st.sampled_from("abcd"))
def test_an_advanced_clock_comes_after(a: VectorClock, node: str) -> None:
    assert a.advance(node).compare(a) is Order.AFTER


@given(CLOCKS, CLOCKS)
def test_a_join_is_the_least_clock_that_is_not_before_either(a: VectorClock, b: VectorClock) -> None:
    joined = a.join(b)
    assert joined.compare(a) in (Order.AFTER, Order.EQUAL)
    assert joined.compare(b) in (Order.AFTER, Order.EQUAL)
    assert all(joined.of(node) == max(a.of(node), b.of(node)) for node in joined.counts)
    assert joined == b.join(a)


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 10**13), st.integers(0, 2**62))))
def test_ticks_rise_whatever_is_observed_and_wherever_the_wall_clock_jumps(
    events: list[tuple[bool, int, int]],
) -> None:
    clock, last = HybridClock(), -1
    for is_tick, now_us, foreign in events:
        if is_tick:
            stamp = clock.tick(now_us)
            assert stamp > last
            last = stamp
        else:
            clock.observe(foreign, now_us)
