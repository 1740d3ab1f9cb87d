"""Whatever is no message is refused at the door, with the reason, and reaches nobody.

What comes from guests passes a real router: its sender gets NOT_UNDERSTOOD, or FAILURE for what is a message
but cannot be delivered, the receiver gets nothing, and every message is accounted for.
"""

from __future__ import annotations

import json

import pytest

from caxton_node.fipa import Envelope, FailureReason, Performative, decode, encode
from caxton_node.fipa.content import fault_in, is_sound
from caxton_node.fipa.json_form import MalformedJson, read_json
from caxton_node.fipa.message import POSITIONS
from caxton_node.fipa.text import MalformedText, read_text
from tests.conformance.fipa.malformed import Case, cases
from tests.conformance.fipa.malformed_bytes import ENVELOPES, GOOD, QUESTION, TALK, pack
from tests.conformance.fipa.malformed_json import JSONS
from tests.conformance.fipa.malformed_messages import (
    ADDRESSES,
    BROKEN_RULES,
    CONTENT_BYTES_MAX,
    CONTENTS,
    NEVER_ANSWERED,
    OVERSIZE,
    message,
)
from tests.conformance.fipa.malformed_texts import TEXTS, Text
from tests.support.post_office import NODE, PostOffice, empty, failure_of

pytestmark = pytest.mark.story("005")

THROUGH_ROUTER = (*ENVELOPES, *BROKEN_RULES, *CONTENTS)
ALL = (*THROUGH_ROUTER, *NEVER_ANSWERED, *ADDRESSES, *OVERSIZE, *JSONS)


class Exchange:
    """An agent that says something to another, through a real router."""

    def __init__(self, content_bytes_max: int = 2**21) -> None:
        self.office = PostOffice()
        self.asker = self.office.open("asker", content_bytes_max=content_bytes_max)
        self.other = self.office.open("other")

    def say(self, frame: bytes) -> list[Envelope]:
        """Say it, and a good message behind it, which alone arrives; return what came back."""
        good = encode(Envelope(Performative.INFORM, receivers="other", content=b'"good"'))
        self.office.router.accept(f"asker#1.1@{NODE}", [frame, good])
        assert [one.content for one in empty(self.other)] == [b'"good"']
        answers = empty(self.asker)
        self.office.check_sum()
        assert self.office.router.counts().in_flight == 0
        assert not self.office.mesh.sent
        return answers


def test_there_are_more_cases_than_anybody_would_think_of_by_chance_and_each_has_its_name() -> None:
    names = [f"{case.family}: {case.name}" for case in ALL] + [f"text: {each.name}" for each in TEXTS]
    assert len(names) == len(set(names)) > 450


def test_what_the_broken_envelopes_are_made_of_is_good() -> None:
    assert decode(pack(*GOOD)).receivers == "other"
    assert {case.field for case in ENVELOPES} == {None, *POSITIONS}


@cases(THROUGH_ROUTER)
async def test_what_a_guest_sends_that_is_no_message_comes_back_not_understood(case: Case) -> None:
    exchange = Exchange()
    (answer,) = exchange.say(case.data)
    assert (answer.performative, answer.sender) == (Performative.NOT_UNDERSTOOD, "ams")
    said = json.loads(answer.content or b"")
    assert case.words in said["reason"]
    assert (said["position"], said["field"]) == (case.position, case.field)
    about = (answer.conversation_id, answer.in_reply_to)
    assert (about == (TALK, QUESTION)) == case.known
    counts = exchange.office.router.counts()
    assert (counts.malformed, counts.refused, counts.dead_lettered) == (1, 0, 0)


@cases(NEVER_ANSWERED)
async def test_a_broken_answer_is_counted_and_never_answered(case: Case) -> None:
    exchange = Exchange()
    assert exchange.say(case.data) == []
    assert exchange.office.router.counts().malformed == 1


@cases(ADDRESSES)
async def test_what_is_sent_to_no_agent_comes_back_as_failure(case: Case) -> None:
    (answer,) = Exchange().say(case.data)
    said = failure_of(answer)
    assert said["reason"] == FailureReason.NO_SUCH_AGENT
    assert case.words in said["detail"]
    assert said["receiver"] == decode(case.data).receivers
    assert (answer.conversation_id, answer.in_reply_to) == (TALK, QUESTION)


async def test_of_many_receivers_each_that_is_none_comes_back_and_the_others_get_theirs() -> None:
    office = PostOffice()
    asker, other = office.open("asker"), office.open("other")
    office.router.accept(f"asker#1.1@{NODE}", [message(receivers=["Bad One", "other", "nobody"])])
    assert [one.content for one in empty(other)] == [b"{}"]
    assert [failure_of(one)["receiver"] for one in empty(asker)] == ["Bad One", "nobody"]
    office.check_sum()


@cases(OVERSIZE)
async def test_what_is_too_large_comes_back_as_failure(case: Case) -> None:
    exchange = Exchange(CONTENT_BYTES_MAX)
    (answer,) = exchange.say(case.data)
    said = failure_of(answer)
    assert (said["reason"], case.words in said["detail"]) == (FailureReason.OVERSIZE, True)
    assert (answer.conversation_id, answer.in_reply_to) == (TALK, QUESTION)
    assert exchange.office.router.counts().refused == 1


@cases(CONTENTS)
def test_a_content_that_is_not_json_says_what_and_where(case: Case) -> None:
    found = decode(case.data)
    reason = fault_in(found.content or b"", found.language, found.encoding)
    assert case.words in (reason or "")
    assert not is_sound(found.content or b"", found.language, found.encoding)
    assert is_sound(found.content or b"", "text", None)


@pytest.mark.parametrize("case", TEXTS, ids=lambda case: case.name)
def test_a_text_that_is_no_message_is_refused_at_its_place(case: Text) -> None:
    with pytest.raises(MalformedText) as caught:
        read_text(case.text)
    assert case.words in caught.value.reason
    assert (caught.value.line, caught.value.column) == (case.line, case.column)


@cases(JSONS)
def test_json_that_is_no_message_is_refused_with_its_key(case: Case) -> None:
    with pytest.raises(MalformedJson) as caught:
        read_json(case.data)
    assert case.words in caught.value.reason
    assert caught.value.field == case.field
