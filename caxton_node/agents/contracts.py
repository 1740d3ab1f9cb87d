"""What any agent must bear: messages that it does not know, and what may be said back to them. Pure.

    request          one REQUEST whose content means nothing to anybody
    not-understood   one NOT_UNDERSTOOD about something that it never said
    batch            sixteen in one call: four acts, each with four contents, one of them no text

Anybody may send an agent anything. It may answer, refuse, or not understand; it may not trap, and what it
sends must be envelopes that the node can deliver. NOT_UNDERSTOOD is not answered with itself: two agents that
do that never stop.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import product

from caxton_node.core.errors import InvalidMessage
from caxton_node.fipa import Envelope, Performative, check, decode, encode
from caxton_node.fipa.content import fault_in
from caxton_node.fipa.rules import check_content
from caxton_node.messaging.stamps import Stamps, continue_trace, to_message_id

UNKNOWN = b'{"caxton_validation": "a question that no agent knows"}'
PROBLEMS_MAX = 3
CONTENTS = (UNKNOWN, b"", b"\xff\xfe no text", b"[[[")
ACTS = (Performative.REQUEST, Performative.QUERY_REF, Performative.INFORM, Performative.CFP)


@dataclass(frozen=True, slots=True)
class Case:
    """Messages that are given in one call.

    Attributes:
        name: What they are called in reports.
        messages: Act and content of each.
    """

    name: str
    messages: tuple[tuple[Performative, bytes], ...]


CASES = (
    Case("request", ((Performative.REQUEST, UNKNOWN),)),
    Case("not-understood", ((Performative.NOT_UNDERSTOOD, b'{"reason": "you said nothing"}'),)),
    Case("batch", tuple(product(ACTS, CONTENTS))),
)


def frames_of(case: Case, agent: str, node: str, stamps: Stamps, count_max: int) -> list[bytes]:
    """Write the messages of a case as the node would deliver them, at most so many."""
    messages = case.messages[:count_max]
    now_us, first = stamps.take(len(messages))
    frames = []
    for index, (act, content) in enumerate(messages):
        message_id = to_message_id(first + index)
        tag = f"{case.name}-{index + 1}"
        is_answer = act is Performative.NOT_UNDERSTOOD
        envelope = Envelope(
            act,
            sender=f"validator@{node}",
            receivers=agent,
            content=content,
            language=None if fault_in(content, None, None) is None else "text",
            conversation_id=f"validation-{tag}",
            reply_with=None if is_answer else tag,
            in_reply_to=tag if is_answer else None,
            message_id=message_id,
            sent_at=now_us,
            trace=continue_trace(None, message_id),
        )
        frames.append(encode(envelope))
    return frames


def read_sent(frames: Sequence[bytes], content_bytes_max: int) -> tuple[list[Envelope], list[str]]:
    """Read what an agent sent, as its node would: the envelopes, and what is wrong with the first others."""
    sent, problems = [], []
    for frame in frames:
        try:
            envelope = decode(frame)
            check(envelope, content_bytes_max)
            check_content(envelope)
        except InvalidMessage as err:
            problems.append(f"what it sent cannot be delivered: {err.what}: {err.why}")
        else:
            sent.append(envelope)
    return sent, problems[:PROBLEMS_MAX]


def find_loops(case: Case, sent: Sequence[Envelope]) -> Iterator[str]:
    """Yield what would keep two agents busy with each other for ever."""
    acts = {act for act, _ in case.messages}
    if acts == {Performative.NOT_UNDERSTOOD} and any(
        envelope.performative is Performative.NOT_UNDERSTOOD for envelope in sent
    ):
        yield "it answers not-understood with not-understood; two such agents would never stop"


def find_silence(case: Case, sent: Sequence[Envelope]) -> Iterator[str]:
    """Yield what an asker would wait for in vain; no fault, since an agent may have nothing to say."""
    asked = len(case.messages) == 1 and case.messages[0][0] is Performative.REQUEST
    if asked and not any(envelope.in_reply_to for envelope in sent):
        yield f"the {case.name} was not answered"
