"""What a node does about a deployment: one test for each line of the table at the top of `decide.py`."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caxton_node.agents.lifecycle import State
from caxton_node.agents.store import Tie
from caxton_node.deployment.decide import (
    MINORITY,
    Deploy,
    Keep,
    Nothing,
    Outlook,
    Refuse,
    Remove,
    Rest,
    Start,
    Update,
    Wait,
    decide,
)
from caxton_node.deployment.placement import Placement
from caxton_node.deployment.spec import Consistency
from tests.support.deployments import agent_of, spec_of

pytestmark = pytest.mark.story("026")

SPEC = spec_of(replicas=2, generation=2)
CONSISTENT = replace(SPEC, consistency=Consistency.CONSISTENT)
ORDER = ("n1", "n2", "n3", "n4")


def seen_from(me, *running, chosen=("n1", "n2"), **more):
    placement = Placement(chosen, order=ORDER)
    return Outlook(me, placement, running=frozenset(running), **more)


def test_it_is_deployed_where_it_falls_and_nowhere_else():
    assert decide(SPEC, None, seen_from("n1")) == Deploy()
    assert decide(SPEC, None, seen_from("n3")) == Nothing()


def test_what_runs_as_it_should_is_kept():
    assert decide(SPEC, agent_of(SPEC), seen_from("n2", "n2")) == Keep()


@pytest.mark.parametrize("state", [State.STOPPED, State.LOADED])
def test_what_does_not_run_is_started(state):
    assert decide(SPEC, agent_of(SPEC, state), seen_from("n1")) == Start()


def test_what_has_failed_is_left_to_its_supervisor_until_that_gives_up():
    assert isinstance(decide(SPEC, agent_of(SPEC, State.FAILED), seen_from("n1")), Wait)
    assert decide(SPEC, agent_of(SPEC, State.FAILED, verdict="too often"), seen_from("n1")) == Start()


def test_an_agent_deployed_by_hand_is_left_alone_and_the_replica_goes_elsewhere():
    by_hand = agent_of(SPEC, tie=Tie.NONE)
    assert isinstance(decide(SPEC, by_hand, seen_from("n1")), Refuse)
    assert decide(SPEC, by_hand, seen_from("n3")) == Nothing()
    assert decide(None, by_hand, seen_from("n1")) == Nothing()


def test_a_deleted_deployment_takes_its_replicas_along():
    assert isinstance(decide(None, agent_of(SPEC), seen_from("n1", "n1")), Remove)
    assert decide(None, None, seen_from("n1")) == Nothing()


def test_who_gives_way_waits_for_who_takes_over():
    local = agent_of(SPEC)
    assert decide(SPEC, local, seen_from("n3", "n2", "n3")) == Keep(until="until n1 runs it")
    assert isinstance(decide(SPEC, local, seen_from("n3", "n1", "n2", "n3")), Remove)


def test_of_two_substitutes_for_one_missing_the_best_placed_stays():
    local = agent_of(SPEC)
    running = ("n2", "n3", "n4")
    assert isinstance(decide(SPEC, local, seen_from("n3", *running)), Keep)
    assert isinstance(decide(SPEC, local, seen_from("n4", *running)), Remove)


def test_a_substitute_that_does_not_run_is_no_substitute():
    assert isinstance(decide(SPEC, agent_of(SPEC, State.STOPPED), seen_from("n3", "n2")), Remove)


def test_a_consistent_one_rests_without_the_majority_and_starts_again_with_it():
    cut_off = seen_from("n1", "n1", is_majority=False)
    assert decide(CONSISTENT, agent_of(CONSISTENT), cut_off) == Rest(MINORITY)
    assert decide(CONSISTENT, agent_of(CONSISTENT, State.STOPPED), cut_off) == Wait(MINORITY)
    assert decide(CONSISTENT, None, cut_off) == Wait(MINORITY)
    assert decide(CONSISTENT, agent_of(CONSISTENT, State.STOPPED), seen_from("n1")) == Start()


def test_a_consistent_one_that_may_be_restarted_by_its_supervisor_is_removed_without_the_majority():
    failed = agent_of(CONSISTENT, State.FAILED)
    assert decide(CONSISTENT, failed, seen_from("n1", is_majority=False)) == Remove(MINORITY)


def test_an_available_one_does_not_care_about_sides():
    cut_off = seen_from("n1", "n1", is_majority=False)
    assert decide(SPEC, agent_of(SPEC), cut_off) == Keep()
    assert decide(SPEC, None, cut_off) == Deploy()


def test_a_change_reaches_a_node_when_those_before_it_have_taken_it():
    old = agent_of(spec_of(version="0.9.0"))
    assert decide(SPEC, old, seen_from("n1", "n1", "n2")) == Update()
    first_is_old = seen_from("n2", "n1", "n2", generations={"n1": 1})
    assert decide(SPEC, old, first_is_old) == Wait("n1 takes generation 2 first")
    assert decide(SPEC, old, seen_from("n2", "n1", "n2", generations={"n1": 2})) == Update()


def test_a_change_does_not_wait_for_a_node_that_runs_nothing():
    old = agent_of(spec_of(version="0.9.0"))
    assert decide(SPEC, old, seen_from("n2", "n2")) == Update()


def test_another_module_config_or_consistency_is_a_change_and_another_number_is_none():
    for other in (replace(SPEC, module_sha256="cd" * 32), CONSISTENT):
        assert decide(other, agent_of(SPEC), seen_from("n1", "n1")) == Update()
    assert decide(replace(SPEC, replicas=3, generation=9), agent_of(SPEC), seen_from("n1", "n1")) == Keep()


def test_one_that_still_drains_is_waited_for():
    assert isinstance(decide(SPEC, agent_of(SPEC, State.DRAINING), seen_from("n1")), Wait)
    assert isinstance(decide(SPEC, agent_of(SPEC, State.DRAINING), seen_from("n3")), Wait)


def test_a_refusal_for_an_agent_by_hand_stays_as_long_as_that_is_there():
    by_hand = agent_of(SPEC, tie=Tie.NONE)
    elsewhere = seen_from("n1", chosen=("n2", "n3"), refuses=True)
    assert isinstance(decide(SPEC, by_hand, elsewhere), Refuse)
    assert decide(SPEC, None, elsewhere) == Nothing()


def test_a_node_that_alone_knows_of_no_deployment_does_not_destroy_its_replica():
    assert isinstance(decide(None, agent_of(SPEC), seen_from("n1", "n1", is_gone=False)), Wait)
    assert decide(None, None, seen_from("n1", is_gone=False)) == Nothing()
