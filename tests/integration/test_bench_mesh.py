"""The guests of the mesh's benchmark count what they say they count, or its figures would mean nothing."""

from __future__ import annotations

import time
from collections.abc import Iterator
from itertools import pairwise

import pytest

from caxton_node.fipa import Envelope, Performative, decode, encode
from caxton_node.fipa.content import is_sound
from caxton_node.runtime import Engine, Sandbox
from tests.bench.mesh.guests import CELLS, Lateness, content, guest, lateness_ms, read_lateness, read_sent
from tests.bench.mesh.latency import AT_SENDING
from tests.bench.mesh.layers import REST, layer_of
from tests.support.guests import start

pytestmark = pytest.mark.story("019")


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    made = Engine()
    yield made
    made.close()


def source(engine: Engine) -> Sandbox:
    return start(engine, guest("source"), name="source", config={"peer": "sink@b"})[0]


def sink(engine: Engine) -> Sandbox:
    return start(engine, guest("sink"), name="sink")[0]


def tell(sandbox: Sandbox, *envelopes: Envelope) -> list[Envelope]:
    """Give a guest messages, and return what it sends, as its node would complete it."""
    outcome = sandbox.handle([encode(envelope) for envelope in envelopes])
    assert outcome.handled == len(envelopes), outcome.trap
    sent = [decode(frame) for frame in outcome.outbox]
    for envelope in sent:
        envelope.sender = "source@a"
    return sent


def order(opened: int, step: int, *, size_bytes: int = 200, due_ns: int = 0) -> Envelope:
    told = content(opened=opened, step=step, size_bytes=size_bytes, due_ns=due_ns)
    return Envelope(Performative.REQUEST, "bench", "source@a", told)


def report(sandbox: Sandbox) -> bytes:
    asked = Envelope(Performative.QUERY_REF, "bench", "x", b"0", "talk", "question-1")
    (answer,) = tell(sandbox, asked)
    assert (answer.performative, answer.in_reply_to) == (Performative.INFORM, "question-1")
    assert (answer.receivers, answer.conversation_id, answer.language) == ("bench", "talk", "octets")
    assert answer.content is not None
    return answer.content


@pytest.mark.parametrize("size_bytes", [75, 200, 1_024])
def test_what_the_guests_say_is_json_of_the_size_that_was_asked_for(size_bytes: int) -> None:
    said = content(opened=64, step=16, size_bytes=size_bytes, due_ns=time.time_ns())
    assert len(said) == size_bytes
    assert is_sound(said, None, None)


@pytest.mark.parametrize("size_bytes", [200, 1_024])
def test_a_source_sends_what_it_is_allowed_in_conversations_that_take_turns(
    engine: Engine, size_bytes: int
) -> None:
    sent = tell(source(engine), told := order(20, 0, size_bytes=size_bytes))
    assert [envelope.content for envelope in sent] == [told.content] * 20
    assert {envelope.receivers for envelope in sent} == {"sink@b"}
    talks = [envelope.conversation_id for envelope in sent]
    assert talks[:16] == [f"source/{number:08}" for number in range(16)]
    assert talks[16:] == talks[:4]


def test_conversations_end_and_others_follow(engine: Engine) -> None:
    sent = tell(source(engine), order(4_100, 0))
    assert [envelope.conversation_id for envelope in sent[4_094:4_098]] == [
        "source/00000014",
        "source/00000015",
        "source/00000016",
        "source/00000017",
    ]


def test_each_step_of_the_sink_lets_the_source_send_one_more_step_until_it_is_stopped(engine: Engine) -> None:
    one, other = source(engine), sink(engine)
    confirmed = tell(other, *tell(one, order(7, 3)))
    assert [envelope.performative for envelope in confirmed] == [Performative.CONFIRM] * 2
    assert {envelope.receivers for envelope in confirmed} == {"source@a"}
    confirmed = tell(other, *tell(one, *confirmed))
    assert (read_sent(report(one)), read_lateness(report(other)).handled) == (13, 13)
    assert tell(one, *confirmed) == []


def test_a_sink_counts_how_late_each_message_is_and_only_those_that_have_a_time(engine: Engine) -> None:
    other = sink(engine)
    tell(other, *tell(source(engine), order(5, 0)))
    before = read_lateness(report(other))
    tell(other, *tell(source(engine), order(3, 0, due_ns=time.time_ns() - 2_000_000_000)))
    found = read_lateness(report(other)).since(before)
    assert (before.handled, before.count, found.handled, found.count) == (5, 0, 3, 3)
    assert found.percentile_ms(0.0) >= 2_000


def test_a_source_writes_the_moment_of_sending_where_it_is_asked_to(engine: Engine) -> None:
    began_ns = time.time_ns()
    (sent,) = tell(source(engine), order(1, 0, due_ns=AT_SENDING))
    assert sent.content is not None
    assert is_sound(sent.content, None, None)
    stamped_ns = int(sent.content[44:64])
    # its clock has microseconds
    assert began_ns // 1_000 * 1_000 <= stamped_ns <= time.time_ns()


def test_cells_of_lateness_follow_each_other_and_are_narrow() -> None:
    ends = [lateness_ms(cell) for cell in range(CELLS)]
    assert ends == sorted(set(ends))
    assert all(after <= before * 1.04 for before, after in pairwise(ends[32:]))


def test_the_lateness_of_two_sinks_adds_up() -> None:
    one = Lateness(3, (1, 0, 2))
    other = Lateness(4, (0, 4, 0))
    assert one + other == Lateness(7, (1, 4, 2))
    assert (one + other).percentile_ms(0.5) == lateness_ms(1)


def test_a_place_in_the_code_belongs_to_the_innermost_layer_that_is_known() -> None:
    stack = ["/x/caxton_node/daemon.py:run:1", "/x/transport/session.py:Session.push:2", "/x/other.py:f:3"]
    assert layer_of(stack) == "session, frames, credit"
    assert layer_of(["/x/other.py:f:3"]) == REST
