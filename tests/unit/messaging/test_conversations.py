"""What a node knows of conversations, and which acts it does not let through."""

from __future__ import annotations

import pytest

from caxton_node.fipa import Performative
from caxton_node.messaging.conversations import (
    BUSY_MESSAGES,
    OPEN_IDLE_US,
    WINDOW_US,
    Conversations,
    Fault,
)
from caxton_node.messaging.courses import Conversation

REQUEST, NET, ITERATED = "fipa-request", "fipa-contract-net", "fipa-iterated-contract-net"
QUERY, SUBSCRIBE = "fipa-query", "fipa-subscribe"


class Table:
    """A table, and a way to say things in it."""

    def __init__(self, **bounds: int) -> None:
        self.conversations = Conversations(**bounds)
        self.now_us = 5

    def talk(self, name: str = "talk", sender: str = "a") -> Conversation:
        found = self.conversations.find(name)
        if found is None:
            found = self.conversations.begin(name, sender, self.now_us, b"t" * 16, is_followed=False)
        return found

    def say(
        self, act: str, sender: str, receiver: str, protocol: str | None = REQUEST, talk: str = "talk"
    ) -> Fault | None:
        conversation = self.talk(talk, sender)
        fault = self.conversations.follow(conversation, Performative[act], protocol, sender, receiver)
        if fault is None:
            conversation.messages += 1
            conversation.last_us = self.now_us
        return fault

    def stage(self, participant: str, talk: str = "talk") -> str | None:
        return self.talk(talk).stage_with(participant)


@pytest.fixture
def table() -> Table:
    return Table()


class TestContext:
    @pytest.mark.story("002")
    def test_a_conversation_knows_who_took_part_and_how_much_was_said(self, table: Table) -> None:
        table.say("INFORM", "a", "b", None)
        table.say("INFORM", "b", "c", None)
        talk = table.talk()
        assert (talk.initiator, talk.participants, talk.messages) == ("a", {"a", "b", "c"}, 2)
        assert not talk.is_open

    @pytest.mark.story("011")
    def test_a_contract_net_is_followed_with_every_contractor(self, table: Table) -> None:
        for contractor in ("x", "y"):
            assert table.say("CFP", "buyer", contractor, NET) is None
        assert table.say("PROPOSE", "x", "buyer", NET) is None
        assert table.say("REFUSE", "y", "buyer", NET) is None
        assert table.say("ACCEPT_PROPOSAL", "buyer", "x", NET) is None
        assert (table.stage("x"), table.stage("y")) == ("accepted", "refused")
        conversations = table.conversations
        assert conversations.open_of("x") == [table.talk()]
        assert table.say("INFORM", "x", "buyer", NET) is None
        assert not table.talk().is_open
        assert conversations.open_of("x") == []
        assert conversations.open_count == 0

    def test_who_is_asked_may_ask_others_in_the_same_conversation_and_the_other_way_round(
        self, table: Table
    ) -> None:
        steps = [
            ("REQUEST", "a", "b", REQUEST),
            ("REQUEST", "b", "c", REQUEST),
            ("QUERY_IF", "b", "a", QUERY),
            ("REQUEST", "b", "a", REQUEST),
            ("INFORM", "a", "b", REQUEST),
            ("INFORM", "a", "b", QUERY),
            ("INFORM", "c", "b", REQUEST),
            ("INFORM", "b", "a", REQUEST),
        ]
        for act, sender, receiver, protocol in steps:
            assert table.say(act, sender, receiver, protocol) is None, (act, sender, receiver)
        assert not table.talk().is_open

    def test_the_same_two_may_begin_again_once_it_is_over(self, table: Table) -> None:
        for _ in range(3):
            assert table.say("REQUEST", "a", "b") is None
            assert table.say("INFORM", "b", "a") is None
        assert table.say("REQUEST", "b", "a") is None

    def test_an_answer_may_go_to_a_third_party(self, table: Table) -> None:
        table.say("REQUEST", "a", "b")
        assert table.say("INFORM", "b", "somebody-else") is None
        assert not table.talk().is_open

    def test_what_names_no_protocol_steps_what_is_open_and_is_never_at_fault(self, table: Table) -> None:
        table.say("REQUEST", "a", "b")
        assert table.say("PROPOSE", "b", "a", None) is None
        assert table.stage("b") == "requested"
        assert table.say("INFORM", "b", "a", None) is None
        assert table.stage("b") == "done"

    def test_a_protocol_that_nobody_knows_is_let_through(self, table: Table) -> None:
        assert table.say("PROPOSE", "a", "b", "acme-haggling") is None
        assert table.say("REQUEST", "a", "b") is None
        assert table.say("PROPOSE", "b", "a", "acme-haggling") is None
        assert table.stage("b") == "requested"

    def test_a_cancel_by_its_own_protocol_is_about_what_is_open(self, table: Table) -> None:
        table.say("SUBSCRIBE", "a", "b", SUBSCRIBE)
        table.say("AGREE", "b", "a", SUBSCRIBE)
        assert table.say("CANCEL", "a", "b", "fipa-cancel") is None
        assert table.say("INFORM", "b", "a", "fipa-cancel") is None
        assert not table.talk().is_open


@pytest.mark.story("005")
class TestFaults:
    def test_a_fault_names_the_rule_and_what_is_allowed_and_changes_nothing(self, table: Table) -> None:
        table.say("REQUEST", "a", "b")
        fault = table.say("PROPOSE", "b", "a")
        assert fault is not None
        assert not fault.is_unknown
        assert "fipa-request: the participant may not say propose once requested" in fault.violation.rule
        assert Performative.AGREE in fault.violation.allowed
        assert table.stage("b") == "requested"
        assert table.say("INFORM", "b", "a") is None

    @pytest.mark.parametrize(
        ("act", "sender", "receiver"),
        [("REQUEST", "a", "b"), ("INFORM", "a", "b"), ("AGREE", "b", "a"), ("CANCEL", "b", "a")],
    )
    def test_neither_side_may_say_what_is_the_others_or_what_comes_later(
        self, table: Table, act: str, sender: str, receiver: str
    ) -> None:
        table.say("REQUEST", "a", "b")
        table.say("AGREE", "b", "a")
        assert table.say(act, sender, receiver) is not None
        assert table.stage("b") == "agreed"

    def test_nothing_is_said_after_the_end(self, table: Table) -> None:
        table.say("REQUEST", "a", "b")
        table.say("INFORM", "b", "a")
        fault = table.say("INFORM", "b", "a")
        assert fault is not None
        assert fault.violation.allowed == ()
        assert "over" in fault.violation.rule

    def test_an_act_that_can_begin_nothing_is_a_fault_where_nothing_is_known(self, table: Table) -> None:
        fault = table.say("PROPOSE", "b", "a", NET)
        assert fault is not None
        assert fault.is_unknown
        assert fault.violation.allowed == (Performative.CFP,)

    def test_a_second_round_is_only_for_the_iterated_net(self, table: Table) -> None:
        for protocol, talk in ((NET, "plain"), (ITERATED, "iterated")):
            table.say("CFP", "buyer", "x", protocol, talk)
            table.say("PROPOSE", "x", "buyer", protocol, talk)
        assert table.say("CFP", "buyer", "x", NET, "plain") is not None
        assert table.say("CFP", "buyer", "x", ITERATED, "iterated") is None

    def test_what_cannot_be_known_is_excused(self, table: Table) -> None:
        conversations = table.conversations
        unknown = table.say("INFORM", "b", "a")
        assert unknown is not None
        assert not conversations.excuses(unknown, 5, arrived=False, answers=True)
        assert not conversations.excuses(unknown, 5, arrived=True, answers=False)
        assert conversations.excuses(unknown, 5, arrived=True, answers=True)
        conversations.turn_blind(5)
        assert conversations.excuses(unknown, 6, arrived=False, answers=False)
        assert not conversations.excuses(unknown, 5 + OPEN_IDLE_US, arrived=False, answers=False)
        known = Fault(unknown.violation, is_unknown=False)
        assert not conversations.excuses(known, 6, arrived=True, answers=True)


class TestUndelivered:
    def test_an_answer_that_reached_nobody_may_be_given_again(self, table: Table) -> None:
        table.say("REQUEST", "a", "b")
        table.say("INFORM", "b", "a")
        table.conversations.take_back("talk", Performative.INFORM, REQUEST, "b", "a")
        assert (table.stage("b"), table.talk().is_open) == ("requested", True)
        assert table.say("INFORM", "b", "a") is None
        assert not table.talk().is_open

    def test_a_request_that_reached_nobody_has_failed_and_may_be_made_again(self, table: Table) -> None:
        table.say("REQUEST", "a", "b")
        table.conversations.take_back("talk", Performative.REQUEST, REQUEST, "a", "b")
        assert (table.stage("b"), table.talk().is_open) == ("failed", False)
        assert table.say("REQUEST", "a", "b") is None

    def test_nothing_is_expected_of_somebody_who_is_gone(self, table: Table) -> None:
        table.say("CFP", "buyer", "x", NET)
        table.say("CFP", "buyer", "y", NET)
        conversations = table.conversations
        ((talk, course),) = conversations.open_courses(lambda course: course.participant == "x")
        conversations.abandon(talk, course)
        assert (table.stage("x"), table.stage("y")) == ("failed", "called")
        assert talk.is_open


class TestBounds:
    def test_what_is_over_is_forgotten_in_the_order_in_which_it_began(self) -> None:
        table = Table(kept_max=10)
        for number in range(100):
            table.say("REQUEST", "a", "b", REQUEST, f"talk-{number}")
            table.say("INFORM", "b", "a", REQUEST, f"talk-{number}")
        assert len(table.conversations) == 10
        assert table.conversations.find("talk-89") is None
        assert table.conversations.find("talk-90") is not None

    def test_what_is_open_is_held_until_it_is_over(self) -> None:
        table = Table(kept_max=10)
        table.say("REQUEST", "a", "b", REQUEST, "long")
        for number in range(100):
            table.say("REQUEST", "a", "b", REQUEST, f"talk-{number}")
            table.say("INFORM", "b", "a", REQUEST, f"talk-{number}")
        assert table.say("INFORM", "b", "a", REQUEST, "long") is None
        for number in range(100, 120):
            table.say("REQUEST", "a", "b", REQUEST, f"talk-{number}")
            table.say("INFORM", "b", "a", REQUEST, f"talk-{number}")
        assert table.conversations.find("long") is None
        assert len(table.conversations) == 10

    def test_a_busy_conversation_without_protocol_outlives_many_short_ones(self) -> None:
        table = Table(kept_max=10)
        for _ in range(BUSY_MESSAGES + 1):
            table.say("INFORM", "a", "b", None, "busy")
        for number in range(100):
            table.say("INFORM", "a", "b", None, f"talk-{number}")
            table.say("INFORM", "a", "b", None, "busy")
        assert table.talk("busy").messages == BUSY_MESSAGES + 101
        assert len(table.conversations) <= 10

    def test_too_many_open_ones_push_out_the_most_silent_and_then_the_unknown_is_excused(self) -> None:
        table = Table(kept_max=10, open_max=90)
        for number in range(101):
            table.now_us = number
            table.say("REQUEST", "a", "b", REQUEST, f"talk-{number}")
        assert len(table.conversations) <= 100
        assert table.conversations.find("talk-0") is None
        fault = table.say("INFORM", "b", "a", REQUEST, "talk-0")
        assert fault is not None
        assert table.conversations.excuses(fault, 101, arrived=False, answers=False)

    def test_conversations_with_endless_parties_make_room(self) -> None:
        table = Table(parties_max=1_000)
        for talk in range(50):
            for number in range(250):
                table.say("INFORM", "a", f"b-{number}", None, f"talk-{talk}")
        assert sum(len(table.talk(f"talk-{n}").parties or ()) for n in range(50)) <= 1_500

    def test_silence_ends_a_conversation_after_half_an_hour_and_an_open_one_after_a_day(self) -> None:
        table = Table(idle_us=1_000_000)
        table.say("INFORM", "a", "b", None, "chat")
        table.say("SUBSCRIBE", "a", "b", SUBSCRIBE, "news")
        table.conversations.tick(2_000_000)
        assert table.conversations.find("chat") is None
        assert table.conversations.find("news") is not None
        table.conversations.tick(2 * OPEN_IDLE_US)
        assert table.conversations.find("news") is None

    def test_a_conversation_that_goes_round_in_circles_is_stopped_and_a_slow_one_is_not(self) -> None:
        table = Table(messages_max=3)
        for _ in range(3):
            table.say("INFORM", "a", "b", None)
        talk = table.talk()
        assert talk.messages >= talk.messages_max
        assert not table.conversations.may_go_on(talk, 10)
        assert table.conversations.may_go_on(talk, 10 + WINDOW_US)
        assert talk.messages < talk.messages_max
