"""GCRA against an exact token bucket, in virtual time: within 1 % over seconds of overload, never above."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.resilience.rate_limit import Allowance, Bucket

pytestmark = pytest.mark.story("030")

TICKS_PER_S = 1_000_000


class ExactBucket:
    """A token bucket with a level, in exact arithmetic: what the limit means."""

    def __init__(self, calls: int, per_s: int, burst: int) -> None:
        self._per_tick = Fraction(calls, per_s * TICKS_PER_S)
        self._burst = Fraction(burst)
        self._level = Fraction(burst)
        self._at = 0

    def take(self, tick: int) -> bool:
        """Take a token if there is one."""
        self._level = min(self._burst, self._level + (tick - self._at) * self._per_tick)
        self._at = tick
        if self._level < 1:
            return False
        self._level -= 1
        return True


@given(
    calls=st.integers(1, 5_000),
    per_s=st.sampled_from([1, 60]),
    burst=st.integers(1, 200),
    gaps=st.lists(st.integers(0, 50_000), min_size=1, max_size=1_500),
    began_s=st.floats(0, 1e7),
)
@settings(max_examples=60, deadline=None)
def test_it_lets_in_as_many_as_the_exact_model(calls, per_s, burst, gaps, began_s):
    exact, bucket = ExactBucket(calls, per_s, burst), Bucket(Allowance(calls, float(per_s), burst))
    tick = let_in = meant = 0
    for gap in gaps:
        tick += gap
        meant += exact.take(tick)
        now = began_s + tick / TICKS_PER_S
        if not bucket.wait_s(now):
            bucket.take(now)
            let_in += 1
        assert abs(let_in - meant) <= max(1, meant // 100)
    most = burst + tick / TICKS_PER_S * calls / per_s
    assert let_in <= most * 1.001 + 1


@given(
    calls=st.integers(100, 5_000),
    burst=st.integers(1, 50),
    overload=st.integers(2, 5),
    seconds=st.integers(2, 4),
)
@settings(max_examples=15, deadline=None)
def test_seconds_of_overload_let_in_the_rate_within_a_hundredth(calls, burst, overload, seconds):
    bucket = Bucket(Allowance(calls, 1.0, burst))
    offered = calls * overload * seconds
    let_in = 0
    for number in range(offered):
        now = 12_345.678 + number / (calls * overload)
        if not bucket.wait_s(now):
            bucket.take(now)
            let_in += 1
    meant = burst + calls * seconds
    assert abs(let_in - meant) <= max(1, 0.01 * meant)


@given(st.lists(st.tuples(st.integers(0, 10_000), st.booleans()), max_size=300), st.integers(1, 20))
@settings(max_examples=60, deadline=None)
def test_what_it_says_about_the_next_call_is_true(steps, burst):
    bucket = Bucket(Allowance(50, 1.0, burst))
    now = 0.0
    for gap_us, takes in steps:
        now += gap_us / TICKS_PER_S
        wait_s, left = bucket.wait_s(now), bucket.left(now)
        assert (left > 0) == (wait_s == 0)
        assert 0 <= left <= burst
        if wait_s:
            assert bucket.wait_s(now + wait_s * 0.5) > 0
            assert bucket.wait_s(now + wait_s + 1e-9) == 0
        elif takes:
            bucket.take(now)
            assert bucket.left(now) == left - 1
