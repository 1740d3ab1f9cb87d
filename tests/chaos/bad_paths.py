"""Paths that carry one thing and swallow another: messages find the way that is left, and none is lost."""

from __future__ import annotations

import time

import pytest

from tests.chaos.diary import DIED
from tests.chaos.network import one_way
from tests.chaos.talk import resume_s, talk
from tests.support.rough_line import PERFECT, Kind

pytestmark = pytest.mark.story("019")

PAIR = ("n1", "n2")
NO_QUIC, NO_TCP = frozenset({Kind.QUIC}), frozenset({Kind.TCP})
RESUME_S = 30.0
SILENCE_S = 15.0
"""What it may take until a link is given up that has fallen silent, and another one is made."""
CALM_S = 5.0


def block(cluster, kinds, *directions):
    """Let these directions between the two swallow these kinds, both if none is named; return when."""
    for source, target in directions or (PAIR, PAIR[::-1]):
        cluster.network.change_line(source, target, PERFECT.blocking(kinds))
    return time.monotonic()


def check_no_deaths(cluster, since_s):
    cluster.check_whole()
    assert cluster.diary.find(DIED, since_s=since_s) == []


def test_messages_go_over_tcp_while_quic_is_swallowed_and_over_quic_while_tcp_is(three, figures):
    began_s = time.time()
    with talk(three, figures, *PAIR) as ways:
        for what, kinds in (("QUIC", NO_QUIC), ("TCP", NO_TCP), ("QUIC again", NO_QUIC)):
            at_s = block(three, kinds)
            slowest_s = max(resume_s(way, at_s, RESUME_S) for way in ways)
            figures.note(f"{what} swallowed until messages come", slowest_s, "s", limit=SILENCE_S)
            three.hold(time.time() + CALM_S)
        block(three, frozenset())
    check_no_deaths(three, began_s)


def test_messages_arrive_both_ways_when_quic_is_swallowed_one_way_only(three, figures):
    began_s = time.time()
    with talk(three, figures, *PAIR) as ways:
        at_s = block(three, NO_QUIC, PAIR)
        slowest_s = max(resume_s(way, at_s, RESUME_S) for way in ways)
        figures.note("QUIC swallowed one way until messages come both ways", slowest_s, "s", limit=SILENCE_S)
        three.hold(time.time() + CALM_S)
        block(three, frozenset())
    check_no_deaths(three, began_s)


def test_what_is_said_while_one_way_is_cut_arrives_when_it_is_not(three, figures):
    began_s = time.time()
    with talk(three, figures, *PAIR) as ways:
        three.cut(one_way(["n1"], ["n2"]))
        three.hold(time.time() + 12)
        three.heal()
        healed_s = time.monotonic()
        slowest_s = max(resume_s(way, healed_s, RESUME_S) for way in ways)
        figures.note("one-way cut mended until messages come both ways", slowest_s, "s", limit=SILENCE_S)
    check_no_deaths(three, began_s)
