import json

import pytest

from caxton_node.fipa import Envelope, FailureReason, Performative, failure, not_understood, reply

pytestmark = pytest.mark.story("005")

QUESTION = Envelope(
    Performative.REQUEST,
    sender="asker@node-1",
    receivers=["answerer", "other"],
    content=b"?",
    conversation_id="talk-1",
    reply_with="question-1",
    in_reply_to="before",
    ontology="things",
    language="json",
    protocol="fipa-request",
    message_id=bytes(15) + b"\x07",
    trace=bytes(25),
)


def test_a_reply_goes_back_in_the_same_conversation_and_names_what_it_answers() -> None:
    answer = reply(QUESTION, Performative.INFORM, b"!", "answerer@node-2")
    assert answer == Envelope(
        Performative.INFORM,
        sender="answerer@node-2",
        receivers="asker@node-1",
        content=b"!",
        conversation_id="talk-1",
        in_reply_to="question-1",
        ontology="things",
        language="json",
        protocol="fipa-request",
        trace=bytes(25),
    )


def test_a_reply_goes_to_reply_to_but_news_of_a_failure_goes_to_the_sender() -> None:
    question = Envelope(Performative.REQUEST, "asker", "answerer", b"?", reply_to="desk")
    assert reply(question, Performative.INFORM, b"!", "answerer").receivers == "desk"
    assert failure(question, FailureReason.TIMEOUT, "late").receivers == "asker"
    assert not_understood(question, "what?").receivers == "asker"


@pytest.mark.parametrize("reason", FailureReason)
def test_a_failure_comes_from_the_platform_and_says_why_in_json(reason: FailureReason) -> None:
    answer = failure(QUESTION, reason, "a sentence", "other")
    assert (answer.performative, answer.sender) == (Performative.FAILURE, "ams")
    assert (answer.conversation_id, answer.in_reply_to) == ("talk-1", "question-1")
    assert json.loads(answer.content or b"") == {
        "reason": reason.value,
        "detail": "a sentence",
        "message_id": "0" * 31 + "7",
        "receiver": "other",
    }


def test_a_failure_names_the_first_receiver_when_there_is_no_other_word() -> None:
    content = failure(QUESTION, FailureReason.TIMEOUT, "").content
    assert json.loads(content or b"")["receiver"] == "answerer"


def test_not_understood_names_the_position_and_the_field() -> None:
    answer = not_understood(QUESTION, "Expected `bytes`, got `str`", 3, "content")
    assert answer.performative is Performative.NOT_UNDERSTOOD
    expected = {"reason": "Expected `bytes`, got `str`", "position": 3, "field": "content"}
    assert json.loads(answer.content or b"") == expected
