"""GCRA: the bucket by itself, against an exact model in the property tests."""

import pytest

from caxton_node.resilience.rate_limit import UNLIMITED, Allowance, Bucket

pytestmark = pytest.mark.story("030")


def admitted(bucket: Bucket, now: float, tries: int) -> int:
    """Knock so often at one instant; return how often the door was opened."""
    count = 0
    for _ in range(tries):
        if not bucket.wait_s(now):
            bucket.take(now)
            count += 1
    return count


def written(bucket: Bucket, now: float) -> dict[str, str]:
    """Return what answers say."""
    headers: dict[str, str] = {}
    bucket.write_headers(headers, now)
    return headers


def test_after_a_rest_the_burst_may_come_at_once_and_not_one_more():
    bucket = Bucket(Allowance(10, 60.0, 20))
    assert admitted(bucket, 1_000_000.0, 50) == 20


def test_a_refused_call_says_when_to_come_again_and_then_is_let_in():
    bucket = Bucket(Allowance(10, 60.0, 3))
    admitted(bucket, 0.0, 3)
    wait_s = bucket.wait_s(1.0)
    assert wait_s == pytest.approx(5.0, abs=0.1)
    assert bucket.wait_s(1.0 + wait_s) == 0


def test_knocking_all_the_time_costs_nothing():
    patient, eager = Bucket(Allowance(10, 1.0, 1)), Bucket(Allowance(10, 1.0, 1))
    counts = [0, 0]
    for tick in range(1000):
        now = tick / 100
        counts[1] += admitted(eager, now, 7)
        if tick % 10 == 0:
            counts[0] += admitted(patient, now, 1)
    assert counts[1] == counts[0] == 100


def test_headers_say_what_is_left_and_when_all_is_back():
    bucket = Bucket(Allowance(60, 60.0, 10))
    admitted(bucket, 50.0, 4)
    assert written(bucket, 50.0) == {
        "X-RateLimit-Limit": "10",
        "X-RateLimit-Remaining": "6",
        "X-RateLimit-Reset": "4",
    }
    assert written(bucket, 60.0)["X-RateLimit-Remaining"] == "10"
    assert written(bucket, 60.0)["X-RateLimit-Reset"] == "0"


@pytest.mark.parametrize("now", [0.0, 1e6, 1e8])
def test_rounding_costs_nothing_however_long_the_machine_has_run(now):
    bucket = Bucket(Allowance(10_000, 1.0, 1))
    count = sum(admitted(bucket, now + tick * 1e-4, 1) for tick in range(5_000))
    assert count >= 4_950  # at 1e8 s, three years, a double tells instants 15 ns apart


def test_an_allowance_can_be_read_by_people():
    assert str(Allowance(10, 60.0, 20)) == "10 calls per minute, 20 at once"
    assert not UNLIMITED.limits
