"""Receipts: where a message is, or what became of it, asked by its id.

What waits is known to the mailboxes; here is what is done with: runs of numbers that were handled, forwarded
or refused. An entry covers a whole run, so asking is a search and telling is an append. The books are
bounded; what a client asked for is kept apart, since it is what people ask about and must not be pushed out
by agents that chat.

    queued      waits in a mailbox, or is in its agent's hands
    parked      waits for its receiver to come back, until it expires
    handled     its receiver has handled it; which instance and version
    forwarded   another node has it
    refused     it was not handed over; the reason
    expired     its time to live was over before it was handled
    failed      its receiver trapped, or its node died

Source: story 002; NATS and SPADE leave senders in the dark about exactly this (facts, peers).
"""

from __future__ import annotations

from collections import deque
from enum import StrEnum
from threading import Lock
from typing import NamedTuple

from caxton_node.fipa import FailureReason

RUNS_MAX = 50_000
PERSONAL_MAX = 10_000


class State(StrEnum):
    """Where a message is."""

    QUEUED = "queued"
    PARKED = "parked"
    HANDLED = "handled"
    FORWARDED = "forwarded"
    REFUSED = "refused"
    EXPIRED = "expired"
    FAILED = "failed"


class Receipt(NamedTuple):
    """What is known of one message and one receiver.

    Attributes:
        state: Where it is.
        receiver: `name@node`, or the instance that handled it.
        at_us: Since when, unix microseconds; 0 when that is not known.
        detail: The reason, the node that has it, or "".
        until_ms: When a parked message expires.
    """

    state: State
    receiver: str
    at_us: int = 0
    detail: str = ""
    until_ms: int = 0


class _Entry(NamedTuple):
    """A run of messages that shared their fate."""

    first: int
    size: int
    receipt: Receipt


FAILED = frozenset({FailureReason.TRAPPED, FailureReason.NODE_DIED, FailureReason.TIMEOUT})
"""Reasons of messages that were, or may have been, in their receiver's hands."""


class Receipts:
    """What became of the latest messages of this node; any thread may note, asking is for rare moments.

    Args:
        runs_max: Runs kept.
    """

    def __init__(self, runs_max: int = RUNS_MAX) -> None:
        self._runs: deque[tuple[int, int, int, str]] = deque(maxlen=runs_max)
        self._others: deque[_Entry] = deque(maxlen=runs_max)
        self._personal: dict[int, list[Receipt]] = {}
        self._lock = Lock()

    # -- noting ---------------------------------------------------------------------------------------------

    def expect(self, number: int) -> None:
        """Keep this message's receipt apart: somebody outside the node sent it."""
        with self._lock:
            if len(self._personal) >= PERSONAL_MAX:
                del self._personal[next(iter(self._personal))]
            self._personal[number] = []

    def note_handled(self, first: int, count: int, now_us: int, instance: str) -> None:
        """Note a run that an instance has handled."""
        self._runs.append((first, count, now_us, instance))
        if self._personal and first in self._personal:
            self._keep(first, Receipt(State.HANDLED, instance, now_us))

    def note_forwarded(self, now_us: int, first: int, count: int, receiver: str, node: str) -> None:
        """Note a run that was given to the mesh."""
        self._note(first, count, Receipt(State.FORWARDED, receiver, now_us, node))

    def note_given_up(self, number: int, now_us: int, receiver: str, reason: str) -> None:
        """Note a message that was not delivered, with the word that its sender got."""
        state = State.REFUSED
        if reason == FailureReason.EXPIRED:
            state = State.EXPIRED
        elif reason in FAILED:
            state = State.FAILED
        self._note(number, 1, Receipt(state, receiver, now_us, reason))

    def _note(self, first: int, count: int, receipt: Receipt) -> None:
        self._others.append(_Entry(first, count, receipt))
        if first in self._personal:
            self._keep(first, receipt)

    def _keep(self, number: int, receipt: Receipt) -> None:
        with self._lock:
            kept = self._personal.get(number)
            if kept is not None:
                kept.append(receipt)

    # -- asking ---------------------------------------------------------------------------------------------

    def find(self, number: int) -> list[Receipt]:
        """List what became of a message, oldest first; empty when it is unknown or forgotten.

        A message with several receivers has a receipt for each.
        """
        with self._lock:
            kept = list(self._personal.get(number, ()))
        if kept:
            return kept
        handled = [
            Receipt(State.HANDLED, instance, at_us)
            for first, count, at_us, instance in list(self._runs)
            if first <= number < first + count
        ]
        others = [
            entry.receipt for entry in list(self._others) if entry.first <= number < entry.first + entry.size
        ]
        return sorted([*handled, *others], key=lambda receipt: receipt.at_us)
