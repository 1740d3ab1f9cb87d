"""How a deployment looks as a whole, from what the registry knows."""

import pytest

from caxton_node.deployment.placement import Placement
from caxton_node.deployment.reports import ReplicaState, Report, is_replica
from caxton_node.deployment.spec import EVERYWHERE
from caxton_node.deployment.status import Phase, status_of
from caxton_node.registry import InstanceRecord
from tests.support.deployments import spec_of

pytestmark = pytest.mark.story("026")

SPEC = spec_of(replicas=2, generation=3)
PLACEMENT = Placement(("n1", "n2"), order=("n1", "n2", "n3"))
RUNS = Report("running", 3)


def instance(node, state="Running"):
    return InstanceRecord("default/web", "1.0.0", 1, node, state)


def look(reports, *instances, spec=SPEC, placement=PLACEMENT, alive=("n1", "n2", "n3")):
    return status_of(spec, placement, reports, instances, alive=alive)


def test_it_runs_when_all_have_the_generation_that_is_wanted():
    status = look({"n1": RUNS, "n2": RUNS}, instance("n1"), instance("n2"))
    assert (status.phase, status.wanted, status.running) == (Phase.RUNNING, 2, 2)
    assert [replica.instance for replica in status.replicas] == [
        "default/web#1.0.0.1@n1",
        "default/web#1.0.0.1@n2",
    ]


@pytest.mark.parametrize(
    "other", [Report("starting", 0), Report("running", 2, "n1 takes generation 3 first")]
)
def test_it_is_on_its_way_until_the_last_one_has(other):
    status = look({"n1": RUNS, "n2": other}, instance("n1"), instance("n2"))
    assert status.phase is Phase.DEPLOYING
    assert status.replicas[1].reason == other.reason


def test_it_has_failed_when_one_says_so_or_too_few_fit():
    failed = look({"n1": Report("failed", 2, "it traps"), "n2": RUNS}, instance("n1"), instance("n2"))
    assert failed.phase is Phase.FAILED
    short = look(
        {"n1": RUNS}, instance("n1"), placement=Placement(("n1",), order=("n1", "n2"), unfit={"n2": "x"})
    )
    assert (short.phase, short.shortage) == (Phase.FAILED, "2 are wanted and 1 of 2 nodes fit")


def test_everywhere_means_all_that_fit():
    spec = spec_of(replicas=EVERYWHERE, generation=3)
    status = look({"n1": RUNS, "n2": RUNS}, instance("n1"), instance("n2"), spec=spec)
    assert (status.phase, status.wanted) == (Phase.RUNNING, 2)


def test_substitutes_and_those_who_say_nothing_are_shown():
    stands_in = Report("standing-in", 3, "until n2 runs it")
    status = look({"n1": RUNS, "n3": stands_in}, instance("n1"), instance("n3"))
    second, third = status.replicas[1:]
    assert (second.state, second.reason) == (ReplicaState.WAITING, "it has not said anything yet")
    assert (third.node, third.state, third.is_placed) == ("n3", ReplicaState.STANDING_IN, False)


def test_what_a_dead_node_said_is_old():
    status = look({"n1": RUNS, "n2": RUNS}, instance("n1"), alive=("n1", "n3"))
    assert status.replicas[1].reason == "it is away, and may only be restarting"
    assert status.phase is Phase.DEPLOYING


def test_a_word_of_a_later_version_is_no_error():
    assert look({"n1": Report("dancing", 3)}).replicas[0].state is ReplicaState.WAITING


def test_an_agent_of_the_name_that_somebody_deployed_by_hand_is_no_replica():
    refusal = Report("refused", 3, "an agent of this name was deployed there by hand")
    status = look({"n1": RUNS, "n2": RUNS, "n3": refusal}, *map(instance, ("n1", "n2", "n3")))
    assert status.running == 2
    for said in (refusal, Report("waiting", 3), None):
        assert not is_replica(instance("n3"), said)
    for state in ("running", "standing-in", "updating", "failed"):
        assert is_replica(instance("n3"), Report(state, 3))
