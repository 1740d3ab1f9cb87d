"""Handlers about messages."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from secrets import token_hex
from time import perf_counter

import msgspec

from caxton_node.api import budgets
from caxton_node.api.call import Call
from caxton_node.api.feed import Feed
from caxton_node.api.lifetimes import lifetime_of
from caxton_node.api.services import Services
from caxton_node.api.survival import store, survival_of
from caxton_node.api.tracing import followed_trace
from caxton_node.api.whereabouts import why_silent
from caxton_node.core.errors import (
    CaxtonError,
    DeadlineExceeded,
    DeliveryFailed,
    InvalidArgument,
    InvalidMessage,
    NotFound,
    ResourceLimit,
    Unavailable,
)
from caxton_node.core.ids import parse_address
from caxton_node.fipa import Envelope, FailureReason, Performative, decode, parse_performative
from caxton_node.fipa.headers import header_text, text_header
from caxton_node.fipa.message import DEFAULT_LANGUAGE, TEXT_CHARS_MAX
from caxton_node.fipa.replies import PLATFORM_SENDER, FailureContent, MisunderstandingContent
from caxton_node.messaging import Client
from caxton_node.messaging.budget.header import BUDGET
from caxton_node.messaging.tracking import Tracking
from caxton_node.pb import messages_pb2 as pb

TIMEOUT_S, TIMEOUT_S_MAX = 30.0, 3600.0
FOLLOW_DEPTH, FOLLOW_DEPTH_MAX = 1000, 10_000
FOLLOW_BYTES_MAX = 16 * 1024 * 1024  # one follower that does not read must not hold a node's memory
TRACE_ID_BYTES = 16
HOST_FIELDS = (None, None, None)  # id, time and trace are the node's to write

# What the platform said, as the error that a caller outside the node understands.
FAILURES: Mapping[FailureReason, tuple[type[CaxtonError], str]] = {
    FailureReason.NO_SUCH_AGENT: (NotFound, "caxton agent list shows who is there"),
    FailureReason.AGENT_STOPPED: (
        Unavailable,
        "caxton agent list shows its state; caxton agent start starts it",
    ),
    FailureReason.DRAINING: (Unavailable, "it is being stopped; caxton agent list shows its state"),
    FailureReason.MAILBOX_FULL: (ResourceLimit, "send later, or give it a larger --mailbox"),
    FailureReason.BACKLOG_FULL: (ResourceLimit, "send later; caxton cluster status shows the links"),
    FailureReason.OVERSIZE: (InvalidMessage, "send less at once"),
    FailureReason.NODE_DIED: (Unavailable, "caxton cluster members shows who is left; send again"),
    FailureReason.UNROUTABLE: (DeliveryFailed, "caxton cluster status shows the links"),
    FailureReason.TRAPPED: (DeliveryFailed, "caxton agent inspect shows its last error"),
    FailureReason.BUDGET_EXHAUSTED: (ResourceLimit, "give it a larger --budget"),
    FailureReason.EXPIRED: (DeadlineExceeded, "give it a longer --ttl; caxton agent list shows who is there"),
    FailureReason.NOT_ALLOWED: (InvalidMessage, "caxton message conversation shows what is allowed"),
    FailureReason.LOOP: (ResourceLimit, "caxton message conversation shows where it goes; begin a new one"),
    FailureReason.TIMEOUT: (DeadlineExceeded, "give it a longer --timeout"),
}


async def send_message(
    services: Services, request: pb.SendMessageRequest, call: Call
) -> pb.SendMessageResponse:
    """Send a message as a client of this node and wait for its reply."""
    for receiver in (request.to, *request.also_to):
        parse_address(receiver)
    timeout_s = min(request.timeout_ms / 1000 or TIMEOUT_S, TIMEOUT_S_MAX, call.timeout_s or TIMEOUT_S_MAX)
    envelope = _compose(services, request, timeout_s)
    conversation_id = envelope.conversation_id or ""
    if request.trace:
        envelope.trace = followed_trace(services, conversation_id)
    if request.no_wait:
        message_id = await store(services.router, envelope, services.clients.post)
        return pb.SendMessageResponse(message_id=message_id, conversation_id=conversation_id)
    with services.clients.open() as client:
        started_at = perf_counter()
        message_id = client.send(envelope).hex()
        try:
            reply = await _wait_for_reply(services.router.tracking, client, envelope, timeout_s)
        except CaxtonError as err:
            err.add_note(f"message {message_id}")  # whoever sent it may ask where it is
            raise
        finally:
            bill = services.router.budgets.close(client.address, conversation_id)
        elapsed_us = round((perf_counter() - started_at) * 1e6)
    return pb.SendMessageResponse(
        message_id=message_id,
        conversation_id=conversation_id,
        reply=message_of(reply),
        latency_us=elapsed_us,
        budget_left=budgets.left_of(bill) if bill else None,
        spent=budgets.spent_in(bill) if bill else (),
    )


async def subscribe_messages(
    services: Services, request: pb.SubscribeMessagesRequest, _call: Call
) -> AsyncIterator[pb.MessageEvent]:
    """Follow the messages that this node handles."""
    wanted = frozenset(parse_address(agent).name for agent in request.agents)
    depth = min(request.buffer_max or FOLLOW_DEPTH, FOLLOW_DEPTH_MAX)
    feed: Feed[bytes] = Feed(depth, size_max=FOLLOW_BYTES_MAX, measure=len)

    def listen(frames: Sequence[bytes]) -> None:
        for frame in frames:
            feed.offer(frame)

    unfollow = services.tap.follow(listen)
    try:
        while True:
            frame, dropped = await feed.take()
            envelope = decode(frame)
            if dropped or _concerns(envelope, wanted):
                found = message_of(envelope) if _concerns(envelope, wanted) else None
                yield pb.MessageEvent(message=found, dropped=dropped)
    finally:
        unfollow()


def message_of(envelope: Envelope) -> pb.Message:
    """Write an envelope as the message of the schema."""
    return pb.Message(
        message_id=(envelope.message_id or b"").hex(),
        performative=envelope.performative.word,
        sender=envelope.sender or "",
        receivers=envelope.receiver_list(),
        content=envelope.content or b"",
        conversation_id=envelope.conversation_id or "",
        reply_with=envelope.reply_with or "",
        in_reply_to=envelope.in_reply_to or "",
        reply_by_unix_ms=envelope.reply_by or 0,
        ontology=envelope.ontology or "",
        language=envelope.language or DEFAULT_LANGUAGE,
        encoding=envelope.encoding or "",
        protocol=envelope.protocol or "",
        reply_to=envelope.reply_to or "",
        sent_unix_us=envelope.sent_at or 0,
        trace_id=(envelope.trace or b"")[:TRACE_ID_BYTES].hex(),
        headers={name: header_text(value) for name, value in (envelope.headers or {}).items()},
    )


def _compose(services: Services, request: pb.SendMessageRequest, timeout_s: float) -> Envelope:
    waits = not request.no_wait
    deadline_ms = services.clock.unix_us() // 1000 + round(timeout_s * 1000)
    content_max = services.config.agents.message_bytes_max
    if len(request.content) > content_max:
        raise InvalidMessage(
            f"the content has {len(request.content):,} bytes",
            why=f"at most {content_max:,} are taken",
            hint="send less at once, or raise agents.message_bytes_max",
        )
    if waits and request.reply_to:
        raise InvalidArgument(
            "nobody can wait for an answer that goes to somebody else",
            why=f"answers are directed to {request.reply_to[:80]!r}",
            hint="send it with --no-wait, or without a reply_to",
        )
    try:
        return msgspec.convert(
            [
                parse_performative(request.performative or "request"),
                None,
                [request.to, *request.also_to] if request.also_to else request.to,
                request.content,
                request.conversation_id or f"c-{token_hex(8)}",
                request.reply_with or (f"r-{token_hex(8)}" if waits else None),
                request.in_reply_to or None,
                request.reply_by_unix_ms or (deadline_ms if waits else None),
                request.ontology or None,
                request.language or None,
                request.encoding or None,
                request.protocol or None,
                request.reply_to or None,
                *HOST_FIELDS,
                _headers_of(request),
            ],
            Envelope,
        )
    except msgspec.ValidationError as err:
        raise InvalidArgument(
            "a field of the message cannot be used",
            why=str(err),
            hint=f"texts of a message have 1 to {TEXT_CHARS_MAX} characters; more belongs into the content",
        ) from err


def _headers_of(request: pb.SendMessageRequest) -> dict[str, msgspec.Raw] | None:
    headers = {name: text_header(value) for name, value in request.headers.items()}
    if request.HasField("budget"):
        headers[BUDGET] = budgets.header_value(request.budget)
    headers |= lifetime_of(request) | survival_of(request)
    return headers or None


async def _wait_for_reply(tracking: Tracking, client: Client, asked: Envelope, timeout_s: float) -> Envelope:
    """Wait for what answers a message: any agent may write to any client, and addresses can be guessed."""
    receiver = next(iter(asked.receiver_list()), "")
    try:
        async with asyncio.timeout(timeout_s):
            while not _answers(reply := await client.receive(timeout_s), asked):
                pass
    except (DeadlineExceeded, TimeoutError) as err:
        raise DeadlineExceeded(
            f"no reply from {receiver} within {timeout_s:g} s",
            why=why_silent(tracking.where(asked.message_id or b"")),
            hint="give it a longer --timeout, or --no-wait if it never answers",
        ) from err
    if reply.sender == PLATFORM_SENDER:
        _raise_platform_answer(reply, receiver)
    return reply


def _answers(reply: Envelope, asked: Envelope) -> bool:
    """Tell whether this is the answer; AGREE only promises one, which is what the caller waits for."""
    if reply.performative is Performative.AGREE:
        return False
    if reply.in_reply_to is not None:
        return reply.in_reply_to == asked.reply_with
    return reply.conversation_id is not None and reply.conversation_id == asked.conversation_id


def _advise(said: MisunderstandingContent) -> str:
    """Say what would have been understood."""
    if said.allowed is None:
        return f"look at {said.field}"
    if not said.allowed:
        return "begin another conversation: this one is over"
    return f"allowed now: {', '.join(said.allowed)}"


def _raise_platform_answer(reply: Envelope, receiver: str) -> None:
    """Raise what the platform says about the message instead of the agent."""
    if reply.performative is Performative.NOT_UNDERSTOOD:
        said = msgspec.json.decode(reply.content or b"", type=MisunderstandingContent)
        raise InvalidMessage("the message was not understood", why=said.reason, hint=_advise(said))
    if reply.performative is Performative.FAILURE:
        failed = msgspec.json.decode(reply.content or b"", type=FailureContent)
        kind, hint = FAILURES[failed.reason]
        if kind is NotFound:
            raise NotFound(f"no agent {receiver}", why=failed.detail, hint=hint)
        why = failed.detail + budgets.explain(reply.content or b"")
        raise kind(f"the message to {receiver} failed ({failed.reason})", why=why, hint=hint)


def _concerns(envelope: Envelope, wanted: frozenset[str]) -> bool:
    if not wanted:
        return True
    parties = [*envelope.receiver_list(), *([envelope.sender] if envelope.sender else [])]
    return any(_name(party) in wanted for party in parties)


def _name(address: str) -> str:
    try:
        return parse_address(address).name
    except InvalidArgument:
        return ""
