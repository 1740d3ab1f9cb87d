import pytest

from caxton_node.deployment.module_keeping import Plan, Wanted, plan

pytestmark = pytest.mark.story("026")

A, B = "a" * 64, "b" * 64


def test_whoever_is_to_keep_a_module_and_has_it_not_fetches_it():
    wanted = [Wanted(A, frozenset({"n1", "n2"})), Wanted(B, frozenset({"n2"}))]
    assert plan("n1", wanted, set(), []) == Plan(fetch=frozenset({A}))


def test_a_module_that_no_deployment_needs_is_let_go():
    assert plan("n1", [], {A}, []) == Plan(let_go=frozenset({A}))


def test_the_node_of_the_deployer_keeps_it_until_all_keepers_say_that_they_have_it():
    wanted = [Wanted(A, frozenset({"n2", "n3"}))]
    assert plan("n1", wanted, {A}, [(A, "n2"), (A, "n1")]) == Plan()
    assert plan("n1", wanted, {A}, [(A, "n2"), (A, "n3")]) == Plan(let_go=frozenset({A}))


def test_a_module_that_fits_no_node_at_present_is_not_lost():
    assert plan("n1", [Wanted(A, frozenset())], {A}, []) == Plan()


def test_two_deployments_of_one_module_are_served_by_one_copy():
    wanted = [Wanted(A, frozenset({"n1"})), Wanted(A, frozenset({"n2"}))]
    assert plan("n1", wanted, {A}, [(A, "n2")]) == Plan()
