"""Group C: a node that gets no answers doubts itself first."""

from __future__ import annotations

import pytest

from swim.effects import Effect, Schedule
from swim.messages import Nack, Suspect
from swim.timers import ProbePeriod
from tests.conformance.swim.scenes import (
    ACCUSER,
    Stage,
    answer_probe,
    ask_helpers,
    begin_probe,
    fail_probe,
    settled,
    suspects,
)
from tests.support.swim_pair import Peer

pytestmark = pytest.mark.story("018")


def make_unwell(stage: Stage, peer: Peer, score: int) -> None:
    """Raise the score by accusations of this node."""
    for incarnation in range(score):
        stage.hear(peer, Suspect(stage.key, 5, incarnation, ACCUSER))
    assert stage.membership.health == score


def period_s(effects: list[Effect]) -> float:
    """Return how long the probe that has begun is given."""
    [after_s] = [
        effect.after_s
        for effect in effects
        if isinstance(effect, Schedule) and isinstance(effect.timer, ProbePeriod)
    ]
    return after_s


@pytest.mark.scenario(38)
def test_an_unwell_node_takes_its_time_and_nacks_leave_its_score_as_it_is() -> None:
    stage, others = settled(8)
    make_unwell(stage, others[0], 2)
    target, ping = begin_probe(stage, others)
    began_at = stage.now
    for helper in ask_helpers(stage, others):
        stage.hear(helper, Nack(ping.sequence))
    effects = stage.run_until(ProbePeriod)
    assert stage.now - began_at == pytest.approx(3.0)
    assert period_s(effects) == pytest.approx(3.0)
    assert stage.membership.health == 2
    assert suspects(stage) == [target.node_id]


@pytest.mark.scenario(39)
@pytest.mark.parametrize(("nacks", "score"), [(4, 0), (3, 1), (2, 2), (1, 2), (0, 2)])
def test_each_helper_that_stays_silent_raises_the_score_by_one(nacks: int, score: int) -> None:
    """At most two for one probe, or the small side of a split takes itself for unwell and gives nobody up."""
    stage, others = settled(8)
    _, ping = begin_probe(stage, others)
    helpers = ask_helpers(stage, others)
    for helper in helpers[:nacks]:
        stage.hear(helper, Nack(ping.sequence))
    stage.hear(helpers[-1])  # says something, but not what it was asked
    stage.run_until(ProbePeriod)
    assert stage.membership.health == score


@pytest.mark.scenario(39)
def test_a_probe_during_which_nobody_at_all_was_heard_raises_it_by_one() -> None:
    """Memberlist counts every helper; here one point per probe, for such a node accuses nobody anyway."""
    stage, others = settled(8)
    fail_probe(stage, others, nacks=0)
    assert stage.membership.health == 1
    assert suspects(stage) == []


@pytest.mark.scenario(39)
def test_an_answered_probe_lowers_it_by_one() -> None:
    stage, others = settled(8)
    make_unwell(stage, others[0], 3)
    for score in (3, 2, 1, 0, 0):
        answer_probe(stage, others)  # and judge the one before
        assert stage.membership.health == score


@pytest.mark.scenario(39)
def test_a_refutation_raises_it_by_one_and_an_old_accusation_does_not() -> None:
    stage, others = settled(8)
    for incarnation, score in ((0, 1), (0, 1), (1, 2), (0, 2)):
        stage.hear(others[0], Suspect(stage.key, 5, incarnation, ACCUSER))
        assert stage.membership.health == score


@pytest.mark.scenario(40)
def test_without_anybody_to_help_a_failed_probe_costs_one_point() -> None:
    stage, others = settled(1)
    fail_probe(stage, others, nacks=0)
    assert stage.membership.health == 1
