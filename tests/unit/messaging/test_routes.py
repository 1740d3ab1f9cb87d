from collections import Counter

import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.messaging import RouteTable, Target
from caxton_node.messaging.routes import choose

pytestmark = pytest.mark.story("002")

KEYS = [f"talk-{n}" for n in range(20_000)]


def target(name: str, weight: int = 1, node: str = "node-1") -> Target:
    return Target(f"{name}#1.1@{node}", node, weight)


def shares(*targets: Target) -> dict[str, float]:
    counts = Counter(chosen.instance[0] for key in KEYS if (chosen := choose(targets, key)))
    return {name: count / len(KEYS) for name, count in counts.items()}


def test_a_name_without_route_leads_nowhere() -> None:
    assert RouteTable().resolve("default/echo", "talk-1") is None


def test_replacing_is_whole_and_an_empty_route_forgets_the_name() -> None:
    routes, changes = RouteTable(), []
    routes.on_change(lambda: changes.append(routes.names()))
    routes.replace("default/echo", [target("a"), target("b")])
    routes.replace("default/alone", [target("c")])
    assert routes.targets("default/echo") == (target("a"), target("b"))
    routes.replace("default/echo", [])
    assert routes.names() == ["default/alone"]
    assert changes == [["default/echo"], ["default/alone", "default/echo"], ["default/alone"]]


def test_a_conversation_sticks_to_its_instance_whatever_the_order_of_the_table() -> None:
    one, two, three = target("a"), target("b"), target("c")
    for key in KEYS[:500]:
        assert choose((one, two, three), key) == choose((three, one, two), key)


def test_equal_weights_share_equally() -> None:
    for share in shares(target("a"), target("b"), target("c"), target("d")).values():
        assert share == pytest.approx(0.25, abs=0.015)


def test_weights_are_shares() -> None:
    found = shares(target("a", 95), target("b", 5))
    assert found["b"] == pytest.approx(0.05, abs=0.008)


def test_weight_zero_takes_nothing_and_alone_leads_nowhere() -> None:
    assert shares(target("a"), target("b", 0)) == {"a": 1.0}
    assert choose((target("b", 0),), "talk-1") is None
    assert choose((target("a", 0), target("b", 0)), "talk-1") is None


def test_taking_an_instance_out_moves_only_its_own_conversations() -> None:
    a, b, c = target("a"), target("b"), target("c")
    for key in KEYS[:2_000]:
        before = choose((a, b, c), key)
        if before != c:
            assert choose((a, b), key) == before


def test_a_larger_weight_moves_conversations_only_towards_it() -> None:
    a, b = target("a", 50), target("b", 50)
    heavier = target("b", 70)
    for key in KEYS[:2_000]:
        before, after = choose((a, b), key), choose((a, heavier), key)
        assert before is not None
        assert after is not None
        if before.instance != after.instance:
            assert after is heavier


def test_a_choice_among_some_is_the_choice_among_all_if_it_was_one_of_them() -> None:
    here, there = [target("a"), target("b")], [target("c", node="node-2"), target("d", node="node-2")]
    for key in KEYS[:500]:
        best = choose((*here, *there), key)
        if best in here:
            assert choose(tuple(here), key) == best


def test_a_negative_weight_is_refused() -> None:
    with pytest.raises(InvalidArgument):
        target("a", -1)
