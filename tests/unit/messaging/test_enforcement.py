"""What a node keeps from its agents, what it tells their senders, and what it lets through."""

from __future__ import annotations

import json
from typing import Any

import msgspec
import pytest

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.messaging import Mailbox
from caxton_node.messaging.mailbox import TO_ITSELF_PER_S
from caxton_node.messaging.returns import SCOLDED_PER_S
from caxton_node.messaging.tags import RESENT
from tests.support.post_office import NODE, PostOffice, empty, failure_of

pytestmark = pytest.mark.story("005")

REQUEST = "fipa-request"


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


def act(name: str, receiver: str, talk: str = "talk", **more: Any) -> Envelope:
    return Envelope(
        Performative[name], None, receiver, b"1", talk, **{"protocol": REQUEST, "reply_with": "r"} | more
    )


def misunderstanding(envelope: Envelope) -> dict[str, Any]:
    assert (envelope.performative, envelope.sender) == (Performative.NOT_UNDERSTOOD, "ams")
    found = json.loads(envelope.content or b"")
    assert isinstance(found, dict)
    return found


class TestProtocols:
    @pytest.mark.parametrize("near", [True, False], ids=["the loop", "the long way"])
    async def test_an_act_that_is_not_allowed_goes_back_with_the_rule_and_what_is_allowed(
        self, office: PostOffice, near: bool
    ) -> None:
        a, b = office.open("a"), office.open("b")
        more = {} if near else {"reply_by": 9_000_000_000_000}
        office.say("a", act("REQUEST", "b", **more))
        office.say("b", act("PROPOSE", "a", **more))
        assert [got.performative for got in empty(b)] == [
            Performative.REQUEST,
            Performative.NOT_UNDERSTOOD,
        ]
        assert empty(a) == []
        office.check_sum()
        counts = office.router.counts()
        assert (counts.accepted, counts.refused) == (3, 1)

    async def test_the_answer_names_the_rule_the_position_and_the_acts(self, office: PostOffice) -> None:
        office.open("a")
        b = office.open("b")
        office.say("a", act("REQUEST", "b"))
        office.say("b", act("PROPOSE", "a", reply_with="mine"))
        answer = empty(b)[-1]
        said = misunderstanding(answer)
        assert (answer.conversation_id, answer.in_reply_to) == ("talk", "mine")
        assert "may not say propose once requested" in said["reason"]
        assert (said["position"], said["field"]) == (0, "performative")
        assert {"agree", "refuse", "inform", "failure"} <= set(said["allowed"])

    async def test_what_is_behind_a_fault_in_one_outbox_goes_on(self, office: PostOffice) -> None:
        office.open("a")
        b = office.open("b")
        said = [("REQUEST", "t1"), ("INFORM", "t1"), ("REQUEST", "t2"), ("AGREE", "t3"), ("REQUEST", "t4")]
        frames = [encode(act(name, "b", talk)) for name, talk in said]
        office.router.accept(f"a#1.1@{NODE}", frames)
        assert [got.conversation_id for got in empty(b)] == ["t1", "t2", "t4"]
        office.check_sum()

    @pytest.mark.parametrize(
        ("policy", "comes", "faults"),
        [(ProtocolPolicy.ENFORCE, 0, 1), (ProtocolPolicy.WARN, 1, 1), (ProtocolPolicy.OFF, 1, 0)],
    )
    async def test_the_receivers_policy_decides(
        self, office: PostOffice, policy: ProtocolPolicy, comes: int, faults: int
    ) -> None:
        office.open("a")
        box = Mailbox(10)
        office.router.add_mailbox(f"b#1.1@{NODE}", box, policy=policy)
        office.say("a", act("INFORM", "b"))
        assert len(empty(box)) == comes
        assert office.router.conversations.faults == faults

    async def test_a_fault_from_another_node_is_answered_there(self, office: PostOffice) -> None:
        b = office.open("b")
        arrived = act("PROPOSE", "b")
        arrived.sender = "far@node-2"
        office.router.accept_remote("node-2", [encode(arrived)])
        assert empty(b) == []
        ((node, _, answer),) = office.mesh.sent
        assert (node, answer.receivers) == ("node-2", "far@node-2")
        assert misunderstanding(answer)["allowed"] == ["request"]

    async def test_what_goes_to_another_node_is_followed_and_judged_there(self, office: PostOffice) -> None:
        office.open("a")
        office.say("a", act("INFORM", "b@node-2"))
        assert len(office.mesh.sent) == 1
        assert office.router.conversations.faults == 0

    async def test_an_answer_to_somebody_elses_question_comes_through(self, office: PostOffice) -> None:
        third = office.open("third")
        answer = act("INFORM", "third", in_reply_to="asked-elsewhere")
        answer.sender = "far@node-2"
        office.router.accept_remote("node-2", [encode(answer)])
        assert len(empty(third)) == 1
        assert office.router.conversations.unjudged == 1

    async def test_a_late_answer_is_still_an_answer(self, office: PostOffice) -> None:
        a, b = office.open("a"), office.open("b")
        now_ms = office.clock.unix_us() // 1000
        office.say("a", act("REQUEST", "b", reply_by=now_ms + 10))
        office.router.tick(office.clock.unix_us() + 20_000)
        assert failure_of(empty(a)[0])["reason"] == "timeout"
        empty(b)
        office.say("b", act("INFORM", "a", in_reply_to="r"))
        assert [got.performative for got in empty(a)] == [Performative.INFORM]

    async def test_an_answer_that_found_no_room_may_be_given_again(self, office: PostOffice) -> None:
        full, b = office.open("a", depth=1), office.open("b")
        office.say("a", act("REQUEST", "b"))
        empty(b)
        office.tell("b", "a")
        b.impatient_with = full  # so that it is refused and not made to wait
        office.say("b", act("INFORM", "a", in_reply_to="r"))
        assert [failure_of(got)["reason"] for got in empty(b)] == ["mailbox-full"]
        empty(full)
        office.say("b", act("INFORM", "a", in_reply_to="r"))
        assert [got.performative for got in empty(full)] == [Performative.INFORM]

    async def test_who_was_told_of_a_timeout_may_ask_again_and_the_talk_still_ends(
        self, office: PostOffice
    ) -> None:
        a, b = office.open("a"), office.open("b")
        now_us = office.clock.unix_us()
        office.say("a", act("REQUEST", "b", reply_by=now_us // 1000 + 10))
        office.router.tick(now_us + 20_000)
        empty(a)
        office.say("a", act("REQUEST", "b"))
        assert [got.performative for got in empty(b)] == [Performative.REQUEST] * 2
        office.say("b", act("INFORM", "a", in_reply_to="r"))
        assert [got.performative for got in empty(a)] == [Performative.INFORM]
        assert office.router.conversations.open_count == 0

    async def test_a_dead_letter_that_is_sent_again_goes_on_where_its_talk_had_stopped(
        self, office: PostOffice
    ) -> None:
        a, b = office.open("a"), office.open("b")
        net = "fipa-contract-net"
        office.say("a", act("CFP", "b", protocol=net))
        office.say("b", act("PROPOSE", "a", protocol=net))
        office.router.remove_mailbox(f"b#1.1@{NODE}")
        office.say("a", act("ACCEPT_PROPOSAL", "b", protocol=net))
        assert [got.performative for got in empty(a)] == [Performative.PROPOSE, Performative.FAILURE]
        (letter,) = office.router.dead_letters.newest(1)
        again = decode(letter.frame)
        again.headers = {RESENT: msgspec.Raw(msgspec.msgpack.encode([1, 1]))}
        b = office.open("b")
        office.router.resend([encode(again)])
        assert [got.performative for got in empty(b)] == [Performative.ACCEPT_PROPOSAL]
        office.say("b", act("INFORM", "a", protocol=net))
        assert [got.performative for got in empty(a)] == [Performative.INFORM]
        office.check_sum()

    async def test_a_fault_that_nobody_can_be_told_of_is_a_dead_letter(self, office: PostOffice) -> None:
        office.open("a", depth=1_000)
        b = office.open("b")
        for number in range(SCOLDED_PER_S + 5):
            office.say("a", act("AGREE", "b", f"talk-{number}"))
        office.say("a", act("FAILURE", "b", "another"))
        assert empty(b) == []
        letters = office.router.dead_letters.newest(100)
        assert [letter.reason.value for letter in letters] == ["not-allowed"] * 6
        counts = office.router.counts()
        assert (counts.refused, counts.dead_lettered) == (SCOLDED_PER_S, 6)
        office.check_sum()


class TestContents:
    async def test_a_content_that_is_no_json_goes_back_and_another_language_is_not_looked_at(
        self, office: PostOffice
    ) -> None:
        a, b = office.open("a"), office.open("b")
        broken = Envelope(Performative.INFORM, None, "b", b'{"a": ', "talk")
        opaque = Envelope(Performative.INFORM, None, "b", b'{"a": ', "talk", language="sl")
        office.router.accept(f"a#1.1@{NODE}", [encode(broken), encode(opaque)])
        assert [got.language for got in empty(b)] == ["sl"]
        said = misunderstanding(empty(a)[0])
        assert (said["position"], said["field"]) == (3, "content")
        assert "JSON" in said["reason"]

    async def test_an_agent_whose_policy_is_off_may_send_anything(self, office: PostOffice) -> None:
        b = office.open("b")
        office.router.add_mailbox(f"free#1.1@{NODE}", Mailbox(10), policy=ProtocolPolicy.OFF)
        office.router.accept(
            f"free#1.1@{NODE}", [encode(Envelope(Performative.INFORM, None, "b", b"what?", "talk"))]
        )
        assert len(empty(b)) == 1


@pytest.mark.story("002")
class TestLoops:
    async def test_an_agent_that_only_talks_to_itself_is_stopped(self, office: PostOffice) -> None:
        a = office.open("a", depth=10_000)
        for _ in range(TO_ITSELF_PER_S + 5):
            office.tell("a", "a")
        got = empty(a)
        assert len([one for one in got if one.performative is Performative.INFORM]) == TO_ITSELF_PER_S
        reasons = {failure_of(one)["reason"] for one in got if one.performative is Performative.FAILURE}
        assert reasons == {"loop"}
        office.check_sum()

    async def test_a_conversation_that_goes_round_in_circles_is_stopped(self, office: PostOffice) -> None:
        office.router.conversations._messages_max = 10
        a, b = office.open("a"), office.open("b")
        for _ in range(10):
            office.tell("a", "b", conversation_id="round")
            office.tell("b", "a", conversation_id="round")
        assert len(empty(a)) + len(empty(b)) == 20
        assert office.router.counts().refused == 10
        office.check_sum()

    async def test_another_conversation_of_the_same_two_goes_on(self, office: PostOffice) -> None:
        office.router.conversations._messages_max = 10
        office.open("a", depth=1_000)
        b = office.open("b", depth=1_000)
        for _ in range(20):
            office.tell("a", "b", conversation_id="round")
        empty(b)
        office.tell("a", "b", conversation_id="other")
        assert len(empty(b)) == 1
