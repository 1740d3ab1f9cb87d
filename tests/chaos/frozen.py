"""A daemon that stands still and goes on: what it missed is not held against others."""

from __future__ import annotations

import time

import pytest

from tests.chaos.diary import DIED, FAILED, SUSPECTED
from tests.chaos.reunion import check_reunion

pytestmark = pytest.mark.story("018")

OTHERS = ("n1", "n2", "n3", "n4")
ALL = (*OTHERS, "n5")
FREEZE_S, SHORT_FREEZE_S = 60.0, 2.0
GIVE_UP_S = 45.0


def test_a_daemon_that_was_frozen_for_a_minute_comes_back_and_buries_nobody(five, figures):
    lives = five.lives()
    frozen_s = time.time()
    five.nodes["n5"].freeze()
    five.wait_agreed(OTHERS, ["n5"], FAILED, within_s=GIVE_UP_S)
    given_up_s = five.diary.agreed_at(OTHERS, ["n5"], FAILED, since_s=frozen_s)
    figures.note("freeze until all others have given it up", given_up_s - frozen_s, "s")
    five.hold(frozen_s + FREEZE_S)
    assert {one.subject for one in five.diary.find(DIED, since_s=frozen_s)} == {"n5"}
    thawed_s = time.time()
    five.nodes["n5"].thaw()
    check_reunion(five, figures, thawed_s, ALL, what="thaw")
    assert five.lives() == lives


def test_a_daemon_that_was_frozen_for_two_seconds_dies_for_nobody(five, figures):
    lives = five.lives()
    frozen_s = time.time()
    five.nodes["n5"].freeze()
    five.hold(frozen_s + SHORT_FREEZE_S)
    thawed_s = time.time()
    five.nodes["n5"].thaw()
    check_reunion(five, figures, thawed_s, ALL, what="thaw")
    suspicions = five.diary.find(SUSPECTED, since_s=frozen_s, before_s=thawed_s)
    figures.note("suspicions told during the freeze", len(suspicions), "events")
    figures.note(
        "false deaths from the freeze on", len(five.diary.find(DIED, since_s=frozen_s)), "events", limit=0
    )
    assert five.lives() == lives
