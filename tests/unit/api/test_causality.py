"""What caused what in a conversation: order, depth and answers, from the times and words of its spans."""

from itertools import permutations
from typing import Any

import pytest

from caxton_node.api.causality import arrange, merge
from caxton_node.pb import tracking_pb2 as pb

pytestmark = pytest.mark.story("002")


def step(name: str, route: str, sent: int, taken: int = 0, ended: int = 0, **more: Any) -> pb.TraceStep:
    """Make one step; `route` is `sender>receiver`, both on n1, and `name` is its act and its id."""
    sender, receiver = (one if one == "ams" else f"{one}@n1" for one in route.split(">"))
    fields = {"outcome": "handled" if ended else "queued", "node": "n1", **more}
    return pb.TraceStep(
        message_id=f"{name}/{route}",
        performative=name.partition("-")[0] if name not in PROPOSALS else name,
        sender=sender,
        receiver=receiver,
        sent_unix_us=sent,
        taken_unix_us=taken,
        ended_unix_us=ended,
        **fields,
    )


PROPOSALS = {"accept-proposal", "reject-proposal"}


def drawn(steps: list[pb.TraceStep]) -> list[str]:
    """Draw a trace as people see it."""
    return [
        f"{'  ' * found.depth}{'└ ' if found.answer else ''}{found.message_id}" for found in arrange(steps)
    ]


def test_an_answer_stands_below_its_question_and_what_it_took_stands_between() -> None:
    steps = [
        step("request", "client>buyer", 0, 10, 100),
        step("request", "buyer>df", 20, 30, 40),
        step("inform", "df>buyer", 35, 110, 130),
        step("cfp", "buyer>mason", 120, 140, 160),
        step("propose", "mason>buyer", 150, 170, 190),
        step("inform", "buyer>client", 180, 200, 201),
    ]
    assert drawn(steps) == [
        "request/client>buyer",
        "  request/buyer>df",
        "  └ inform/df>buyer",
        "  cfp/buyer>mason",
        "  └ propose/mason>buyer",
        "└ inform/buyer>client",
    ]


def test_a_relay_goes_deeper_with_every_hop() -> None:
    steps = [
        step("inform", "a>b", 0, 1, 3),
        step("inform", "b>c", 2, 4, 6),
        step("inform", "c>d", 5, 7, 8),
    ]
    assert drawn(steps) == ["inform/a>b", "  inform/b>c", "    inform/c>d"]


def test_what_a_message_names_is_what_it_answers_though_another_came_later() -> None:
    steps = [
        step("request-1", "a>b", 0, 1, 9, reply_with="q-1"),
        step("request-2", "a>b", 2, 3, 9, reply_with="q-2"),
        step("inform", "b>a", 5, 6, 7, in_reply_to="q-1"),
    ]
    found = arrange(steps)[2]
    assert (found.caused_by, found.answer, found.depth) == ("request-1/a>b", True, 0)


def test_a_contract_net_stays_flat_and_its_answers_are_marked() -> None:
    steps = [
        step("cfp", "task>m1", 0, 1, 2),
        step("cfp", "task>m2", 0, 1, 2),
        step("propose", "m1>task", 2, 3, 3),
        step("propose", "m2>task", 2, 4, 4),
        step("accept-proposal", "task>m1", 9, 10, 11),
        step("reject-proposal", "task>m2", 9, 10, 11),
        step("inform", "m1>task", 11, 12, 12),
    ]
    assert [line.strip("└ ") for line in drawn(steps)] == [found.message_id for found in steps]
    assert {found.depth for found in arrange(steps)} == {0}
    assert [found.answer for found in arrange(steps)] == [False] * 2 + [True] * 5


def test_the_platform_answers_what_failed() -> None:
    failed = step("request", "a>nobody", 0, 0, 1, outcome="refused: no-such-agent", reply_with="q")
    fine = step("request-2", "a>b", 0, 1, 2, reply_with="q")
    late = step("request-3", "a>c", 0, 1, 2, reply_with="r")
    told = step("failure", "ams>a", 3, 4, 4, in_reply_to="q")
    timeout = step("failure-2", "ams>a", 4, 5, 5, in_reply_to="r")
    causes = {found.message_id: found.caused_by for found in arrange([failed, fine, late, told, timeout])}
    assert causes["failure/ams>a"] == "request/a>nobody"
    assert causes["failure-2/ams>a"] == "request-3/a>c"


def test_a_failure_that_names_nothing_answers_what_nobody_has_ended() -> None:
    steps = [step("inform", "a>far", 0, outcome="forwarded to n2"), step("failure", "ams>a", 9, 10, 10)]
    assert drawn(steps) == ["inform/a>far", "└ failure/ams>a"]


def test_an_answer_from_a_node_that_is_gone_belongs_to_what_it_was_sent() -> None:
    steps = [step("cfp", "a>b", 0, outcome="forwarded to n2"), step("propose", "b>a", 5, 6, 6)]
    assert drawn(steps) == ["cfp/a>b", "└ propose/b>a"]


def test_causes_come_first_though_clocks_say_otherwise() -> None:
    steps = [
        step("inform", "b>a", 5, 20, 21, in_reply_to="q"),  # by the clock of b, which is late
        step("request", "a>b", 10, 4, 6, reply_with="q"),
    ]
    assert drawn(steps) == ["request/a>b", "└ inform/b>a"]


def test_two_messages_that_name_each_other_do_not_make_an_endless_circle() -> None:
    steps = [
        step("inform", "a>b", 0, 1, 2, reply_with="x", in_reply_to="y"),
        step("inform", "b>a", 0, 1, 2, reply_with="y", in_reply_to="x"),
    ]
    assert sorted(found.message_id for found in arrange(steps)) == ["inform/a>b", "inform/b>a"]


def test_a_message_to_oneself_is_not_its_own_cause() -> None:
    (found,) = arrange([step("inform", "a>a", 0, 1, 2, reply_with="x", in_reply_to="x")])
    assert (found.caused_by, found.depth) == ("", 0)


def test_a_long_chain_needs_no_deep_stack() -> None:
    steps = [step(f"request-{number}", "a>b", number, number, number + 1) for number in range(3000)]
    for number, found in enumerate(steps):
        found.sender, found.receiver = (f"{'ab'[(number + side) % 2]}@n1" for side in (0, 1))
    assert arrange(steps)[-1].depth > 1000


def test_a_forwarded_message_is_told_by_the_node_that_has_it_and_once() -> None:
    here = step("request", "a>b", 0, outcome="forwarded to n2")
    there = step("request", "a>b", 0, 1, 2, node="n2")
    other = step("request", "a>c", 0, outcome="forwarded to n2")
    for order in permutations([here, there, other, there]):
        assert [(found.receiver, found.node) for found in merge(order)] == [("b@n1", "n2"), ("c@n1", "n1")]


def test_a_message_between_two_nodes_that_send_it_to_each_other_is_not_lost() -> None:
    circle = [step("request", "a>b", 0, outcome=f"forwarded to {to}", node=at) for at, to in ("12", "21")]
    assert len(merge(circle)) == 2


def test_a_node_may_be_called_handled() -> None:
    both = [step("request", "a>b", 0, 1, 2, node=node) for node in ("n1", "handled")]
    assert len(merge(both)) == 2
