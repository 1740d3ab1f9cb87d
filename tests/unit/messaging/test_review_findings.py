"""Faults that a reading of the router has found, each as its smallest example."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.fipa.message import HEADERS_MAX
from caxton_node.messaging import Mailbox, Target
from caxton_node.messaging.conversations import Conversations, Fault
from caxton_node.messaging.routes import Shadow
from tests.support.post_office import NODE, PostOffice, failure_of

pytestmark = pytest.mark.story("002")

HOUR_US = 3_600 * 1_000_000
REQUEST, CONTRACT_NET = "fipa-request", "fipa-contract-net"


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


def raw(value: object) -> msgspec.Raw:
    return msgspec.Raw(msgspec.msgpack.encode(value))


def say(
    table: Conversations,
    talk_id: str,
    act: Performative,
    ends: tuple[str, str],
    protocol: str | None = REQUEST,
    now_us: int = 0,
) -> Fault | None:
    sender, receiver = ends
    found = table.find(talk_id)
    talk = found or table.begin(talk_id, sender, now_us, bytes(16), is_followed=False)
    talk.last_us = now_us
    return table.follow(talk, act, protocol, sender, receiver)


class TestConversations:
    """What is remembered, and what memory it takes."""

    def test_one_that_was_dropped_and_has_begun_anew_is_not_forgotten_with_its_old_place(self) -> None:
        table = Conversations(kept_max=4)
        say(table, "X", Performative.REQUEST, ("a", "b"))
        say(table, "X", Performative.INFORM, ("b", "a"))
        table.tick(HOUR_US)
        assert table.find("X") is None
        say(table, "X", Performative.REQUEST, ("a", "b"), now_us=HOUR_US)
        for number in range(8):
            say(table, f"other-{number}", Performative.INFORM, ("q", "z"), None, HOUR_US)
        assert table.is_open("X")
        assert say(table, "X", Performative.INFORM, ("b", "a"), now_us=HOUR_US) is None

    def test_the_size_of_all_is_the_sum_of_their_sizes_however_often_they_begin_and_go(self) -> None:
        table = Conversations(kept_max=4)
        for _ in range(100):
            say(table, "long", Performative.REQUEST, ("a", "b"))
            say(table, "long", Performative.INFORM, ("b", "a"))
            say(table, "long", Performative.REQUEST, ("c", "b"))
            say(table, "long", Performative.INFORM, ("b", "c"))
        for number in range(100):
            say(table, f"short-{number}", Performative.INFORM, ("a", "b"), None)
        assert table._parties == sum(talk.size for talk in table.table.values())

    def test_an_answer_without_a_protocol_belongs_to_what_is_open_and_not_only_to_the_first(self) -> None:
        table = Conversations()
        assert say(table, "X", Performative.REQUEST, ("a", "b")) is None
        assert say(table, "X", Performative.INFORM, ("b", "a"), None) is None
        assert say(table, "X", Performative.CFP, ("a", "b"), CONTRACT_NET) is None
        assert say(table, "X", Performative.PROPOSE, ("b", "a"), None) is None
        assert say(table, "X", Performative.ACCEPT_PROPOSAL, ("a", "b"), CONTRACT_NET) is None
        assert say(table, "X", Performative.CANCEL, ("a", "b"), "fipa-cancel") is None
        assert say(table, "X", Performative.INFORM, ("b", "a"), None) is None
        assert not table.is_open("X")

    async def test_what_was_sent_days_ago_does_not_make_its_conversation_old(
        self, office: PostOffice
    ) -> None:
        office.open("a")
        office.open("b")
        sent = Envelope(Performative.REQUEST, f"a@{NODE}", "b", b"1", "talk", protocol=REQUEST)
        sent.message_id, sent.sent_at = bytes(16), office.clock.unix_us() - 48 * HOUR_US
        office.router.resend([encode(sent)])
        office.router.tick(office.clock.unix_us())
        assert office.router.conversations.is_open("talk")

    async def test_a_clock_that_runs_ahead_elsewhere_keeps_nothing_for_ever(self, office: PostOffice) -> None:
        office.open("a")
        sent = Envelope(Performative.INFORM, "z@node-2", "a", b"1", "talk", message_id=bytes(16))
        sent.sent_at = office.clock.unix_us() + 10_000 * HOUR_US
        office.router.accept_remote("node-2", [encode(sent)])
        office.clock.advance(3_600)
        office.router.tick(office.clock.unix_us())
        assert office.router.conversations.find("talk") is None


class TestHeadersOfPeers:
    """What stands in the headers of a host's own, whoever wrote it there."""

    @staticmethod
    def arrive(office: PostOffice, receiver: str, headers: dict[str, msgspec.Raw], **more: Any) -> None:
        envelope = Envelope(
            Performative.REQUEST,
            sender="a@node-2",
            receivers=receiver,
            content=b"1",
            message_id=bytes(16),
            sent_at=1,
            headers=headers,
            **more,
        )
        office.router.accept_remote("node-2", [encode(envelope)])

    @pytest.mark.parametrize("hops", [b"\xa1\xff", b"\xa1x", b"\xfb", b"\xc0"], ids=repr)
    async def test_hops_that_cannot_be_counted_are_enough(self, office: PostOffice, hops: bytes) -> None:
        office.route("far", "node-3")
        self.arrive(office, "far", {"hops": msgspec.Raw(hops)})
        (_node, _lane, told) = office.mesh.sent[-1]
        assert (told.receivers, failure_of(told)["reason"]) == ("a@node-2", "unroutable")
        office.check_sum()

    @pytest.mark.parametrize("shadow", [b"\xa1\xff", b"\x05", b"\xc0"], ids=repr)
    async def test_a_copy_for_no_shadow_reaches_nobody(self, office: PostOffice, shadow: bytes) -> None:
        self.arrive(office, "far", {"shadow": msgspec.Raw(shadow)})
        assert office.router.counts().dead_lettered == 1
        office.check_sum()

    async def test_a_message_full_of_headers_comes_back_where_it_would_be_passed_on(
        self, office: PostOffice
    ) -> None:
        office.route("far", "node-3")
        self.arrive(office, "far", {f"h-{number}": raw(number) for number in range(HEADERS_MAX)})
        (_node, _lane, told) = office.mesh.sent[-1]
        assert failure_of(told)["reason"] == "unroutable"
        office.check_sum()

    async def test_a_message_full_of_headers_has_no_shadow(self, office: PostOffice) -> None:
        shadow = Mailbox(10)
        office.router.add_mailbox(f"b#2.1@{NODE}", shadow, shadow=True)
        office.open("a")
        b = office.open("b")
        office.route("b", NODE)
        office.routes.shadow("default/b", [Shadow(Target(f"b#2.1@{NODE}", NODE))])
        office.tell("a", "b", headers={f"h-{number}": raw(number) for number in range(HEADERS_MAX)})
        office.tell("a", "b", headers={"h": raw(1)})
        assert (len(b), len(shadow)) == (2, 1)
        assert "h" in (decode(shadow.frames()[0]).headers or {})

    async def test_a_client_cannot_write_what_only_hosts_may(self, office: PostOffice) -> None:
        office.route("far", "node-3")
        headers = {"shadow": raw("x#1.1@node-3"), "hops": raw(3), "resent": raw([1, 1]), "own": raw(1)}
        ask = Envelope(Performative.REQUEST, "client~1@node-1", "far", b"1", headers=headers)
        office.router.submit(ask)
        assert list(office.mesh.sent[-1][2].headers or ()) == ["own"]


class TestTimeToLive:
    """Messages that wait."""

    async def test_what_has_expired_in_a_mailbox_comes_back_in_order(self, office: PostOffice) -> None:
        office.open("a")
        b = office.open("b")
        for number in range(3):
            office.tell("a", "b", str(number).encode(), headers={"ttl": raw(10)})
        later_ms = office.clock.unix_us() // 1000 + 1_000
        assert [decode(frame).content for frame in b.take_expired(later_ms)] == [b"0", b"1", b"2"]

    async def test_what_is_pinned_to_this_node_is_not_parked_anew_because_a_route_leads_elsewhere(
        self, office: PostOffice
    ) -> None:
        office.route("x", "node-2")
        headers = {"ttl": raw(3_600_000)}
        wait = Envelope(Performative.INFORM, "client~1@node-1", f"x@{NODE}", b"1", headers=headers)
        message_id = office.router.submit(wait)
        (before,) = office.router.tracking.where(message_id)
        office.clock.advance(5)
        office.router.tick(office.clock.unix_us())
        assert office.router.tracking.where(message_id) == [before]
        x = office.open("x")
        assert (len(x), office.router.counts().parked) == (1, 0)
        office.check_sum()
