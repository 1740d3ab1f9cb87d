"""What is open is written down and taken up again, as it was."""

from __future__ import annotations

from typing import Any

import pytest
from msgspec import structs

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.protocols import PROTOCOLS, Protocol, Stage
from caxton_node.messaging.conversations import OPEN_IDLE_US, Conversations
from caxton_node.messaging.courses import Conversation, Course
from caxton_node.messaging.remembering import (
    CourseRecord,
    TalkRecord,
    _read,
    _write,
    dump,
    dump_requests,
    load,
    load_requests,
)
from caxton_node.messaging.requests import OpenRequests

pytestmark = pytest.mark.story("011")
NODE = "n1"
A, B, C = "a@n1", "b@n1", "c@n1"
REQUEST, NET = "fipa-request", "fipa-contract-net"


def begin(conversations: Conversations, name: str = "talk", now_us: int = 5) -> Conversation:
    return conversations.begin(name, A, now_us, b"t" * 16, is_followed=True)


def say(
    conversations: Conversations,
    act: str,
    sender: str,
    receiver: str,
    protocol: str = REQUEST,
    talk: str = "talk",
) -> bool:
    """Say something; return whether it is allowed."""
    found = conversations.find(talk) or begin(conversations, talk)
    found.messages += 1
    return conversations.follow(found, Performative[act], protocol, sender, receiver) is None


def again(conversations: Conversations, **bounds: int) -> Conversations:
    """Return what the next life of the node knows."""
    talks, _ = dump(conversations, NODE, **bounds)
    after = Conversations()
    assert load(after, [record for _, record in talks]) == 0
    return after


def stages(protocol: Protocol[Any, Any]) -> list[Stage]:
    return [protocol.stage(state) for state in type(protocol.start)]


class TestTalks:
    def test_a_protocol_goes_on_where_it_was(self) -> None:
        before = Conversations()
        assert say(before, "CFP", A, B, NET)
        assert say(before, "CFP", A, C, NET)
        assert say(before, "PROPOSE", B, A, NET)
        after = again(before)
        assert not say(after, "PROPOSE", B, A, NET), "it has bid"
        assert say(after, "PROPOSE", C, A, NET)
        assert say(after, "ACCEPT_PROPOSAL", A, B, NET)
        assert say(after, "REJECT_PROPOSAL", A, C, NET)
        assert say(after, "INFORM", B, A, NET)
        assert not after.is_open("talk")

    def test_everything_that_is_known_of_it_is_the_same(self) -> None:
        before = Conversations()
        say(before, "REQUEST", A, B)
        say(before, "QUERY_IF", A, B, "fipa-query")
        talk = before.table["talk"]
        talk.deadline_ms, talk.faults, talk.window_us, talk.last_us = 9, 2, 7, 8
        found = again(before).table["talk"]
        assert structs.replace(found, is_kept=True) == talk
        assert (found.open_courses, found.is_kept) == (2, False)

    @pytest.mark.parametrize("protocol", PROTOCOLS.values(), ids=lambda protocol: protocol.name)
    def test_every_stage_of_every_protocol_is_found_again(self, protocol: Protocol[Any, Any]) -> None:
        for stage in stages(protocol):
            for opened in stages(protocol):
                before = Conversations()
                talk = begin(before)
                talk.course = Course(protocol, A, B, stage, opened)
                talk.more = {(B, C, REQUEST): Course(PROTOCOLS[REQUEST], B, C, *_requested())}
                talk.open_courses = 1 + (not stage.is_final)
                course = again(before).table["talk"].course
                assert course is not None
                assert (course.stage, course.before) == (stage, opened)

    def test_an_answer_that_reached_nobody_may_be_given_again_in_the_next_life(self) -> None:
        before = Conversations()
        say(before, "CFP", A, B, NET)
        say(before, "PROPOSE", B, A, NET)
        after = again(before)
        after.take_back("talk", Performative.PROPOSE, NET, B, A)
        assert say(after, "PROPOSE", B, A, NET)

    def test_what_ends_afterwards_is_forgotten_like_any_other(self) -> None:
        before = Conversations()
        for number in range(100):
            say(before, "REQUEST", A, B, REQUEST, f"talk-{number}")
        talks, _ = dump(before, NODE)
        after = Conversations(kept_max=10)
        load(after, [record for _, record in talks])
        for number in range(100):
            assert say(after, "INFORM", B, A, REQUEST, f"talk-{number}")
        assert len(after) == 10

    def test_what_is_over_or_never_had_a_protocol_is_left_out(self) -> None:
        before = Conversations()
        say(before, "REQUEST", A, B, REQUEST, "over")
        say(before, "INFORM", B, A, REQUEST, "over")
        say(before, "INFORM", A, B, "", "chat")
        assert dump(before, NODE) == ([], 0)

    def test_talks_with_other_nodes_and_with_clients_end_with_the_life_of_the_node(self) -> None:
        before = Conversations()
        say(before, "REQUEST", "far@n2", B, REQUEST, "far")
        say(before, "REQUEST", "client~1-2@n1", B, REQUEST, "client")
        say(before, "CFP", A, B, NET, "mixed")
        say(before, "CFP", A, "far@n2", NET, "mixed")
        after = again(before)
        assert list(after.table) == ["mixed"]
        assert [course.participant for course in after.table["mixed"].courses()] == [B]
        assert after.table["mixed"].open_courses == 1

    def test_the_latest_are_kept_and_the_others_counted(self) -> None:
        before = Conversations()
        for number in range(10):
            say(before, "REQUEST", A, B, REQUEST, f"talk-{number}")
            before.table[f"talk-{number}"].last_us = number
        talks, forgotten = dump(before, NODE, talks_max=3)
        assert ([name for name, _ in talks], forgotten) == (["talk-9", "talk-8", "talk-7"], 7)

    @pytest.mark.parametrize(
        "record",
        [
            b"\xc1",
            _write(TalkRecord("t", A, b"", False, 1, 1, 1, 1, 0, 0, (CourseRecord("acme", A, B, "x", "x"),))),
            _write(TalkRecord("t", A, b"", False, 1, 1, 1, 1, 0, 0, (CourseRecord(NET, A, B, "x", "x"),))),
        ],
        ids=["no record", "unknown protocol", "unknown stage"],
    )
    def test_what_cannot_be_read_is_counted_and_changes_nothing(self, record: bytes) -> None:
        after = Conversations()
        assert load(after, [record]) == 1
        assert len(after) == 0

    def test_a_record_of_a_later_version_is_read_as_far_as_it_is_understood(self) -> None:
        before = Conversations()
        say(before, "REQUEST", A, B)
        ((_, record),), _ = dump(before, NODE)
        longer = bytes((record[0] + 1,)) + record[1:] + b"\xc3"
        assert _read(longer) == _read(record)

    def test_silence_goes_on_while_the_node_is_down(self) -> None:
        before = Conversations()
        say(before, "REQUEST", A, B)
        after = again(before)
        after.tick(2 * OPEN_IDLE_US)
        assert len(after) == 0


class TestRequests:
    def request(self, sender: str = A, receiver: str = B, reply_by: int | None = 100) -> tuple[Envelope, str]:
        name = receiver.partition("@")[0]
        envelope = Envelope(
            Performative.REQUEST,
            sender,
            name,
            b"content",
            "talk",
            f"r-{sender}-{receiver}",
            reply_by=reply_by,
        )
        envelope.message_id = bytes(16)
        return envelope, receiver

    def test_a_deadline_comes_in_the_next_life(self) -> None:
        before, after = OpenRequests(), OpenRequests()
        before.remember(*self.request(), NODE)
        load_requests(after, dump_requests(before, NODE), NODE)
        assert after.take_expired(99) == []
        (request,) = after.take_expired(100)
        assert (request.receiver, request.node, request.envelope.reply_with) == (B, NODE, f"r-{A}-{B}")
        assert request.envelope.content is None

    def test_an_answer_in_the_next_life_closes_it(self) -> None:
        before, after = OpenRequests(), OpenRequests()
        before.remember(*self.request(), NODE)
        load_requests(after, dump_requests(before, NODE), NODE)
        after.close(Performative.INFORM, f"r-{A}-{B}", B, A)
        assert len(after) == 0

    def test_those_of_other_nodes_and_of_clients_are_left_out_and_of_too_many_the_oldest(self) -> None:
        before, after = OpenRequests(), OpenRequests()
        for ends in ((A, "far@n2"), ("client~1-2@n1", B), (A, B), (A, C), (B, C)):
            before.remember(*self.request(*ends), NODE)
        load_requests(after, dump_requests(before, NODE, requests_max=2), NODE)
        found = [(request.envelope.sender, request.receiver) for request in after.take_expired(100)]
        assert sorted(found) == [(A, C), (B, C)]


def _requested() -> tuple[Stage, Stage]:
    opening = PROTOCOLS[REQUEST].opening
    return opening.initiator[Performative.REQUEST], opening
