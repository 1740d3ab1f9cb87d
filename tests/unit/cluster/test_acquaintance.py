"""What is remembered of members, and how much gossip there is."""

from __future__ import annotations

import pytest

from caxton_node.cluster.acquaintance import ACQUAINTED_MAX, WAVERED_S, Acquaintances
from caxton_node.cluster.traffic import WINDOW_S, Rates, Sample, Traffic

pytestmark = pytest.mark.story("018")


def note(known, node, change, now=0.0, accusers=()):
    known.note(node, change, accusers=accusers, unix_ms=round(now * 1000), now=now)


def test_since_when_a_member_is_as_it_is_and_who_accused_it_last():
    known = Acquaintances()
    note(known, "b", "joined", 1.0)
    note(known, "b", "suspected", 2.0, ("a", "c"))
    note(known, "b", "refuted", 3.0)
    found = known.find("b")
    assert (found.since_unix_ms, found.last_change, found.accusers) == (3000, "refuted", ("a", "c"))
    assert known.find("nobody") is None


def test_suspicions_of_the_last_hour_are_counted():
    known = Acquaintances()
    for at in (0.0, 10.0, WAVERED_S):
        note(known, "b", "suspected", at)
    assert known.find("b").flaps(WAVERED_S) == 3
    assert known.find("b").flaps(WAVERED_S + 5) == 2


def test_whoever_changed_longest_ago_is_forgotten_first():
    known = Acquaintances()
    for number in range(ACQUAINTED_MAX + 1):
        note(known, f"n{number}", "joined")
    assert known.find("n0") is None
    assert known.find("n1") is not None


def test_rates_are_those_of_the_last_minute():
    traffic = Traffic()
    assert traffic.rates() == Rates()
    traffic.add(Sample(0.0))
    assert traffic.rates() == Rates()
    traffic.add(Sample(10.0, 1000, 2000, 1))
    assert traffic.rates() == Rates(100.0, 200.0, 6.0)
    for second in range(11, 200):
        traffic.add(Sample(float(second), 1000 + second, 2000, 1))
    assert traffic.rates().bytes_in_per_s == pytest.approx(1.0)
    assert traffic.rates().bytes_out_per_s == 0.0
    assert len(traffic._samples) <= WINDOW_S + 2
