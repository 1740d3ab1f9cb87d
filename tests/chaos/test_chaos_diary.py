"""The diary of the scenarios, without a daemon: what it answers about what was seen."""

from __future__ import annotations

import json

import pytest

from tests.chaos.diary import ALIVE, DIED, Diary, Entry
from tests.chaos.figures import Figures
from tests.chaos.network import between, one_way

pytestmark = pytest.mark.story("018")


def event(change, state, node="n2", at_ms=1_500):
    return {"change": change, "member": {"node_id": node, "state": state}, "at_unix_ms": at_ms, "dropped": 0}


def diary_of(*rows):
    return Diary(
        [Entry(observer, subject, change, state, at_s) for at_s, observer, subject, change, state in rows]
    )


SPLIT_AND_HEALED = diary_of(
    (0.0, "n1", "n1", "present", "alive"),
    (0.0, "n1", "n2", "present", "alive"),
    (0.0, "n2", "n1", "present", "alive"),
    (0.0, "n2", "n2", "present", "alive"),
    (10.0, "n1", "n2", "died", "failed"),
    (12.0, "n2", "n1", "died", "failed"),
    (21.0, "n2", "n1", "joined", "alive"),
    (23.0, "n1", "n2", "joined", "alive"),
    (30.0, "n1", "n2", "suspected", "suspect"),
)
PAIR = ("n1", "n2")


def test_an_event_is_read_as_the_command_line_prints_it():
    assert Entry.of("n1", event("joined", "alive")) == Entry("n1", "n2", "joined", "alive", 1.5)


def test_a_death_counts_as_one_even_if_the_member_lives_again_when_it_is_told():
    assert Entry.of("n1", event("died", "alive")).state == "failed"


def test_the_view_of_a_node_is_what_it_said_last_of_each_member():
    assert SPLIT_AND_HEALED.view("n1") == {"n1": "alive", "n2": "suspect"}
    assert SPLIT_AND_HEALED.view("n3") == {}


def test_deaths_are_found_from_an_instant_on_and_before_another():
    assert [one.subject for one in SPLIT_AND_HEALED.find(DIED, since_s=0.0)] == ["n2", "n1"]
    assert [one.subject for one in SPLIT_AND_HEALED.find(DIED, since_s=10.0, before_s=12.0)] == ["n2"]
    assert SPLIT_AND_HEALED.find(DIED, since_s=12.5) == []


def test_agreement_begins_with_the_last_news_that_it_needs_even_if_it_ends_later():
    assert SPLIT_AND_HEALED.agreed_at(PAIR, PAIR, ALIVE, since_s=20.0) == 23.0
    assert SPLIT_AND_HEALED.agreed_at(["n1"], ["n2"], "failed", since_s=5.0) == 10.0


def test_agreement_that_is_there_already_begins_at_once():
    assert SPLIT_AND_HEALED.agreed_at(PAIR, PAIR, ALIVE, since_s=5.0) == 5.0


def test_agreement_that_never_comes_has_no_instant():
    assert SPLIT_AND_HEALED.agreed_at(PAIR, PAIR, "failed", since_s=22.0) is None
    assert SPLIT_AND_HEALED.agreed_at(["n3"], PAIR, ALIVE, since_s=0.0) is None


def test_two_sides_are_cut_both_ways_and_nobody_from_himself():
    assert between(["a"], ["b", "c"]) == {("a", "b"), ("a", "c"), ("b", "a"), ("c", "a")}
    assert one_way(["a", "b"], ["b"]) == {("a", "b")}


def test_a_figure_beyond_its_limit_fails_and_is_told_all_the_same():
    figures = Figures(scenario="a split heals")
    figures.note("heal", 3.456, "s", limit=15)
    with pytest.raises(AssertionError, match="deaths: 1 events, at most 0 are allowed"):
        figures.note("deaths", 1, "events", limit=0)
    title, heal, deaths = figures.table()
    assert title == "a split heals"
    assert heal.split() == ["heal", "3.46", "s", "(at", "most", "15)"]
    assert deaths.split()[:3] == ["deaths", "1", "events"]
    assert [json.loads(line)["value"] for line in figures.json_lines()] == [3.46, 1]
