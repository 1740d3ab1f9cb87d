"""The handler that tells where a message is: each node is asked what it has seen."""

from __future__ import annotations

import re

from caxton_node.api.asking import Answers, ask_others, listed
from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.api.whereabouts import merge, row_of
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.pb import tracking_pb2 as pb
from swim import Member, MemberState

METHOD = "CaxtonManagement/WhereIsMessage"
PLAUSIBLE_US = range(946_684_800_000_000, 7_258_118_400_000_000)  # the years 2000 to 2199
ID = re.compile(r"[0-9a-f]{32}\Z")


async def where_is_message(
    services: Services, request: pb.WhereIsMessageRequest, call: Call
) -> pb.WhereIsMessageResponse:
    """Tell where a message is, for each of its receivers."""
    message_id = read_message_id(request.message_id)
    receipts = services.router.tracking.where(bytes.fromhex(message_id))
    mine = [row_of(receipt, services.node_id) for receipt in receipts]
    answer = pb.WhereIsMessageResponse(message_id=message_id, sent_unix_us=sent_at_us(message_id))
    if request.node:
        answer.receivers.extend(mine)
        return answer

    def ask(node: str) -> pb.WhereIsMessageRequest:
        return pb.WhereIsMessageRequest(node=node, message_id=message_id)

    found = await ask_others(services.cluster, METHOD, ask, pb.WhereIsMessageResponse, call)
    others = [row for said in found.by_node.values() for row in said.receivers]
    answer.receivers.extend(merge([*mine, *others]))
    answer.silent.extend(found.silent_nodes())
    if not answer.receivers:
        raise _unknown_message(services, answer)
    for row in answer.receivers:
        if row.state == pb.DELIVERY_STATE_FORWARDED:
            _say_why_unknown(services, row, found)
    return answer


def read_message_id(text: str) -> str:
    """Return a message id in its usual form.

    Raises:
        InvalidArgument: It has not 32 hexadecimal digits.
    """
    found = text.strip().replace("-", "").lower()
    if not ID.match(found):
        raise InvalidArgument(
            f"{text[:80]!r} is not a message id",
            why="it has 32 hexadecimal digits",
            hint="caxton message send prints it; messages of a conversation: caxton message trace",
        )
    return found


def sent_at_us(message_id: str) -> int:
    """Return when a message was sent, as its id says; 0 if that cannot be."""
    at_us = int(message_id[:16], 16)
    return at_us if at_us in PLAUSIBLE_US else 0


def _say_why_unknown(
    services: Services, row: pb.Whereabouts, answers: Answers[pb.WhereIsMessageResponse]
) -> None:
    """Say why the node that a message was given to does not tell what became of it."""
    node = row.forwarded_to
    members = services.cluster.members()
    member = next((member for member in members if member.node_id == node), None)
    if member is None or not member.is_live:
        row.note = f"node {node} cannot be asked: {_state_of(member)}"
        row.gone_unix_us = services.last_seen.gone_at_us(node)
    elif node in answers.silent:
        row.note = f"node {node} cannot be asked: {answers.silent[node]}"
    else:
        row.note = f"node {node} does not know of it, not yet or not any more"


def _state_of(member: Member | None) -> str:
    if member is None:
        return "not a member"
    return "it has left" if member.state is MemberState.LEFT else "dead"


def _unknown_message(services: Services, answer: pb.WhereIsMessageResponse) -> NotFound:
    kept = services.config.messaging.receipts_max
    dead = [member.node_id for member in services.cluster.members() if not member.is_live]
    unasked = [*(each.node for each in answer.silent), *dead]
    asked = "no node that is alive knows it"
    if not answer.sent_unix_us:
        asked = "its first half would be the time of sending, and is none"
    return NotFound(
        f"no message {answer.message_id}",
        why=f"{asked}; not asked: {listed(unasked)}" if unasked else asked,
        hint=f"a node keeps {kept:,} receipts (messaging.receipts_max); what could not be delivered: "
        "caxton message dead list --all-nodes",
    )
