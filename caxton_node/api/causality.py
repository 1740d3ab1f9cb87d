"""What caused what in a conversation, from the spans of all its messages. Pure.

A span knows its sender, its receiver and when it was in the receiver's hands. An agent sends nothing by
itself: whatever it sends, it sends because it has been given something. So what it had in hands at that
moment, by the clock of its own node, is the cause. Where a message says what it answers (`in_reply_to`), that
is; and an act that can only be an answer belongs to what its receiver said last. An answer stands as deep as
its question and everything else one deeper than its cause, as calls and returns do.

Clocks of two nodes differ, so an answer may have been sent before its question by the times alone: causes
are put before effects all the same.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet

from caxton_node.api.whereabouts import read_address
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.pb import tracking_pb2 as pb

FORWARDED, REFUSED = "forwarded to ", "refused: "
RESPONSES = frozenset(
    {
        "accept-proposal",
        "agree",
        "confirm",
        "disconfirm",
        "failure",
        "inform",
        "not-understood",
        "propose",
        "refuse",
        "reject-proposal",
    }
)
"""Acts that answer what somebody has said, if he has said anything."""
HANDFUL = 256
"""Messages that an agent has in hands at most: as many as one turn takes."""


def merge(steps: Iterable[pb.TraceStep]) -> list[pb.TraceStep]:
    """Leave out what another node saw better: a message that was forwarded, where its receiver's node has it.

    Args:
        steps: Of any number of nodes; the same one may come twice.

    Returns:
        By the time of sending.
    """
    unique = {(step.message_id, step.node, step.receiver): step for step in steps}
    seen = {(step.message_id, step.node, _name_of(step)) for step in unique.values()}
    left = [step for step in unique.values() if not _is_known_better(step, seen)]
    # Two nodes may each say that the other has it.
    return sorted(
        left or unique.values(), key=lambda step: (step.sent_unix_us, step.message_id, step.receiver)
    )


def _is_known_better(step: pb.TraceStep, seen: AbstractSet[tuple[str, str, str]]) -> bool:
    return step.outcome.startswith(FORWARDED) and (
        (step.message_id, step.outcome.removeprefix(FORWARDED), _name_of(step)) in seen
    )


def arrange(steps: Sequence[pb.TraceStep]) -> list[pb.TraceStep]:
    """Write cause and depth into the steps of a conversation, and order them: causes first, else by time.

    Args:
        steps: By the time of sending, as `merge` returns them.
    """
    causes = _Causes(steps)
    placed: dict[int, pb.TraceStep] = {}
    for index in range(len(steps)):
        for link, cause in _chain_to(index, causes, placed):
            _explain(steps[link], None if cause is None else placed.get(cause))
            placed[link] = steps[link]
    return list(placed.values())


def _chain_to(
    index: int, causes: _Causes, placed: Mapping[int, pb.TraceStep]
) -> list[tuple[int, int | None]]:
    """List a step and what led to it as far as that has no place yet, the first cause first."""
    chain: dict[int, int | None] = {}
    at: int | None = index
    while at is not None and at not in placed and at not in chain:
        cause = causes.find(at)
        chain[at] = cause
        at = cause
    return list(reversed(chain.items()))


def _explain(step: pb.TraceStep, cause: pb.TraceStep | None) -> None:
    """Write into a step what its cause says; in a circle, which clocks can make, the first has none."""
    if cause is None:
        return
    step.caused_by = cause.message_id
    names_it = bool(step.in_reply_to) and step.in_reply_to == cause.reply_with
    step.answer = names_it or (step.performative in RESPONSES and step.receiver == cause.sender)
    step.depth = cause.depth if step.answer or cause.answer else cause.depth + 1


class _Causes:
    """Finds what caused a step.

    Args:
        steps: All of a conversation.
    """

    def __init__(self, steps: Sequence[pb.TraceStep]) -> None:
        self._steps = steps
        self._asked: dict[tuple[str, str], int] = {}
        self._sent: dict[str, list[int]] = defaultdict(list)
        taken: dict[str, list[tuple[int, int]]] = defaultdict(list)
        for index, step in enumerate(steps):
            self._sent[step.sender].append(index)
            if step.reply_with:
                self._asked[step.reply_with, step.receiver] = index
            if step.taken_unix_us:
                taken[step.receiver].append((step.taken_unix_us, index))
        self._taken = {receiver: sorted(pairs) for receiver, pairs in taken.items()}

    def find(self, index: int) -> int | None:
        """Return the index of what caused a step, None if it is not known."""
        step = self._steps[index]
        if step.sender == PLATFORM_SENDER:
            return self._find_failed(step)
        question = self._asked.get((step.in_reply_to, step.sender)) if step.in_reply_to else None
        return question if question not in {None, index} else self._find_handled(step)

    def _find_handled(self, step: pb.TraceStep) -> int | None:
        """Return what the sender had been given by then: what it answers, else what it had in hands."""
        pairs = self._taken.get(step.sender, [])
        end = bisect_right(pairs, (step.sent_unix_us, len(self._steps)))
        before = [index for _, index in reversed(pairs[max(end - HANDFUL, 0) : end])]
        if step.performative in RESPONSES:
            answered = self._find_said(step, before)
            if answered is not None:
                return answered
        held = (index for index in before if self._is_held(index, step.sent_unix_us))
        return next(held, before[0] if before else None)

    def _find_said(self, step: pb.TraceStep, before: Sequence[int]) -> int | None:
        """Return what the receiver of an answer said last to its sender, whose node may not tell of it."""
        steps = self._steps
        got = (index for index in before if steps[index].sender == step.receiver)
        sent = (
            index
            for index in reversed(self._sent.get(step.receiver, []))
            if steps[index].receiver == step.sender and steps[index].sent_unix_us < step.sent_unix_us
        )
        return next(got, next(sent, None))

    def _is_held(self, index: int, at_us: int) -> bool:
        ended_us = self._steps[index].ended_unix_us
        return not ended_us or ended_us >= at_us

    def _find_failed(self, step: pb.TraceStep) -> int | None:
        """Return what the platform answers: what it names, and of several copies the one that failed."""
        sent = reversed(self._sent.get(step.receiver, []))
        named = [index for index in sent if self._steps[index].reply_with == step.in_reply_to]
        refused = (index for index in named if self._steps[index].outcome.startswith(REFUSED))
        unended = (index for index in named if not self._steps[index].ended_unix_us)
        return next(refused, next(unended, named[0] if named and step.in_reply_to else None))


def _name_of(step: pb.TraceStep) -> str:
    return read_address(step.receiver).name
