"""Traces: which conversations are followed, and what their spans tell."""

import pytest

from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging.stamps import new_trace, to_message_id
from caxton_node.messaging.traces import BEGUN_PER_S, SAMPLED, SPANS_PER_S, Span, Traces

pytestmark = pytest.mark.story("002")
SECOND_US = 1_000_000
CALL = to_message_id(7)


def sent(number: int, *, at_us: int = 5, talk: str | None = "talk", trace_id: bytes = CALL) -> Envelope:
    message_id = to_message_id(number)
    return Envelope(
        Performative.REQUEST,
        "a@n1",
        "b",
        b"1",
        talk,
        reply_with=f"q-{number}",
        message_id=message_id,
        sent_at=at_us,
        trace=new_trace(message_id, SAMPLED, trace_id),
    )


def begin(traces: Traces, envelope: Envelope, receiver: str = "b@n1") -> Span:
    span = traces.begin(envelope, receiver)
    assert span is not None
    return span


@pytest.mark.parametrize(("share", "followed"), [(0.0, 0), (0.01, 10), (0.5, 500), (1.0, 1000)])
def test_a_share_of_the_conversations_of_guests_is_followed(share: float, followed: int) -> None:
    traces = Traces(share)
    assert sum(traces.follows_next() for _ in range(1000)) == followed


def test_people_are_followed_until_they_begin_too_many_in_a_second() -> None:
    traces = Traces(0.0)
    assert sum(traces.follows_person(5) for _ in range(BEGUN_PER_S + 50)) == BEGUN_PER_S
    assert traces.follows_person(5 + SECOND_US)


def test_a_span_says_who_whom_what_for_and_when() -> None:
    span = begin(Traces(), sent(7))
    assert (span.trace_id, span.message_id, span.conversation_id) == (CALL, CALL, "talk")
    assert (span.performative, span.sender, span.receiver) == (Performative.REQUEST, "a@n1", "b@n1")
    assert (span.reply_with, span.in_reply_to, span.outcome) == ("q-7", None, "queued")
    assert span.sent_us == 5 < span.routed_us
    assert span.taken_us == span.ended_us == 0


def test_a_trace_is_found_by_its_id_its_conversation_and_each_of_its_messages() -> None:
    traces = Traces()
    spans = [begin(traces, sent(number, at_us=20 - number)) for number in (7, 8, 9)]
    begin(traces, sent(30, talk="other", trace_id=to_message_id(30)))
    for key in (CALL, to_message_id(9), "talk"):
        assert traces.find(key) == spans[::-1]
    assert traces.find(to_message_id(31)) == traces.find("talks") == []


def test_beyond_its_bound_a_second_has_no_spans_and_that_is_counted() -> None:
    traces = Traces()
    made = [traces.begin(sent(number), "b@n1") for number in range(SPANS_PER_S + 3)]
    assert made[SPANS_PER_S:] == [None] * 3
    assert traces.forgotten == 3
    assert traces.begin(sent(1, at_us=SECOND_US), "b@n1") is not None


def test_the_oldest_spans_make_room() -> None:
    traces = Traces(spans_max=2)
    spans = [begin(traces, sent(number)) for number in range(3)]
    assert traces.find("talk") == spans[1:]


def test_what_is_given_up_ends_the_span_of_that_receiver_and_no_other() -> None:
    traces = Traces()
    envelope = sent(7)
    to_b, to_c = begin(traces, envelope, "b@n1"), begin(traces, envelope, "c@n1")
    traces.end(envelope, "default/b", "refused: mailbox-full", 9)
    assert (to_b.outcome, to_b.ended_us) == ("refused: mailbox-full", 9)
    assert (to_c.outcome, to_c.ended_us) == ("queued", 0)


def test_what_led_nowhere_has_a_span_all_the_same() -> None:
    traces = Traces()
    traces.end(sent(7), "nobody", "refused: no-such-agent", 9)
    (span,) = traces.find(CALL)
    assert (span.receiver, span.outcome, span.ended_us) == ("nobody", "refused: no-such-agent", 9)
