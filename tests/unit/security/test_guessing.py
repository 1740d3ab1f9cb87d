"""Who guesses waits, longer and longer; nobody else does, and time forgives."""

from __future__ import annotations

import pytest

from caxton_node.security import guessing
from caxton_node.security.guessing import HALF_LIFE_S, WAIT_S_MAX, Guesses, network_of

pytestmark = pytest.mark.story("023")


def test_the_first_failures_cost_nothing() -> None:
    guesses = Guesses(free=3)
    assert [guesses.note_failure("10.0.0.1", 0.0) for _ in range(3)] == [1, 2, 3]
    assert guesses.wait_s("10.0.0.1", 0.0) == 0


def test_each_further_failure_doubles_the_wait_up_to_a_minute() -> None:
    guesses, waits = Guesses(free=0), []
    for _ in range(9):
        guesses.note_failure("10.0.0.1", 0.0)
        waits.append(guesses.wait_s("10.0.0.1", 0.0))
    assert waits == [2, 4, 8, 16, 32, 60, 60, 60, 60]
    assert guesses.wait_s("10.0.0.1", 59.0) == pytest.approx(1.0)
    assert guesses.wait_s("10.0.0.1", 60.0) == 0


def test_another_source_does_not_wait() -> None:
    guesses = Guesses(free=0)
    for _ in range(20):
        guesses.note_failure("10.0.0.1", 0.0)
    assert guesses.wait_s("10.0.0.2", 0.0) == 0


def test_time_forgives() -> None:
    guesses = Guesses(free=4)
    for _ in range(8):
        guesses.note_failure("10.0.0.1", 0.0)
    later = 10 * HALF_LIFE_S
    guesses.note_failure("10.0.0.1", later)
    assert guesses.wait_s("10.0.0.1", later) == 0


def test_a_very_long_attack_does_not_overflow() -> None:
    guesses = Guesses(free=1)
    for turn in range(5000):
        guesses.note_failure("10.0.0.1", turn * 0.01)
    assert guesses.wait_s("10.0.0.1", 50.0) <= WAIT_S_MAX


def test_the_table_is_bounded_and_forgets_who_failed_longest_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guessing, "SOURCES_MAX", 3)
    guesses = Guesses(free=0)
    for number in range(5):
        guesses.note_failure(f"10.0.0.{number}", 0.0)
    assert len(guesses) == 3
    assert guesses.wait_s("10.0.0.0", 0.0) == 0
    assert guesses.wait_s("10.0.0.4", 0.0) > 0


@pytest.mark.parametrize(
    ("source", "network"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("ipv4:127.0.0.1", "127.0.0.1"),
        ("::ffff:10.0.0.1", "10.0.0.1"),
        ("2001:db8:1:2:3:4:5:6", "20010db800010002/64"),
        ("ipv6:%5B2001:db8:1:2::9%5D", "20010db800010002/64"),
        ("ipv6:[2001:db8:1:2::9]", "20010db800010002/64"),
        ("fe80::1%eth0", "fe80000000000000/64"),
        ("socket", "socket"),
        ("", ""),
    ],
)
def test_a_caller_is_counted_by_the_addresses_that_it_can_choose_from(source: str, network: str) -> None:
    assert network_of(source) == network
