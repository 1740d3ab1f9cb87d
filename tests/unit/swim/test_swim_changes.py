"""Which events a change of one record means."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest

from swim.changes import events_between
from swim.events import MemberDied, MemberEvent, MemberJoined, MemberLeft, MemberSuspected, MemberUpdated
from swim.events import MemberRefuted as Refuted
from swim.member import Member, MemberState

pytestmark = pytest.mark.story("018")

ALIVE, SUSPECT, DEAD, LEFT = MemberState
BASE = Member("bob", ("10.0.0.1", 7946), ALIVE, 0, 1, b"", 0, b"bob-key.")

TABLE: dict[tuple[MemberState, MemberState], list[type[MemberEvent]]] = {
    (ALIVE, SUSPECT): [MemberSuspected],
    (ALIVE, DEAD): [MemberDied],
    (ALIVE, LEFT): [MemberLeft],
    (SUSPECT, ALIVE): [Refuted],
    (SUSPECT, DEAD): [MemberDied],
    (SUSPECT, LEFT): [MemberLeft],
    (DEAD, ALIVE): [MemberJoined],
    (DEAD, SUSPECT): [MemberJoined, MemberSuspected],
    (LEFT, ALIVE): [MemberJoined],
    (LEFT, SUSPECT): [MemberJoined, MemberSuspected],
}


@pytest.mark.scenario(107)
@pytest.mark.parametrize(("before", "after"), list(itertools.product(MemberState, repeat=2)))
def test_every_change_of_state(before: MemberState, after: MemberState) -> None:
    events = events_between(replace(BASE, state=before), replace(BASE, state=after))
    assert [type(event) for event in events] == TABLE.get((before, after), [])


@pytest.mark.scenario(107)
@pytest.mark.parametrize(("state", "kinds"), [(ALIVE, [MemberJoined]), (DEAD, [])])
def test_the_first_record(state: MemberState, kinds: list[type[MemberEvent]]) -> None:
    assert [type(event) for event in events_between(None, replace(BASE, state=state))] == kinds


@pytest.mark.scenario(107)
def test_a_new_profile_is_an_update_after_what_happened_to_the_member() -> None:
    after = replace(BASE, revision=1)
    assert events_between(BASE, after) == [MemberUpdated(after)]
    assert events_between(replace(BASE, state=SUSPECT), after) == [Refuted(after), MemberUpdated(after)]
    assert events_between(replace(BASE, state=DEAD), replace(after, state=DEAD)) == []


@pytest.mark.scenario(107)
def test_a_restart_that_nobody_noticed_is_a_death_and_a_join() -> None:
    after = replace(BASE, epoch=2)
    assert events_between(BASE, after) == [MemberDied(replace(BASE, state=DEAD)), MemberJoined(after)]
