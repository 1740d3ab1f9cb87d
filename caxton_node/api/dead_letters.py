"""Handlers about messages that reached nobody."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

from google.protobuf.json_format import MessageToDict

from caxton_node.api.call import Call
from caxton_node.api.messages import message_of
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import parse_address
from caxton_node.fipa import FailureReason
from caxton_node.messaging.letters import KeptLetter, Sought, open_frame
from caxton_node.messaging.store import ID_MAX
from caxton_node.observability.logs import get_logger
from caxton_node.pb import messages_pb2 as pb

PAGE, PAGE_MAX = 100, 1000
RESEND, RESEND_MAX = 1000, 10_000
IDS_MAX = 10_000

Choice: TypeAlias = pb.ResendDeadLettersRequest | pb.DropDeadLettersRequest

_audit = get_logger("audit")


async def list_dead_letters(
    services: Services, request: pb.ListDeadLettersRequest, _call: Call
) -> pb.ListDeadLettersResponse:
    """List the dead letters of this node, newest first, and count them by reason."""
    office = services.dead_letters
    size = min(request.limit or PAGE, PAGE_MAX)
    sought, before = read_filter(request.filter), _read_token(request.page_token)
    found = await office.page(sought, before=before, count_max=size + 1)
    counts = [
        pb.DeadLetterCount(reason=reason, total=count.total, kept=count.kept, forgotten=count.forgotten)
        for reason, count in office.counts().items()
    ]
    return pb.ListDeadLettersResponse(
        dead_letters=[letter_of(letter, services.node_id) for letter in found[:size]],
        total=sum(count.total for count in counts),
        next_page_token=str(found[size - 1].id) if len(found) > size else "",
        counts=counts,
    )


async def get_dead_letter(
    services: Services, request: pb.GetDeadLetterRequest, _call: Call
) -> pb.GetDeadLetterResponse:
    """Show one dead letter of this node, whole."""
    letter = await services.dead_letters.get(request.id)
    return pb.GetDeadLetterResponse(
        dead_letter=letter_of(letter, services.node_id), envelope=letter.frame or b""
    )


async def resend_dead_letters(
    services: Services, request: pb.ResendDeadLettersRequest, call: Call
) -> pb.ResendDeadLettersResponse:
    """Route dead letters of this node once more."""
    count_max = min(request.max or RESEND, RESEND_MAX)
    done = await services.dead_letters.send_again(_read_choice(request), count_max=count_max)
    answer = pb.ResendDeadLettersResponse(
        sent=done.sent, came_back=done.came_back, skipped=done.skipped, left=done.left
    )
    _note(services, call, "DeadLettersResent", request, sent=done.sent, came_back=done.came_back)
    return answer


async def drop_dead_letters(
    services: Services, request: pb.DropDeadLettersRequest, call: Call
) -> pb.DropDeadLettersResponse:
    """Forget dead letters of this node for good."""
    dropped = await services.dead_letters.drop(_read_choice(request))
    _note(services, call, "DeadLettersDropped", request, dropped=dropped)
    return pb.DropDeadLettersResponse(dropped=dropped)


def read_filter(asked: pb.DeadLetterFilter, ids: Sequence[int] = ()) -> Sought:
    """Return which letters a request means.

    Raises:
        InvalidArgument: A field can match nothing, or there are too many ids.
    """
    if len(ids) > IDS_MAX:
        raise InvalidArgument(f"{len(ids):,} ids", why=f"at most {IDS_MAX:,} are taken at once")
    if asked.reason and asked.reason not in set(FailureReason):
        raise InvalidArgument(
            f"{asked.reason!r} is not a reason", hint=f"use one of: {', '.join(FailureReason)}"
        )
    return Sought(
        ids=tuple(ids),
        reason=asked.reason,
        receiver=parse_address(asked.receiver) if asked.receiver else None,
        sender=parse_address(asked.sender) if asked.sender else None,
        conversation_id=asked.conversation_id,
        since_unix_us=min(max(asked.since_unix_ms, 0) * 1000, ID_MAX),
    )


def letter_of(letter: KeptLetter, node: str) -> pb.DeadLetter:
    """Write a letter as the message of the schema."""
    facts = letter.facts
    return pb.DeadLetter(
        message=_message_of(letter),
        receiver=facts.receiver,
        reason=facts.reason,
        at_unix_ms=facts.at_unix_us // 1000,
        id=letter.id,
        detail=facts.detail,
        size_bytes=facts.size_bytes,
        sent_again=facts.sent_again,
        sent_again_unix_ms=facts.sent_again_unix_ms,
        content_left_out=letter.frame is None,
        node=node,
    )


def _message_of(letter: KeptLetter) -> pb.Message:
    if letter.frame is not None:
        return message_of(open_frame(letter.frame))
    facts = letter.facts
    return pb.Message(
        message_id=facts.message_id.hex(),
        performative=facts.performative,
        sender=facts.sender,
        receivers=[facts.receiver],
        conversation_id=facts.conversation_id,
    )


def _read_choice(request: Choice) -> Sought:
    if not (request.ids or request.filter.ListFields() or request.all):
        raise InvalidArgument(
            "no dead letters are chosen",
            why="nothing is done to all of them by leaving something out",
            hint="give ids or a filter, or say --all",
        )
    return read_filter(request.filter, request.ids)


def _read_token(token: str) -> int:
    if not token:
        return ID_MAX
    if not (token.isascii() and token.isdigit() and len(token) < len(str(ID_MAX))):
        raise InvalidArgument(f"{token[:80]!r} is not a page token", hint="take it from the page before")
    return int(token)


def _note(services: Services, call: Call, event: str, request: Choice, **counts: int) -> None:
    """Write into the audit log which letters were chosen and what became of them."""
    chosen = MessageToDict(request.filter, preserving_proto_field_name=True)
    call.detail["chosen"] = ", ".join([*map(str, request.ids[:100]), *map(str, chosen.values())])
    call.detail.update({name: str(count) for name, count in counts.items()})
    _audit.info(
        event,
        principal=call.principal.name,
        role=call.principal.roles,
        node=services.node_id,
        ids=list(request.ids[:100]),
        filter=chosen,
        trace_id=call.trace_id,
        **counts,
    )
