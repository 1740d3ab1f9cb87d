"""Stamps: they rise, follow the wall clock, and are not dragged into the future."""

from __future__ import annotations

import pytest

from caxton_node.registry.hlc import COUNT_BITS, DRIFT_MS_MAX, HybridClock, stamp_at, stamp_us

pytestmark = pytest.mark.story("026")

NOW_US = 1_700_000_000_000_000


def test_stamps_rise_though_the_wall_clock_stands_still_or_goes_back() -> None:
    clock = HybridClock()
    stamps = [
        clock.tick(NOW_US),
        clock.tick(NOW_US),
        clock.tick(NOW_US - 5_000_000),
        clock.tick(NOW_US + 1000),
    ]
    assert stamps == sorted(set(stamps))
    assert stamp_us(stamps[-1]) == NOW_US + 1000


def test_a_stamp_after_an_observed_one_is_larger() -> None:
    clock = HybridClock()
    seen = stamp_at(NOW_US + 30_000_000)
    clock.observe(seen, NOW_US)
    assert clock.tick(NOW_US) > seen


def test_a_stamp_far_in_the_future_is_stepped_over_but_not_followed() -> None:
    clock = HybridClock()
    far = stamp_at(NOW_US + (DRIFT_MS_MAX + 1000) * 1000)
    clock.observe(far, NOW_US)
    assert clock.tick(NOW_US, above=far) == far + 1
    assert stamp_us(clock.tick(NOW_US)) == NOW_US


def test_a_full_count_carries_into_the_milliseconds() -> None:
    clock = HybridClock()
    first = clock.tick(NOW_US)
    clock.observe(first + (1 << COUNT_BITS) - 1, NOW_US)
    assert stamp_us(clock.tick(NOW_US)) == NOW_US + 1000
