import asyncio
import json

import msgspec
import pytest

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa import Envelope, FailureReason, Performative, decode, encode
from caxton_node.messaging import Router, RouteTable, Target
from caxton_node.messaging.returns import SCOLDED_PER_S
from tests.support.post_office import NODE, PostOffice, empty, failure_of

pytestmark = pytest.mark.story("002")


@pytest.fixture
async def office() -> PostOffice:
    return PostOffice()


class TestNearby:
    """From agent to agent on one node."""

    async def test_a_message_is_stamped_by_the_host_whatever_the_guest_wrote(
        self, office: PostOffice
    ) -> None:
        office.open("a")
        b = office.open("b")
        forged = Envelope(
            Performative.INFORM,
            sender="somebody-else",
            receivers="b",
            content=b"hi",
            message_id=bytes(16),
            sent_at=1,
        )
        office.say("a", forged)
        (got,) = empty(b)
        assert got.sender == "a@node-1"
        assert got.sent_at == office.clock.unix_us()
        assert got.message_id is not None
        assert got.message_id > bytes(16)
        assert got.trace == got.message_id + got.message_id[8:] + b"\0"

    @pytest.mark.parametrize("spelling", ["b", "default/b", "b@node-1", "b#9.9@node-1"])
    async def test_every_spelling_of_an_address_arrives(self, office: PostOffice, spelling: str) -> None:
        office.open("a")
        b = office.open("b")
        for _ in range(2):
            office.tell("a", spelling)
        assert len(empty(b)) == 2

    async def test_order_holds_between_two_agents_however_the_address_is_spelled(
        self, office: PostOffice
    ) -> None:
        office.open("a")
        b = office.open("b", depth=1_000)
        spellings = ["b", "b@node-1", "default/b"]
        frames = [
            encode(Envelope(Performative.INFORM, None, spellings[n % 3], str(n).encode(), f"talk-{n % 5}"))
            for n in range(300)
        ]
        for start in range(0, 300, 50):
            office.router.accept(f"a#1.1@{NODE}", frames[start : start + 50])
        assert [int(got.content or b"") for got in empty(b)] == list(range(300))

    async def test_each_receiver_gets_its_own_copy_with_the_same_id(self, office: PostOffice) -> None:
        a, b, c = office.open("a"), office.open("b"), office.open("c")
        office.tell("a", ["b", "c", "a", "b"])
        (for_b,), (for_c,), (for_a,) = empty(b), empty(c), empty(a)
        assert (for_b.receivers, for_c.receivers, for_a.receivers) == ("b", "c", "a")
        assert for_b.message_id == for_c.message_id
        office.check_sum()

    async def test_a_route_chooses_the_instance_and_keeps_a_conversation_there(
        self, office: PostOffice
    ) -> None:
        office.open("a")
        boxes = [office.open("b", number=n) for n in (1, 2)]
        office.routes.replace("default/b", [Target(f"b#1.{n}@{NODE}", NODE) for n in (1, 2)])
        for turn in range(60):
            office.tell("a", "b", conversation_id=f"talk-{turn % 20}")
        found = [{got.conversation_id for got in empty(box)} for box in boxes]
        assert all(found)
        assert not found[0] & found[1]

    async def test_a_flipped_route_takes_effect_with_the_next_message(self, office: PostOffice) -> None:
        office.open("a")
        old, new = office.open("b", number=1), office.open("b", number=2)
        for box, number in ((old, 1), (new, 2), (old, 1)):
            office.routes.replace("default/b", [Target(f"b#1.{number}@{NODE}", NODE)])
            office.tell("a", "b")
            assert len(empty(box)) == 1

    async def test_a_conversation_is_remembered_with_its_participants(self, office: PostOffice) -> None:
        office.open("a")
        office.open("b")
        office.tell("a", "b", conversation_id="talk-1")
        office.tell("b", "a", conversation_id="talk-1")
        talk = office.router.conversations.find("talk-1")
        assert talk is not None
        assert (talk.messages, talk.participants) == (2, {"a@node-1", "b@node-1"})

    async def test_a_removed_agent_is_unknown_and_its_mail_is_handed_back(self, office: PostOffice) -> None:
        a, b = office.open("a"), office.open("b")
        office.tell("a", "b", b"1")
        (left,) = office.router.remove_mailbox(f"b#1.1@{NODE}")
        assert decode(left).content == b"1"
        assert not b.put(b"more")
        office.check_sum()
        office.router.reroute([left])
        (news,) = empty(a)
        assert failure_of(news)["reason"] == "no-such-agent"
        office.check_sum()

    async def test_what_an_agent_said_in_its_last_call_is_still_routed(self, office: PostOffice) -> None:
        b = office.open("b")
        office.tell("gone", "b")
        assert [got.sender for got in empty(b)] == ["gone@node-1"]


class TestFailures:
    """Nobody waits in vain, nothing disappears, nothing echoes for ever."""

    async def test_an_unknown_receiver_is_told_to_the_sender_in_its_conversation(
        self, office: PostOffice
    ) -> None:
        a = office.open("a")
        office.tell("a", "nobody", conversation_id="talk-1", reply_with="q-1")
        (news,) = empty(a)
        found = failure_of(news)
        assert (found["reason"], found["receiver"]) == ("no-such-agent", "nobody")
        assert (news.conversation_id, news.in_reply_to) == ("talk-1", "q-1")
        (letter,) = office.router.dead_letters.newest()
        assert decode(letter.frame).message_id == bytes.fromhex(found["message_id"])
        counts = office.router.counts()
        assert (counts.accepted, counts.refused, counts.delivered) == (2, 1, 1)

    async def test_an_address_that_is_none_is_no_such_agent(self, office: PostOffice) -> None:
        a = office.open("a")
        office.tell("a", "Not An Address!")
        assert failure_of(empty(a)[0])["reason"] == "no-such-agent"

    async def test_one_bad_receiver_does_not_keep_the_others_waiting(self, office: PostOffice) -> None:
        a, b = office.open("a"), office.open("b")
        office.tell("a", ["nobody", "b"])
        assert len(empty(b)) == 1
        assert failure_of(empty(a)[0])["receiver"] == "nobody"
        office.check_sum()

    @pytest.mark.parametrize("act", [Performative.FAILURE, Performative.NOT_UNDERSTOOD])
    async def test_a_failure_that_cannot_be_delivered_is_a_dead_letter_and_never_answered(
        self, office: PostOffice, act: Performative
    ) -> None:
        a = office.open("a")
        office.say("a", Envelope(act, receivers="nobody", content=b""))
        assert empty(a) == []
        assert len(office.router.dead_letters) == 1
        assert office.router.counts().dead_lettered == 1
        office.check_sum()

    async def test_a_failure_about_a_sender_that_is_gone_ends_as_a_dead_letter(
        self, office: PostOffice
    ) -> None:
        office.tell("gone", "nobody")
        counts = office.router.counts()
        assert (counts.refused, counts.dead_lettered, counts.in_flight) == (1, 1, 0)
        office.check_sum()

    async def test_a_full_mailbox_refuses_a_client_with_the_reason(self, office: PostOffice) -> None:
        told: list[Envelope] = []
        office.router.add_platform_agent("client~1", told.append)
        office.open("b", depth=2)
        for _ in range(3):
            office.router.submit(Envelope(Performative.INFORM, "client~1@node-1", "b", b""))
        office.check_sum()
        await _turn_of_loop(told, 1)
        assert failure_of(told[0])["reason"] == "mailbox-full"

    async def test_a_full_mailbox_pauses_a_local_agent_instead_of_refusing_it(
        self, office: PostOffice
    ) -> None:
        a, b = office.open("a"), office.open("b", depth=2)
        a.put(b"work")
        for _ in range(4):
            office.tell("a", "b")
        assert (len(b), a.ready) == (4, 0)
        empty(b)
        assert a.ready == 1

    @pytest.mark.story("005")
    async def test_malformed_output_comes_back_as_not_understood_with_reason_and_position(
        self, office: PostOffice
    ) -> None:
        a, b = office.open("a"), office.open("b")
        broken = msgspec.msgpack.encode([8, None, "b", "no bytes", "talk-1", "q-1"])
        good = encode(Envelope(Performative.INFORM, None, "b", b"1"))
        office.router.accept(f"a#1.1@{NODE}", [good, broken, b"\xc1", good])
        assert len(empty(b)) == 2
        first, second = empty(a)
        assert first.performative is Performative.NOT_UNDERSTOOD
        content = json.loads(first.content or b"")
        assert (content["position"], content["field"]) == (3, "content")
        assert (first.conversation_id, first.in_reply_to) == ("talk-1", "q-1")
        assert json.loads(second.content or b"")["position"] is None
        assert office.router.counts().malformed == 2
        office.check_sum()

    @pytest.mark.story("005")
    async def test_an_agent_that_sends_nothing_but_rubbish_is_told_so_only_so_often(
        self, office: PostOffice
    ) -> None:
        a = office.open("a", depth=10_000)
        office.router.accept(f"a#1.1@{NODE}", [b"\xc1"] * 1_000)
        assert len(empty(a)) == SCOLDED_PER_S
        assert office.router.counts().malformed == 1_000
        office.clock.advance(1.0)
        office.router.accept(f"a#1.1@{NODE}", [b"\xc1"])
        assert len(empty(a)) == 1
        office.check_sum()

    @pytest.mark.story("005")
    async def test_a_broken_rule_comes_back_as_not_understood(self, office: PostOffice) -> None:
        a = office.open("a")
        office.say("a", Envelope(Performative.REQUEST, receivers="b"))
        office.say("a", Envelope(Performative.AGREE))
        fields = [json.loads(got.content or b"")["field"] for got in empty(a)]
        assert fields == ["content", "receivers"]
        assert office.router.counts().malformed == 2

    async def test_a_content_over_the_senders_limit_is_a_failure_and_goes_nowhere(
        self, office: PostOffice
    ) -> None:
        a, b = office.open("a", content_bytes_max=10), office.open("b")
        office.tell("a", "b", bytes(11))
        office.tell("a", "b", bytes(10))
        assert [len(got.content or b"") for got in empty(b)] == [10]
        assert failure_of(empty(a)[0])["reason"] == "oversize"
        office.check_sum()

    async def test_a_poisoned_message_goes_back_to_its_sender(self, office: PostOffice) -> None:
        a, b = office.open("a"), office.open("b")
        office.tell("a", "b", reply_with="q-1")
        (frame,) = b.take(1, 1_000)
        b.settle(0, poisoned=1)
        office.router.return_to_sender(frame, FailureReason.TRAPPED, "unreachable: it fell")
        (news,) = empty(a)
        assert failure_of(news)["detail"] == "unreachable: it fell"
        assert news.in_reply_to == "q-1"
        office.check_sum()

    async def test_a_message_of_a_client_that_breaks_a_rule_is_refused_at_once(
        self, office: PostOffice
    ) -> None:
        with pytest.raises(InvalidMessage):
            office.router.submit(Envelope(Performative.INFORM, "client~1@node-1", "b"))
        assert office.router.counts().accepted == 0


class TestFarAway:
    """Between nodes."""

    async def test_a_route_to_another_node_leads_to_the_mesh(self, office: PostOffice) -> None:
        office.open("a")
        office.route("far", "node-2")
        office.tell("a", "far", conversation_id="talk-1")
        ((node, _, envelope),) = office.mesh.sent
        assert (node, envelope.sender, envelope.receivers) == ("node-2", "a@node-1", "far")
        assert office.router.counts().forwarded == 1
        office.check_sum()

    async def test_a_pinned_address_goes_to_its_node_without_any_route(self, office: PostOffice) -> None:
        office.open("a")
        office.tell("a", "far@node-3")
        assert office.mesh.sent[0][0] == "node-3"

    async def test_one_conversation_stays_on_one_lane_and_many_use_several(self, office: PostOffice) -> None:
        office.open("a")
        for turn in range(40):
            office.tell("a", "far@node-2", conversation_id=f"talk-{turn % 20}")
        lanes: dict[str | None, set[int]] = {}
        for _, lane, envelope in office.mesh.sent:
            lanes.setdefault(envelope.conversation_id, set()).add(lane)
        assert all(len(used) == 1 for used in lanes.values())
        assert len({next(iter(used)) for used in lanes.values()}) == 4

    async def test_what_comes_from_another_node_is_delivered_as_it_is(self, office: PostOffice) -> None:
        b = office.open("b")
        sent = Envelope(
            Performative.INFORM, "far@node-2", "b", b"hi", "talk-1", message_id=bytes(16), sent_at=7
        )
        office.router.accept_remote("node-2", [encode(sent), b"\xc1"])
        assert empty(b) == [sent]
        assert office.router.counts().malformed == 1
        office.check_sum()

    async def test_a_message_that_arrived_stays_here_even_if_the_route_prefers_another_node(
        self, office: PostOffice
    ) -> None:
        b = office.open("b")
        office.route("b", "node-1", "node-2", "node-3")
        for turn in range(30):
            sent = Envelope(Performative.INFORM, "far@node-2", "b", b"", f"talk-{turn}")
            office.router.accept_remote("node-2", [encode(sent)])
        assert len(empty(b)) == 30
        assert office.mesh.sent == []

    async def test_a_message_that_arrived_for_an_agent_elsewhere_is_passed_on_but_not_for_ever(
        self, office: PostOffice
    ) -> None:
        office.route("b", "node-3")
        frame = encode(Envelope(Performative.INFORM, "far@node-2", "b", b""))
        hops = []
        for _ in range(3):
            office.router.accept_remote("node-2", [frame])
            _, _, passed_on = office.mesh.sent[-1]
            hops.append({name: msgspec.msgpack.decode(value) for name, value in passed_on.headers.items()})
            frame = office.mesh.frames[-1]
        assert hops == [{"hops": 1}, {"hops": 2}, {"hops": 3}]
        office.router.accept_remote("node-2", [frame])
        node, _, news = office.mesh.sent[-1]
        assert node == "node-2"
        assert failure_of(news)["reason"] == "unroutable"
        office.check_sum()

    async def test_a_guest_cannot_write_hops(self, office: PostOffice) -> None:
        office.open("a")
        b = office.open("b")
        office.tell("a", "b", headers={"hops": 3, "site": "x"})
        assert empty(b)[0].headers == {"site": msgspec.Raw(b"\xa1x")}

    async def test_an_unknown_agent_on_this_node_is_told_to_the_far_sender(self, office: PostOffice) -> None:
        office.router.accept_remote("node-2", [encode(Envelope(Performative.INFORM, "far@node-2", "b", b""))])
        ((node, _, news),) = office.mesh.sent
        assert (node, news.receivers) == ("node-2", "far@node-2")
        assert failure_of(news)["reason"] == "no-such-agent"

    async def test_a_full_buffer_towards_the_mesh_refuses_with_the_reason(self, office: PostOffice) -> None:
        a = office.open("a")
        office.mesh.room = 0
        office.tell("a", "far@node-2", reply_with="q-1")
        assert failure_of(empty(a)[0])["reason"] == "backlog-full"
        assert len(office.router.requests) == 0
        office.check_sum()

    async def test_without_a_cluster_another_node_is_unroutable(self, office: PostOffice) -> None:
        alone = Router(node_id=NODE, routes=RouteTable(), clock=office.clock, loop=office.router._loop)
        alone.submit(Envelope(Performative.INFORM, "client~1@node-1", "far@node-2", b""))
        assert alone.dead_letters.newest()[-1].reason is FailureReason.UNROUTABLE


class TestWaiting:
    """Whoever asked another node gets an answer, whatever happens to it."""

    async def test_the_death_of_a_node_is_told_to_everyone_who_waits_for_it(self, office: PostOffice) -> None:
        a = office.open("a")
        office.route("far", "node-2")
        office.tell("a", "far", reply_with="q-1", conversation_id="talk-1")
        office.tell("a", "far@node-3", reply_with="q-2")
        office.router.handle_node_died("node-2")
        (news,) = empty(a)
        assert (failure_of(news)["reason"], news.in_reply_to) == ("node-died", "q-1")
        assert len(office.router.requests) == 1
        office.check_sum()

    async def test_who_has_its_answer_hears_nothing_of_the_death(self, office: PostOffice) -> None:
        a = office.open("a")
        office.tell("a", "far@node-2", reply_with="q-1")
        answer = Envelope(Performative.INFORM, "far@node-2", "a@node-1", b"", in_reply_to="q-1")
        office.router.accept_remote("node-2", [encode(answer)])
        office.router.handle_node_died("node-2")
        assert [got.performative for got in empty(a)] == [Performative.INFORM]

    async def test_agreeing_is_no_answer(self, office: PostOffice) -> None:
        a = office.open("a")
        office.tell("a", "far@node-2", reply_with="q-1")
        agreed = Envelope(Performative.AGREE, "far@node-2", "a", None, in_reply_to="q-1")
        office.router.accept_remote("node-2", [encode(agreed)])
        office.router.handle_node_died("node-2")
        assert [got.performative for got in empty(a)] == [Performative.AGREE, Performative.FAILURE]

    async def test_what_a_dead_node_never_took_goes_to_where_the_agent_is_now(
        self, office: PostOffice
    ) -> None:
        a = office.open("a")
        office.route("far", "node-2")
        office.tell("a", "far", reply_with="q-1")
        office.route("far", "node-3")
        office.router.handle_node_died("node-2", [office.mesh.frames[0]])
        assert [node for node, _, _ in office.mesh.sent] == ["node-2", "node-3"]
        assert empty(a) == []
        office.router.handle_node_died("node-3")
        assert failure_of(empty(a)[0])["reason"] == "node-died"

    async def test_what_a_dead_node_never_took_comes_back_when_the_agent_is_nowhere(
        self, office: PostOffice
    ) -> None:
        a = office.open("a")
        office.route("far", "node-2")
        office.tell("a", "far", reply_with="q-1")
        office.route("far")
        office.router.handle_node_died("node-2", [office.mesh.frames[0]])
        (news,) = empty(a)
        assert failure_of(news)["reason"] == "node-died"
        office.check_sum()

    async def test_what_the_mesh_refuses_comes_back_with_the_reason(self, office: PostOffice) -> None:
        a = office.open("a")
        office.tell("a", "far@node-2", reply_with="q-1")
        office.tell("a", "far@node-3", reply_with="q-2")
        assert office.mesh.refused is not None
        office.mesh.forwarded -= 2
        office.router.handle_node_died("node-9")
        office.mesh.refused("node-2", office.mesh.frames[:1], FailureReason.UNROUTABLE, "no member")
        office.router._delivery.note_death("node-3")
        office.mesh.refused("node-3", office.mesh.frames[1:2], FailureReason.UNROUTABLE, "no member")
        assert [failure_of(news)["reason"] for news in empty(a)] == ["unroutable", "node-died"]
        assert len(office.router.requests) == 0
        office.check_sum()

    @pytest.mark.story("011")
    async def test_a_failure_ends_the_protocol_with_whoever_failed(self, office: PostOffice) -> None:
        office.open("a")
        for receiver in ("far@node-2", "other@node-3"):
            request = Envelope(
                Performative.REQUEST, None, receiver, b"", "talk-1", "q-1", protocol="fipa-request"
            )
            office.say("a", request)
        office.router.handle_node_died("node-2")
        talk = office.router.conversations.find("talk-1")
        assert talk is not None
        assert {course.participant: course.stage.name for course in talk.courses()} == {
            "far@node-2": "failed",
            "other@node-3": "requested",
        }
        assert talk.faults == 0

    async def test_a_passed_deadline_is_told_once(self, office: PostOffice) -> None:
        a = office.open("a")
        office.open("b")
        now_ms = office.clock.unix_us() // 1_000
        office.tell("a", "b", reply_with="q-1", reply_by=now_ms + 500)
        office.tell("a", "far@node-2", reply_with="q-2", reply_by=now_ms + 900)
        office.router.tick(office.clock.unix_us())
        assert empty(a) == []
        office.clock.advance(0.6)
        office.router.tick(office.clock.unix_us())
        office.router.tick(office.clock.unix_us())
        (news,) = empty(a)
        assert (failure_of(news)["reason"], news.in_reply_to) == ("timeout", "q-1")
        office.clock.advance(0.6)
        office.router.tick(office.clock.unix_us())
        assert [news.in_reply_to for news in empty(a)] == ["q-2"]

    async def test_an_answer_in_time_ends_the_wait(self, office: PostOffice) -> None:
        a = office.open("a")
        office.open("b")
        office.tell("a", "b", reply_with="q-1", reply_by=office.clock.unix_us() // 1_000 + 500)
        office.tell("b", "a@node-1", in_reply_to="q-1")
        office.clock.advance(9)
        office.router.tick(office.clock.unix_us())
        assert [got.performative for got in empty(a)] == [Performative.INFORM]

    async def test_a_trapped_request_with_a_deadline_is_told_once_only(self, office: PostOffice) -> None:
        a, b = office.open("a"), office.open("b")
        office.tell("a", "b", reply_with="q-1", reply_by=office.clock.unix_us() // 1_000 + 500)
        (frame,) = b.take(1, 1_000)
        b.settle(0, poisoned=1)
        office.router.return_to_sender(frame, FailureReason.TRAPPED, "")
        office.clock.advance(9)
        office.router.tick(office.clock.unix_us())
        assert [failure_of(news)["reason"] for news in empty(a)] == ["trapped"]


async def _turn_of_loop(told: list[Envelope], count: int) -> None:
    async with asyncio.timeout(5):
        while len(told) < count:  # noqa: ASYNC110  one turn of the loop is all it takes
            await asyncio.sleep(0)
