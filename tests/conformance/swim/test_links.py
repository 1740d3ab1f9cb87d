"""Group B, scenario 34: a member that answers over its link only is alive, and that is reported."""

from __future__ import annotations

import pytest

from swim.effects import Effect, PingLink
from swim.events import DatagramsBlocked
from swim.messages import Ack, Nack
from swim.settings import Settings
from swim.timers import ProbePeriod
from tests.conformance.swim.scenes import (
    ROUNDING_S,
    ask_helpers,
    begin_probe,
    settled,
    suspects,
)
from tests.support.swim_pair import events

pytestmark = pytest.mark.story("018")


def link_questions(effects: list[Effect]) -> list[PingLink]:
    return [effect for effect in effects if isinstance(effect, PingLink)]


@pytest.mark.scenario(34)
def test_an_answer_over_a_link_saves_the_member_and_is_reported_once_a_minute() -> None:
    stage, others = settled(1)
    reported, rescues = [], 70
    begin_probe(stage, others)
    for _ in range(rescues):
        [question] = link_questions(stage.run_for(0.5 + ROUNDING_S))
        stage.membership.handle_link_answer(question.node_id, question.sequence, stage.now)
        reported += events(stage.run_until(ProbePeriod))
    member = stage.membership.find("peer-1")
    assert member is not None
    assert reported == [DatagramsBlocked(member)] * 2
    assert stage.membership.statistics.link_rescues == rescues
    assert suspects(stage) == []


@pytest.mark.scenario(34)
def test_an_answer_over_a_link_after_the_probe_was_judged_is_too_late() -> None:
    stage, others = settled(1)
    begin_probe(stage, others)
    began_at = stage.now
    [question] = link_questions(stage.run_for(0.9))
    stage.run_until(ProbePeriod)
    assert stage.now == pytest.approx(began_at + 1.0), "a link lengthens no probe"
    stage.membership.handle_link_answer(question.node_id, question.sequence, stage.now)
    assert suspects(stage) == ["peer-1"]


@pytest.mark.scenario(27, 34)
def test_an_answer_over_a_link_counts_for_its_own_probe_and_from_its_target_only() -> None:
    stage, others = settled(2)
    target, old = begin_probe(stage, others)
    [helper] = ask_helpers(stage, others)
    stage.hear(helper)
    same, new = begin_probe(stage, others)
    assert same is target, "nobody bears witness: it is probed again"
    ask_helpers(stage, others)
    stage.membership.handle_link_answer(target.node_id, old.sequence, stage.now)
    stage.membership.handle_link_answer(helper.node_id, new.sequence, stage.now)
    stage.hear(helper, Nack(new.sequence))
    stage.run_until(ProbePeriod)
    assert suspects(stage) == [target.node_id]


@pytest.mark.scenario(34)
@pytest.mark.parametrize(
    ("settings", "asked"),
    [
        (Settings(), ["peer-1", "peer-2"]),
        (Settings(link_probe=False), []),
        (Settings(link_probe_without=frozenset({"peer-1"})), ["peer-2"]),
    ],
)
def test_links_are_asked_unless_that_is_switched_off_for_all_or_for_one(
    settings: Settings, asked: list[str]
) -> None:
    stage, others = settled(2, settings)
    questions = set()
    for _ in range(2):
        target, ping = begin_probe(stage, others)
        questions |= {each.node_id for each in link_questions(stage.run_for(0.6))}
        stage.hear(target, Ack(ping.sequence, stage.membership.digest))
    assert sorted(questions) == asked


@pytest.mark.scenario(34)
def test_datagrams_that_do_come_need_no_link() -> None:
    stage, others = settled(3)
    stage.let_answer(*others)
    assert link_questions(stage.run_for(10.0)) == []
