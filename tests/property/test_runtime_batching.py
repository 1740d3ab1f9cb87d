"""The batch size of an agent, whatever its calls take."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.runtime.batching import RULES, TURN_S, Batching, BatchSize

pytestmark = pytest.mark.story("031")

strategies = st.sampled_from(Batching)
limits = st.integers(1, 400)
per_message_s = st.floats(0, 10, allow_subnormal=False)
# How much of what it might take a turn finds, and what a message takes.
calls = st.lists(st.tuples(st.floats(0, 1), per_message_s), max_size=60)


def sizes(size: BatchSize, turns: list[tuple[float, float]]) -> list[int]:
    """Return the sizes before, between and after these turns."""
    found = [size.now]
    for share, seconds in turns:
        count = max(1, round(share * size.now))
        size.observe(count, count * seconds)
        found.append(size.now)
    return found


@given(batching=strategies, limit=limits, turns=calls)
def test_a_turn_has_from_one_message_to_what_limit_strategy_and_abi_allow(batching, limit, turns):
    most = min(limit, RULES[batching].batch_max, 256)
    assert all(1 <= now <= most for now in sizes(BatchSize(limit, RULES[batching]), turns))


@given(batching=strategies, limit=limits, turns=calls)
def test_no_turn_may_be_more_than_twice_as_large_as_the_one_before(batching, limit, turns):
    assert all(
        after <= 2 * before for before, after in pairwise(sizes(BatchSize(limit, RULES[batching]), turns))
    )


@given(batching=strategies, limit=limits, turns=calls, slow_s=per_message_s)
def test_after_a_slow_turn_the_next_would_not_take_longer_than_a_turn_may(batching, limit, turns, slow_s):
    rule = RULES[batching]
    size = BatchSize(limit, rule)
    sizes(size, [*turns, (1.0, slow_s)])
    assert size.now == 1 or size.now * slow_s <= rule.turn_s * (1 + 1e-9)


@given(batching=strategies, limit=limits, turns=calls, steady_s=st.floats(1e-7, 1))
def test_steady_calls_lead_to_what_fits_into_a_turn(batching, limit, turns, steady_s):
    rule = RULES[batching]
    size = BatchSize(limit, rule)
    sizes(size, [*turns, *[(1.0, steady_s)] * 120])
    most = min(limit, rule.batch_max, 256)
    fits = min(most, max(1, int(rule.turn_s / steady_s)))
    assert fits - 1 <= size.now <= fits + 1


@given(batching=strategies, limit=limits, turns=calls, light_s=st.floats(0, TURN_S / 300))
def test_who_never_keeps_others_waiting_is_not_heavy(batching, limit, turns, light_s):
    size = BatchSize(limit, RULES[batching])
    for share, _ in turns:
        count = max(1, round(share * size.now))
        size.observe(count, count * light_s)
        assert not size.is_heavy


@given(batching=strategies, limit=limits, turns=calls, long_s=st.floats(TURN_S * 1.01, 10))
def test_two_long_messages_in_a_row_make_an_agent_heavy_under_every_strategy(batching, limit, turns, long_s):
    size = BatchSize(limit, RULES[batching])
    sizes(size, [*turns, (0.0, long_s), (0.0, long_s)])
    assert size.is_heavy
    sizes(size, [(0.0, 0.0)])
    assert not size.is_heavy
