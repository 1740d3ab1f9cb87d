"""What is open, as bytes and back again: for the time in which a node is down. Pure.

A record is a MessagePack array for one conversation; what a later version appends is absent in older records
and takes its default. What is left out is what nobody will go on with:

- talks with other nodes: they have been told that this one left (`Partners.tell_of_parting`);
- talks with those whose name has a `~`: clients and tasks, who live as long as the node does.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from heapq import nlargest
from typing import Any

import msgspec
from msgspec import Struct, structs

from caxton_node.fipa import Envelope, decode, encode
from caxton_node.fipa.protocols import PROTOCOLS, Protocol, Stage
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.courses import Conversation, Course
from caxton_node.messaging.requests import OpenRequest, OpenRequests

TALKS_MAX = 10_000
REQUESTS_MAX = 10_000
OF_ONE_LIFE = "~"


class CourseRecord(Struct, array_like=True, frozen=True):
    """How far two have come; stages by their names."""

    protocol: str
    initiator: str
    participant: str
    stage: str
    before: str


class TalkRecord(Struct, array_like=True, frozen=True):
    """One open conversation; its fields are those of `courses.Conversation`."""

    id: str
    initiator: str
    trace_id: bytes
    is_followed: bool
    messages_max: int
    window_us: int
    messages: int
    last_us: int
    deadline_ms: int
    faults: int
    courses: tuple[CourseRecord, ...]


_write = msgspec.msgpack.Encoder().encode
_read = msgspec.msgpack.Decoder(TalkRecord).decode


# -- conversations -------------------------------------------------------------------------------------------


def dump(
    conversations: Conversations, node_id: str, talks_max: int = TALKS_MAX
) -> tuple[list[tuple[str, bytes]], int]:
    """Write down the open conversations, those in which somebody spoke last.

    Args:
        conversations: The table; nobody may speak meanwhile.
        node_id: This node.
        talks_max: At most so many.

    Returns:
        Their ids and records, the latest first; and how many there were no room for.
    """
    here = f"@{node_id}"
    open_talks = [
        talk
        for talk in conversations.table.values()
        if talk.is_open and any(course.is_open and _lasts(course, here) for course in talk.courses())
    ]
    latest = nlargest(talks_max, open_talks, key=lambda talk: talk.last_us)
    return [(talk.id, _write(_record_of(talk, here))) for talk in latest], len(open_talks) - len(latest)


def load(conversations: Conversations, records: Iterable[bytes]) -> int:
    """Take up the conversations of records; returns how many of them could not be read."""
    unread = 0
    for record in records:
        try:
            talk = _talk_of(_read(record))
        except (msgspec.DecodeError, KeyError, ValueError):
            unread += 1  # of another version, which knows other protocols or stages
        else:
            conversations.resume(talk)
    return unread


def _lasts(course: Course, here: str) -> bool:
    """Return whether both ends will be there after the next start of the node."""
    ends = (course.initiator, course.participant)
    return all(end.endswith(here) and OF_ONE_LIFE not in end for end in ends)


def _record_of(talk: Conversation, here: str) -> TalkRecord:
    return TalkRecord(
        talk.id,
        talk.initiator,
        talk.trace_id,
        talk.is_followed,
        talk.messages_max,
        talk.window_us,
        talk.messages,
        talk.last_us,
        talk.deadline_ms,
        talk.faults,
        tuple(_record_of_course(course) for course in talk.courses() if _lasts(course, here)),
    )


def _record_of_course(course: Course) -> CourseRecord:
    names = course.protocol.name, course.initiator, course.participant
    return CourseRecord(*names, course.stage.name, course.before.name)


def _talk_of(record: TalkRecord) -> Conversation:
    talk = Conversation(
        record.id,
        record.initiator,
        record.trace_id,
        record.is_followed,
        record.messages_max,
        record.window_us,
        record.messages,
        record.last_us,
        record.deadline_ms,
        faults=record.faults,
    )
    for kept in record.courses:
        course = _course_of(kept)
        talk.add(course)
        talk.open_courses += course.is_open
    return talk


def _course_of(record: CourseRecord) -> Course:
    protocol = PROTOCOLS[record.protocol]
    stages = _stage(protocol, record.stage), _stage(protocol, record.before)
    return Course(protocol, record.initiator, record.participant, *stages)


def _stage(protocol: Protocol[Any, Any], name: str) -> Stage:
    """Return a stage by its name; ValueError if the protocol has none of this name."""
    return protocol.stage(type(protocol.start)(name))


# -- requests ------------------------------------------------------------------------------------------------


def dump_requests(requests: OpenRequests, node_id: str, requests_max: int = REQUESTS_MAX) -> list[bytes]:
    """Write down the requests of agents here to agents here, the latest of them, oldest first."""
    here = f"@{node_id}"
    waiting = [request for request in requests.waiting.values() if _waits(request, here)]
    return [encode(_envelope_of(request)) for request in waiting[-requests_max:]]


def load_requests(requests: OpenRequests, frames: Sequence[bytes], node_id: str) -> None:
    """Let the senders of requests wait for an answer again."""
    for envelope in map(decode, frames):
        requests.remember(envelope, next(iter(envelope.receiver_list()), ""), node_id)


def _waits(request: OpenRequest, here: str) -> bool:
    ends = (request.envelope.sender or "", request.receiver)
    return all(end.endswith(here) and OF_ONE_LIFE not in end for end in ends)


def _envelope_of(request: OpenRequest) -> Envelope:
    """Return a request as it can be remembered again: to the one who is to answer, with its deadline."""
    return structs.replace(request.envelope, receivers=request.receiver, reply_by=request.deadline_ms)
