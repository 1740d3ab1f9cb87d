"""Whoever talks with somebody that is gone is told, once."""

from __future__ import annotations

import pytest

from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.messaging import Mailbox
from tests.support.post_office import NODE, PostOffice, empty, failure_of

NET, REQUEST = "fipa-contract-net", "fipa-request"
BUYER, MASON = f"buyer@{NODE}", f"mason@{NODE}"


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


def call(office: PostOffice, *masons: str, talk: str = "net", **more: object) -> None:
    """Let the buyer put work out to tender."""
    envelope = Envelope(Performative.CFP, None, list(masons), b"{}", talk, protocol=NET, **more)  # type: ignore[arg-type]
    office.say("buyer", envelope)


def told(box: Mailbox) -> list[tuple[str | None, str, str, str | None]]:
    """Take what waits; return conversation, reason, who is gone and `in_reply_to` of each FAILURE."""
    found = []
    for got in empty(box):
        if got.performative is Performative.FAILURE:
            content = failure_of(got)
            found.append((got.conversation_id, content["reason"], content["receiver"], got.in_reply_to))
    return found


@pytest.mark.story("011")
class TestAgents:
    async def test_a_contractor_hears_that_its_initiator_is_gone(self, office: PostOffice) -> None:
        office.open("buyer")
        mason, other = office.open("mason"), office.open("other")
        call(office, "mason", "other")
        office.say("other", Envelope(Performative.REFUSE, None, BUYER, b"{}", "net", protocol=NET))
        office.router.remove_mailbox(f"buyer#1.1@{NODE}")
        office.router.partners.tell_of_agent(BUYER, "it has been removed")
        assert told(mason) == [("net", "agent-stopped", BUYER, None)]
        assert told(other) == [], "it has nothing to expect"
        assert not office.router.conversations.is_open("net")

    async def test_an_initiator_hears_that_a_contractor_is_gone_and_goes_on_with_the_others(
        self, office: PostOffice
    ) -> None:
        buyer, mason = office.open("buyer"), office.open("mason")
        office.open("other")
        call(office, "mason", "other")
        empty(mason)
        office.router.remove_mailbox(f"mason#1.1@{NODE}")
        office.router.partners.tell_of_agent(MASON, "it has been removed")
        assert told(buyer) == [("net", "agent-stopped", MASON, None)]
        office.say("other", Envelope(Performative.PROPOSE, None, BUYER, b"{}", "net", protocol=NET))
        assert [got.performative for got in empty(buyer)] == [Performative.PROPOSE]

    async def test_who_asked_with_a_deadline_gets_its_answer_now_and_no_second_one_then(
        self, office: PostOffice
    ) -> None:
        buyer, mason = office.open("buyer"), office.open("mason")
        reply_by = office.clock.unix_us() // 1000 + 1_000
        call(office, "mason", reply_with="bid-1", reply_by=reply_by)
        empty(mason)
        office.router.partners.tell_of_agent(MASON, "it has been removed")
        office.clock.advance(10)
        office.router.tick(office.clock.unix_us())
        assert told(buyer) == [("net", "agent-stopped", MASON, "bid-1")]
        assert len(office.router.requests) == 0

    async def test_whose_message_came_back_is_not_told_twice(self, office: PostOffice) -> None:
        buyer = office.open("buyer")
        office.open("mason")
        reply_by = office.clock.unix_us() // 1000 + 1_000
        call(office, "mason", reply_with="bid-1", reply_by=reply_by)
        left = office.router.remove_mailbox(f"mason#1.1@{NODE}")
        office.router.reroute(left)
        office.router.partners.tell_of_agent(MASON, "it has been removed", left)
        assert [in_reply_to for *_, in_reply_to in told(buyer)] == ["bid-1"]

    async def test_whose_message_another_of_the_name_has_taken_is_not_told(self, office: PostOffice) -> None:
        buyer = office.open("buyer")
        office.open("mason")
        call(office, "mason", reply_with="bid-1")
        left = office.router.remove_mailbox(f"mason#1.1@{NODE}")
        office.route("mason", "node-2")
        office.router.reroute(left)
        office.router.partners.tell_of_agent(MASON, "it has been removed", left)
        assert ([node for node, *_ in office.mesh.sent], told(buyer)) == (["node-2"], [])
        assert not office.router.conversations.is_open("net")

    async def test_nobody_is_told_who_has_left_too_and_no_dead_letter_is_made_of_it(
        self, office: PostOffice
    ) -> None:
        office.open("mason")
        office.router.submit(
            Envelope(Performative.REQUEST, f"client~1@{NODE}", "mason", b"{}", "c", protocol=REQUEST)
        )
        office.router.partners.tell_of_agent(MASON, "it has been removed")
        assert len(office.router.dead_letters) == 0
        assert not office.router.conversations.is_open("c")

    async def test_one_that_talks_with_itself_tells_nobody(self, office: PostOffice) -> None:
        mason = office.open("mason")
        office.say("mason", Envelope(Performative.REQUEST, None, "mason", b"{}", "c", protocol=REQUEST))
        empty(mason)
        office.router.partners.tell_of_agent(MASON, "it has been removed")
        assert len(mason) == 0
        assert not office.router.conversations.is_open("c")

    async def test_somebody_on_another_node_is_told_there(self, office: PostOffice) -> None:
        office.open("mason")
        ask = Envelope(
            Performative.REQUEST, "far@node-2", MASON, b"{}", "c", protocol=REQUEST, message_id=bytes(16)
        )
        office.router.accept_remote("node-2", [encode(ask)])
        office.router.partners.tell_of_agent(MASON, "it has been removed")
        (found,) = office.mesh.sent
        assert (found[0], found[2].receivers, found[2].conversation_id) == ("node-2", "far@node-2", "c")


@pytest.mark.story("018")
class TestParting:
    async def test_those_here_who_talk_with_others_elsewhere_are_told_and_nobody_else(
        self, office: PostOffice
    ) -> None:
        buyer, mason = office.open("buyer"), office.open("mason")
        call(office, "mason", "far@node-2", reply_with="bid")
        empty(mason)
        office.router.partners.tell_of_parting()
        assert told(buyer) == [("net", "node-died", "far@node-2", "bid")]
        assert told(mason) == []
        assert office.router.conversations.is_open("net"), "the one with the mason goes on"

    async def test_a_participant_here_is_told_too(self, office: PostOffice) -> None:
        mason = office.open("mason")
        ask = Envelope(
            Performative.REQUEST, "far@node-2", MASON, b"{}", "c", protocol=REQUEST, message_id=bytes(16)
        )
        office.router.accept_remote("node-2", [encode(ask)])
        office.router.partners.tell_of_parting()
        assert told(mason) == [("c", "node-died", "far@node-2", None)]
        office.check_sum()
