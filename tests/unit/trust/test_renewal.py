"""When a certificate is renewed, as a pure rule."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.trust.renewal import Due, Schedule, due
from certs import Validity, ValidityState

pytestmark = pytest.mark.story("022")

NOW = datetime(2026, 1, 1, tzinfo=UTC)
DAY_S = 86_400.0


def validity(left_s: float, *, life_s: float = 365 * DAY_S) -> Validity:
    """Return a validity with so much left of a life, renewed as `certs` does."""
    until = NOW + timedelta(seconds=left_s)
    since = until - timedelta(seconds=life_s)
    renew_at = until - min(timedelta(days=30), timedelta(seconds=life_s) / 3)
    state = ValidityState.VALID if renew_at > NOW else ValidityState.RENEWAL_DUE
    if left_s < 0:
        state = ValidityState.EXPIRED
    return Validity(state, since, until, renew_at, left_s)


@pytest.mark.parametrize(
    ("left_days", "signed_by", "reason"),
    [
        (300, "ca", Due.NOT),
        (31, "ca", Due.NOT),
        (29, "ca", Due.ENDING),
        (-1, "ca", Due.ENDING),
        (300, "old-ca", Due.OTHER_AUTHORITY),
        (10, "old-ca", Due.OTHER_AUTHORITY),
    ],
)
def test_a_certificate_is_due_near_its_end_and_when_another_authority_signs(
    left_days: float, signed_by: str, reason: Due
) -> None:
    assert due(validity(left_days * DAY_S), signed_by=signed_by, primary="ca") is reason


def test_a_certificate_that_is_good_for_long_is_looked_at_once_a_day_and_not_by_all_at_once() -> None:
    schedule = Schedule()
    waits = {schedule.next_wait_s(validity(300 * DAY_S), NOW, random.Random(seed)) for seed in range(50)}
    assert all(DAY_S <= wait <= 1.1 * DAY_S for wait in waits)
    assert max(waits) - min(waits) > 3600


def test_a_certificate_that_lives_an_hour_is_not_left_for_a_day() -> None:
    wait_s = Schedule().next_wait_s(validity(3600, life_s=3600), NOW, random.Random(1))
    assert 2400 <= wait_s <= 2400 * 1.1


@given(
    failures=st.integers(1, 10_000),
    left_s=st.floats(-DAY_S, 400 * DAY_S),
    interval_s=st.floats(1.0, 30 * DAY_S),
    seed=st.integers(0, 100),
)
def test_tries_after_a_failure_come_ever_later_but_leave_time_for_more(
    failures: int, left_s: float, interval_s: float, seed: int
) -> None:
    wait_s = Schedule(interval_s).retry_wait_s(failures, validity(left_s), random.Random(seed))
    assert 0 < wait_s <= 3600 * 1.1
    assert wait_s <= max(1.0, left_s / 10) * 1.1
    assert wait_s <= max(interval_s, 1.0) * 1.1


def test_the_wait_after_a_failure_doubles() -> None:
    schedule, long = Schedule(), validity(300 * DAY_S)
    waits = [schedule.retry_wait_s(n, long, random.Random(7)) for n in range(1, 9)]
    assert [round(wait / waits[0]) for wait in waits[:6]] == [1, 2, 4, 8, 16, 32]
    assert waits[7] == pytest.approx(3600, rel=0.1)
