"""The books find whatever can go wrong, or the soak would show nothing."""

from __future__ import annotations

import json

import pytest

from caxton_node.fipa import Envelope, FailureReason, encode, failure, not_understood
from caxton_node.messaging import DeadLetter
from tests.soak.books import Books, Unbalanced
from tests.soak.plan import ASKER, Kind, Plan, name_of

pytestmark = pytest.mark.story("002")


class Diary:
    """Books, and short ways to write into them."""

    def __init__(self) -> None:
        self.books = Books()
        self.seen: dict[str, int] = {}

    def send(self, plan: Plan) -> list[Envelope]:
        """Let a client send, and return the messages as they left."""
        sent = []
        for number, envelope in self.books.author.write(plan, "client@n1"):
            self.books.note_submitted(number)
            envelope.sender = "client@n1"
            sent.append(envelope)
        return sent

    def handle(self, number: int, receiver: str = "a", instance: str = "a#1.1@n1", seen: int = 0) -> None:
        """Let an agent acknowledge a message."""
        self.seen[instance] = seen or self.seen.get(instance, 0) + 1
        content = f'{{"n":"{name_of(number)}","seen":"{self.seen[instance]:08x}"}}'.encode()
        ack = Envelope(8, f"{receiver}@n1", "ledger", content, ontology=instance, reply_to=receiver)  # type: ignore[arg-type]
        self.books.note_ack(ack)

    def bury(self, envelope: Envelope, reason: FailureReason = FailureReason.MAILBOX_FULL) -> None:
        """Make a dead letter of a message."""
        receiver = envelope.receiver_list()[0]
        self.books.note_dead(DeadLetter(0, reason, "", receiver, encode(envelope)))

    def tell(self, envelope: Envelope, reason: FailureReason = FailureReason.MAILBOX_FULL) -> None:
        """Let the client hear that a message failed."""
        self.books.note_received("client@n1", failure(envelope, reason, ""))


@pytest.fixture
def diary() -> Diary:
    return Diary()


TO_A = Plan(("a",))
A_TELLS_B = Plan(("a",), then=(Plan(("b",)),))


def test_a_message_that_was_handled_once_is_in_order(diary):
    diary.send(TO_A)
    diary.handle(1)
    diary.books.close()
    assert diary.books.totals["handled"] == 1


def test_a_message_that_is_nowhere_is_missed(diary):
    diary.send(TO_A)
    with pytest.raises(Unbalanced, match=r"message 00000001 of client@n1 to a in talk-1 .*: is nowhere"):
        diary.books.close()


def test_so_many_may_wait_as_the_node_says_and_no_more(diary):
    diary.send(Plan(("a",), times=3))
    with pytest.raises(Unbalanced, match=r"message 00000003"):
        diary.books.close(waiting=2)
    diary.books.close(waiting=3)


def test_a_message_that_was_handled_twice_is_found(diary):
    diary.send(TO_A)
    diary.handle(1)
    diary.handle(1, instance="a#2.1@n1")
    with pytest.raises(Unbalanced, match=r"was handled 2 times, by \['a#1.1@n1', 'a#2.1@n1'\]"):
        diary.books.close()


def test_a_message_that_was_handled_and_given_up_is_found(diary):
    (envelope,) = diary.send(TO_A)
    diary.handle(1)
    diary.bury(envelope)
    with pytest.raises(Unbalanced, match=r"was handled, and is a dead letter 1 times"):
        diary.books.close()


def test_a_message_that_was_given_up_is_in_order_once_its_sender_knows(diary):
    (envelope,) = diary.send(TO_A)
    diary.bury(envelope)
    with pytest.raises(Unbalanced, match=r"its sender heard nothing"):
        diary.books.close()
    diary.tell(envelope)
    diary.books.close()


def test_news_that_reach_nobody_count_as_heard(diary):
    (envelope,) = diary.send(TO_A)
    diary.bury(envelope)
    diary.bury(failure(envelope, FailureReason.MAILBOX_FULL, ""))
    diary.books.close()


def test_a_sender_may_hear_of_a_deadline_although_the_message_was_handled_but_only_once(diary):
    (envelope,) = diary.send(TO_A)
    diary.handle(1)
    diary.tell(envelope, FailureReason.TIMEOUT)
    diary.tell(envelope, FailureReason.TIMEOUT)
    with pytest.raises(Unbalanced, match=r"'timeout': 2"):
        diary.books.close()


def test_news_of_a_deadline_do_not_account_for_a_message(diary):
    (envelope,) = diary.send(TO_A)
    diary.tell(envelope, FailureReason.TIMEOUT)
    with pytest.raises(Unbalanced, match=r"is nowhere"):
        diary.books.close()
    diary.books.close(expired=1)


def test_what_breaks_a_rule_is_answered_and_otherwise_missed(diary):
    (envelope,) = diary.send(Plan(("a",), kind=Kind.BARE))
    with pytest.raises(Unbalanced, match=r"is nowhere"):
        diary.books.close()
    diary.books.note_received("client@n1", not_understood(envelope, "no content", 3, "content"))
    diary.books.close()


def test_an_agent_has_sent_what_belongs_to_a_message_that_it_handled(diary):
    diary.send(A_TELLS_B)
    diary.handle(1)
    with pytest.raises(Unbalanced, match=r"message 00000002 of a#1.1@n1 to b"):
        diary.books.close()
    diary.handle(2, "b", "b#1.1@n1")
    diary.books.close()


def test_an_agent_has_sent_nothing_of_what_it_has_not_handled(diary):
    (envelope,) = diary.send(A_TELLS_B)
    diary.bury(envelope)
    diary.tell(envelope)
    diary.books.close()
    diary.handle(2, "b", "b#1.1@n1")
    with pytest.raises(Unbalanced, match=r"of an earlier round"):
        diary.books.close()


def test_a_message_that_comes_although_nobody_sent_it_is_found(diary):
    (envelope,) = diary.send(A_TELLS_B)
    diary.bury(envelope)
    diary.tell(envelope)
    diary.handle(2, "b", "b#1.1@n1")
    with pytest.raises(Unbalanced, match=r"message 00000002 was never sent"):
        diary.books.close()


def test_a_message_that_a_stranger_got_is_found(diary):
    diary.send(TO_A)
    diary.handle(1, "b")
    with pytest.raises(Unbalanced, match=r"message 00000001 was never for b"):
        diary.books.close()


@pytest.mark.parametrize(("second", "fair"), [("talk-1", False), ("talk-2", True)])
def test_what_a_client_says_stays_in_order_within_a_conversation(diary, second, fair):
    diary.send(TO_A)
    diary.send(Plan(("a",), talk=second))
    diary.handle(2)
    diary.handle(1)
    if fair:
        diary.books.close()
    else:
        with pytest.raises(Unbalanced, match=r"message 00000001 .* was overtaken"):
            diary.books.close()


def test_what_an_agent_says_stays_in_the_order_in_which_it_was_made_to_speak(diary):
    diary.send(A_TELLS_B)
    diary.send(A_TELLS_B)
    diary.handle(3)
    diary.handle(1)
    diary.handle(2, "b", "b#1.1@n1")
    diary.handle(4, "b", "b#1.1@n1")
    with pytest.raises(Unbalanced, match=r"message 00000004 of a#1.1@n1 to b .* was overtaken"):
        diary.books.close()


def test_a_guest_that_has_handled_more_than_it_told_of_is_found(diary):
    diary.send(Plan(("a",), times=2))
    diary.handle(1, seen=1)
    diary.handle(2, seen=3)
    with pytest.raises(Unbalanced, match=r"a#1.1@n1 says it handled 3 messages, after 1"):
        diary.books.close()


def test_every_receiver_of_a_message_counts_for_himself(diary):
    diary.send(Plan(("a", "b")))
    diary.handle(1, "a")
    with pytest.raises(Unbalanced, match=r"message 00000001 .* to b "):
        diary.books.close()
    diary.handle(1, "b", "b#1.1@n1")
    diary.books.close()


def test_an_ack_that_is_lost_is_found(diary):
    diary.bury(Envelope(8, "a@n1", "ledger", b"{}"))  # type: ignore[arg-type]
    with pytest.raises(Unbalanced, match=r"an ack of a@n1 is a dead letter"):
        diary.books.close()


def test_an_answer_goes_to_whoever_asked_in_the_same_conversation(diary):
    (asked,) = diary.send(Plan(("a",), kind=Kind.ASK, then=(Plan((ASKER,), kind=Kind.ANSWER),)))
    frame = bytes.fromhex(json.loads(asked.content or b"")["out"])[4:]
    assert b"client@n1" in frame
    assert (asked.conversation_id or "").encode() in frame
