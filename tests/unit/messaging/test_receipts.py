"""Receipts: what became of messages, by runs, and apart for those whom people ask about."""

import pytest

from caxton_node.fipa import FailureReason
from caxton_node.messaging.receipts import FAILED, PERSONAL_MAX, Receipt, Receipts, State

pytestmark = pytest.mark.story("002")
ECHO = "default/echo#1.0.1@n1"


def test_every_message_of_a_run_has_its_receipt_and_no_other() -> None:
    receipts = Receipts()
    receipts.note_handled(100, 3, 7, ECHO)
    assert [len(receipts.find(number)) for number in range(99, 104)] == [0, 1, 1, 1, 0]
    assert receipts.find(101) == [Receipt(State.HANDLED, ECHO, 7)]


def test_a_message_to_several_has_a_receipt_for_each_in_the_order_of_events() -> None:
    receipts = Receipts()
    receipts.note_given_up(5, 30, "nobody", FailureReason.NO_SUCH_AGENT)
    receipts.note_handled(5, 1, 20, ECHO)
    receipts.note_forwarded(10, 5, 1, "echo@n2", "n2")
    assert receipts.find(5) == [
        Receipt(State.FORWARDED, "echo@n2", 10, "n2"),
        Receipt(State.HANDLED, ECHO, 20),
        Receipt(State.REFUSED, "nobody", 30, "no-such-agent"),
    ]


@pytest.mark.parametrize("reason", list(FailureReason))
def test_what_was_in_somebodys_hands_has_failed_what_waited_too_long_has_expired(
    reason: FailureReason,
) -> None:
    receipts = Receipts()
    receipts.note_given_up(1, 0, "echo", reason)
    (found,) = receipts.find(1)
    expected = State.EXPIRED if reason == "expired" else State.FAILED if reason in FAILED else State.REFUSED
    assert (found.state, found.detail) == (expected, reason.value)


def test_the_oldest_runs_are_forgotten_but_not_what_a_person_sent() -> None:
    receipts = Receipts(runs_max=3)
    receipts.expect(1)
    receipts.note_handled(1, 1, 1, ECHO)
    for number in range(2, 10):
        receipts.note_handled(number, 1, number, ECHO)
        receipts.note_given_up(number, number, "b", FailureReason.OVERSIZE)
    assert [bool(receipts.find(number)) for number in range(1, 10)] == [True, *[False] * 5, *[True] * 3]


def test_people_have_their_bound_too_and_the_first_make_room() -> None:
    receipts = Receipts(runs_max=0)
    for number in range(1, PERSONAL_MAX + 2):
        receipts.expect(number)
        receipts.note_handled(number, 1, number, ECHO)
    assert receipts.find(1) == []
    assert len(receipts.find(2)) == len(receipts.find(PERSONAL_MAX + 1)) == 1


def test_what_nobody_has_done_anything_with_is_unknown() -> None:
    receipts = Receipts()
    receipts.expect(1)
    assert receipts.find(1) == receipts.find(2) == []
