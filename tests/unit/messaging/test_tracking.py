"""Where a message is, asked of a whole router: in each place where it can be."""

import msgspec
import pytest

from caxton_node.fipa import Envelope, FailureReason, Performative
from caxton_node.messaging.receipts import Receipt, State
from caxton_node.messaging.stamps import new_trace
from caxton_node.messaging.tags import TTL
from caxton_node.messaging.traces import SAMPLED
from tests.support.post_office import PostOffice, empty

pytestmark = pytest.mark.story("002")
ASKER = "asker@node-1"
TRACED = bytes(range(16))


@pytest.fixture
async def office() -> PostOffice:
    office = PostOffice()
    office.router.add_platform_agent("asker", lambda _answer: None)
    return office


def send(office: PostOffice, receiver: str | list[str], *, ttl_ms: int = 0, traced: bool = False) -> bytes:
    """Send as somebody outside of the node; return the message id."""
    headers = {TTL: msgspec.Raw(msgspec.msgpack.encode(ttl_ms))} if ttl_ms else None
    trace = new_trace(TRACED, SAMPLED) if traced else None
    envelope = Envelope(
        Performative.REQUEST, ASKER, receiver, b"1", "talk", reply_with="q", headers=headers, trace=trace
    )
    return office.router.submit(envelope, personal=True)


def states(office: PostOffice, message_id: bytes) -> list[tuple[State, str]]:
    return [(found.state, found.receiver) for found in office.router.tracking.where(message_id)]


async def test_a_message_is_queued_until_it_is_handled(office: PostOffice) -> None:
    box = office.open("b")
    message_id = send(office, "b")
    assert states(office, message_id) == [(State.QUEUED, "b@node-1")]
    taken = box.take(10, 1_000)
    assert states(office, message_id) == [(State.QUEUED, "b@node-1")]
    box.settle(len(taken))
    assert states(office, message_id) == [(State.HANDLED, "b#1.1@node-1")]


async def test_each_receiver_has_a_place_of_its_own(office: PostOffice) -> None:
    office.open("b")
    empty(office.open("c"))
    office.route("far", "node-2")
    message_id = send(office, ["b", "c", "far", "nobody"])
    empty(office.boxes["c#1.1@node-1"])
    assert sorted(states(office, message_id)) == [
        (State.FORWARDED, "far@node-2"),
        (State.HANDLED, "c#1.1@node-1"),
        (State.QUEUED, "b@node-1"),
        (State.REFUSED, "nobody"),
    ]


async def test_a_parked_message_says_why_and_until_when(office: PostOffice) -> None:
    message_id = send(office, "later", ttl_ms=5_000)
    now_us = office.clock.unix_us()
    (found,) = office.router.tracking.where(message_id)
    assert found == Receipt(State.PARKED, "later", now_us, "no-such-agent", now_us // 1_000 + 5_000)
    office.clock.advance(6)
    office.router.tick(office.clock.unix_us())
    assert states(office, message_id) == [(State.EXPIRED, "later")]


async def test_a_message_that_its_receiver_trapped_on_has_failed(office: PostOffice) -> None:
    box = office.open("b")
    message_id = send(office, "b")
    (frame,) = box.take(10, 1_000)
    box.settle(0, poisoned=1)
    office.router.return_to_sender(frame, FailureReason.TRAPPED, "unreachable")
    (found,) = office.router.tracking.where(message_id)
    assert (found.state, found.detail) == (State.FAILED, "trapped")


async def test_an_unknown_message_is_nowhere(office: PostOffice) -> None:
    assert office.router.tracking.where(bytes(16)) == []


async def test_a_followed_message_leaves_a_span_that_tells_when_it_was_in_whose_hands(
    office: PostOffice,
) -> None:
    box = office.open("b")
    message_id = send(office, "b", traced=True)
    (span,) = office.router.tracking.trace("talk")
    assert (span.message_id, span.trace_id, span.outcome) == (message_id, TRACED, "queued")
    assert span.taken_us == 0 < span.routed_us
    frames = box.take(10, 1_000)
    assert span.routed_us <= span.taken_us
    assert span.ended_us == 0
    box.settle(len(frames))
    assert span.taken_us <= span.ended_us
    assert (span.outcome, span.instance) == ("handled", "b#1.1@node-1")


async def test_what_is_put_back_is_in_nobodys_hands_and_taken_anew(office: PostOffice) -> None:
    box = office.open("b")
    send(office, "b", traced=True)
    (span,) = office.router.tracking.trace(TRACED)
    box.put_back(box.take(10, 1_000))
    first_us = span.taken_us
    empty(box)
    assert span.taken_us >= first_us > 0
    assert span.outcome == "handled"


async def test_a_forwarded_message_has_a_span_that_names_the_node(office: PostOffice) -> None:
    office.route("far", "node-2")
    send(office, "far", traced=True)
    (span,) = office.router.tracking.trace(TRACED)
    assert (span.receiver, span.outcome, span.ended_us) == ("far@node-2", "forwarded to node-2", 0)


async def test_a_followed_message_that_leads_nowhere_has_a_span_that_says_why(office: PostOffice) -> None:
    message_id = send(office, "nobody", traced=True)
    spans = office.router.tracking.trace(TRACED)
    outcomes = {span.message_id: (span.receiver, span.outcome) for span in spans}
    assert outcomes[message_id] == ("nobody", "refused: no-such-agent")
    assert [span.performative for span in spans] == [Performative.REQUEST, Performative.FAILURE]
