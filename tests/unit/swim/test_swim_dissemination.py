"""What goes into the next datagram."""

from __future__ import annotations

from dataclasses import replace

import pytest

from swim.dissemination import Dissemination, RumourQueue, retransmit_limit
from swim.settings import Settings

pytestmark = pytest.mark.story("018")


def taken(queue: RumourQueue, room: int, limit: int) -> list[bytes]:
    return list(queue.take(room, limit).values())


@pytest.mark.scenario(48)
@pytest.mark.parametrize(("live", "limit"), [(1, 5), (2, 6), (10, 7), (100, 9), (1000, 11)])
def test_rumours_are_told_oftener_in_larger_clusters(live: int, limit: int) -> None:
    assert retransmit_limit(live, 4) == limit


@pytest.mark.scenario(48)
def test_a_rumour_is_told_exactly_so_often() -> None:
    queue = RumourQueue()
    queue.put("a", b"x")
    assert [taken(queue, 100, 3) for _ in range(4)] == [[b"x"], [b"x"], [b"x"], []]
    assert len(queue) == 0


@pytest.mark.scenario(49)
def test_the_least_told_goes_first_then_the_oldest() -> None:
    queue = RumourQueue()
    queue.put("a", b"aa")
    queue.take(2, 5)
    queue.put("b", b"bb")
    queue.put("c", b"cc")
    assert taken(queue, 4, 5) == [b"bb", b"cc"]
    assert taken(queue, 4, 5) == [b"aa", b"bb"]


@pytest.mark.scenario(49)
def test_a_newer_rumour_takes_the_place_of_the_older_about_the_same_subject() -> None:
    queue = RumourQueue()
    queue.put("a", b"old")
    queue.put("a", b"newer")
    assert len(queue) == 1
    assert taken(queue, 100, 9) == [b"newer"]


@pytest.mark.scenario(50)
def test_a_rumour_that_does_not_fit_does_not_block_smaller_ones() -> None:
    queue = RumourQueue()
    queue.put("big", b"x" * 50)
    queue.put("small", b"y")
    assert taken(queue, 10, 9) == [b"y"]
    assert queue.head_bytes() == 50


@pytest.mark.scenario(55)
def test_the_most_told_is_known_and_untold_ones_are_not_offered() -> None:
    queue = RumourQueue()
    queue.put("a", b"a")
    assert queue.most_told() is None
    queue.take(1, 9)
    queue.put("b", b"b")
    assert queue.most_told() == "a"


@pytest.mark.scenario(52)
def test_broadcasts_use_what_membership_leaves() -> None:
    waiting = Dissemination(Settings.lan())
    waiting.claims.put("a", b"c" * 100)
    waiting.topics.put("t", b"t" * 900)
    assert waiting.fill(1300, 10) == [b"c" * 100, b"t" * 900]


@pytest.mark.scenario(52)
def test_a_storm_of_claims_cannot_starve_a_broadcast() -> None:
    waiting = Dissemination(Settings.lan())
    for number in range(500):
        waiting.claims.put(number, b"%090d" % number)
    waiting.topics.put("t", b"t" * 900)
    datagrams = [waiting.fill(1300, 500) for _ in range(4)]
    assert sum(b"t" * 900 in parts for parts in datagrams) == 1
    assert all(sum(map(len, parts)) <= 1300 for parts in datagrams)


@pytest.mark.scenario(52)
def test_a_storm_of_broadcasts_cannot_starve_claims() -> None:
    waiting = Dissemination(replace(Settings.lan(), topic_share=0.5))
    for number in range(50):
        waiting.topics.put(number, b"%0600d" % number)
    waiting.claims.put("a", b"refute")
    assert b"refute" in waiting.fill(1300, 500)


def test_credit_is_not_saved_up_while_no_broadcast_waits() -> None:
    waiting = Dissemination(Settings.lan())
    for number in range(100):
        waiting.claims.put(number, b"%090d" % number)
    for _ in range(10):
        waiting.fill(1300, 10)
    waiting.topics.put("t", b"t" * 900)
    assert b"t" * 900 not in waiting.fill(1300, 10)


def test_nothing_waiting_fills_nothing() -> None:
    assert Dissemination(Settings.lan()).fill(1300, 10) == []
