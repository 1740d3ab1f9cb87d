"""The handler that tells the way of every message of a conversation: each node is asked for its spans."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from secrets import token_bytes

from caxton_node.api.asking import ask_others, listed
from caxton_node.api.call import Call
from caxton_node.api.causality import arrange, merge
from caxton_node.api.services import Services
from caxton_node.api.tracking import ID
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.core.ids import DEFAULT_TENANT
from caxton_node.fipa.message import TEXT_CHARS_MAX
from caxton_node.messaging.stamps import new_trace
from caxton_node.messaging.traces import SAMPLED, TRACE_ID_BYTES, Span
from caxton_node.pb import tracking_pb2 as pb

METHOD = "CaxtonManagement/TraceMessage"
STEPS_MAX = 2000
RELATED_MAX = 16
"""Conversations that one key leads to: one, unless ids were used again."""


async def trace_message(
    services: Services, request: pb.TraceMessageRequest, call: Call
) -> pb.TraceMessageResponse:
    """Tell the way of every message of a conversation that is followed."""
    key = request.key.strip()
    if not 0 < len(key) <= TEXT_CHARS_MAX:
        raise InvalidArgument("no message or conversation is named", hint="caxton message send prints both")
    if request.node:
        return _seen_here(services, key)
    found = await _ask_all(services, key, call)
    for related in _related(found.steps, key):
        found.MergeFrom(await _ask_all(services, related, call))
    silent = {each.node: each for each in found.silent}
    if not found.steps:
        raise _unknown(key, sorted(silent))
    # A long story takes a tenth of a second, in which the loop has messages to move.
    steps = await asyncio.to_thread(lambda: arrange(merge(found.steps)))
    is_cut = found.cut or len(steps) > STEPS_MAX
    return pb.TraceMessageResponse(steps=steps[:STEPS_MAX], silent=silent.values(), cut=is_cut)


async def _ask_all(services: Services, key: str, call: Call) -> pb.TraceMessageResponse:
    """Return the steps that belong to one key, of all nodes."""

    def ask(node: str) -> pb.TraceMessageRequest:
        return pb.TraceMessageRequest(node=node, key=key)

    answers = await ask_others(services.cluster, METHOD, ask, pb.TraceMessageResponse, call)
    found = _seen_here(services, key)
    for said in answers.by_node.values():
        found.MergeFrom(said)
    found.silent.extend(answers.silent_nodes())
    return found


def _seen_here(services: Services, key: str) -> pb.TraceMessageResponse:
    """Return what this node has seen; what looks like an id may be a conversation's all the same."""
    tracking = services.router.tracking
    spans = tracking.trace(key)
    number = key.replace("-", "").lower()
    if ID.match(number):
        spans = [*tracking.trace(bytes.fromhex(number)), *spans]
    steps = [_step_of(span, services.node_id) for span in spans[:STEPS_MAX]]
    return pb.TraceMessageResponse(steps=steps, cut=len(spans) > STEPS_MAX)


def followed_trace(services: Services, conversation_id: str) -> bytes:
    """Return the trace that a message must carry so that its conversation is followed from now on."""
    talk = services.router.conversations.find(conversation_id)
    return new_trace(token_bytes(TRACE_ID_BYTES), SAMPLED, talk.trace_id if talk is not None else None)


def _related(steps: Iterable[pb.TraceStep], key: str) -> list[str]:
    """Return what else to ask for: one message leads to its conversation, of which other nodes know."""
    related = dict.fromkeys(step.conversation_id or step.trace_id for step in steps)
    related.pop(key, None)
    return list(related)[:RELATED_MAX]


def _step_of(span: Span, node: str) -> pb.TraceStep:
    return pb.TraceStep(
        message_id=span.message_id.hex(),
        trace_id=span.trace_id.hex(),
        conversation_id=span.conversation_id or "",
        performative=span.performative.word,
        sender=span.sender,
        receiver=span.receiver,
        reply_with=span.reply_with or "",
        in_reply_to=span.in_reply_to or "",
        sent_unix_us=span.sent_us,
        routed_unix_us=span.routed_us,
        taken_unix_us=span.taken_us,
        ended_unix_us=span.ended_us,
        outcome=span.outcome,
        instance=span.instance.removeprefix(f"{DEFAULT_TENANT}/"),
        node=node,
    )


def _unknown(key: str, silent: list[str]) -> NotFound:
    why = "no node that is alive has followed it"
    return NotFound(
        f"no trace of {key[:80]!r}",
        why=f"{why}; not asked: {listed(silent)}" if silent else why,
        hint="caxton message send --trace follows one; messaging.trace_share is the share of those of agents",
    )
