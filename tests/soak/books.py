"""The books: what was sent, what came of it, and whether that is all in order. They never ask a router.

Whoever handles a message says so himself: guests by their acks, clients because they are part of the test.
Whenever nothing moves, each copy of each message that was sent must be exactly one of

    handled     once; its sender may have heard meanwhile that no answer will come
    given up    a dead letter, and its sender got FAILURE, or that FAILURE is a dead letter too
    not allowed by a rule or protocol: its sender got NOT_UNDERSTOOD, or it or that is a dead letter
    expired     its sender heard of the deadline; no more of these than the node says
    waiting     no more of these than the node says

and what one sender said to one receiver in one conversation was handled in the order in which it was said.
An agent's messages are in the order of its acks, since each leaves with the ack of the message that made it
speak.
"""

from __future__ import annotations

import json
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from time import monotonic

from caxton_node.fipa import Envelope, FailureReason, decode
from caxton_node.messaging import DeadLetter
from caxton_node.messaging.returns import SCOLDED_PER_S
from tests.soak.fates import LATE, MISUNDERSTOOD, UNHEARD, Fate, Handled, reason_in
from tests.soak.plan import Author, Entry, Kind, name_of
from tests.soak.scribe import ACK_MARK

SCOLDED_S = 5.0
"""For how long it is remembered who was scolded; a round may be shorter than the second that counts."""
SHOWN_MAX = 20
_PLATFORM = "ams"
Key = tuple[int, str]


class Unbalanced(AssertionError):
    """The books do not balance; the message names the first faults."""


class Books:
    """Everything that was written down since the last time they were closed.

    Attributes:
        author: Writes messages and enters them here.
        totals: Since the beginning: how many copies were sent, handled, given up and so on.
    """

    def __init__(self) -> None:
        self.author = Author(self._enter)
        self.totals: Counter[str] = Counter()
        self._first = 1
        self._at = 0
        self._entries: dict[int, Entry] = {}
        self._submitted: dict[int, int] = {}
        self._fates: defaultdict[Key, Fate] = defaultdict(Fate)
        self._handled: list[Handled] = []
        self._scoldings: list[tuple[float, str]] = []
        self._faults: list[str] = []

    # -- writing down ---------------------------------------------------------------------------------------

    def note_submitted(self, number: int) -> None:
        """Write down that a client sends a message."""
        self._submitted[number] = self._tick()

    def withdraw_submitted(self, number: int) -> None:
        """Write down that a client's message was refused to its face, which sent nothing."""
        del self._submitted[number]

    def note_ack(self, ack: Envelope) -> None:
        """Write down what an agent says it has handled."""
        agent, receiver, content = ack.sender or "", ack.reply_to or "", ack.content or b""
        if content.startswith(ACK_MARK):
            said = json.loads(content)
            event = (int(said["n"], 16), receiver, agent, ack.ontology or "", int(said["seen"], 16))
            self._note_handled(Handled(self._tick(), *event))
        else:
            self._note_news(agent, ack.in_reply_to, content)

    def note_received(self, address: str, envelope: Envelope) -> None:
        """Write down what a client has got."""
        content = envelope.content or b""
        if content.startswith(ACK_MARK):
            number, receiver = int(content[6:14], 16), next(iter(envelope.receiver_list()), "")
            self._note_handled(Handled(self._tick(), number, receiver, address))
        else:
            self._note_news(address, envelope.in_reply_to, content)

    def note_dead(self, letter: DeadLetter) -> None:
        """Write down a dead letter."""
        envelope = decode(letter.frame)
        if envelope.sender == _PLATFORM:
            self._note_news(letter.receiver, envelope.in_reply_to, envelope.content or b"", in_vain=True)
        elif envelope.reply_with is not None:
            fate = self._fate(int(envelope.reply_with, 16), letter.receiver)
            fate.dead += 1
            if letter.reason is FailureReason.NOT_ALLOWED:
                fate.told_in_vain[MISUNDERSTOOD] += 1
        else:
            self._faults.append(f"an ack of {envelope.sender} is a dead letter: {letter.reason}")

    def _tick(self) -> int:
        self._at += 1
        return self._at

    def _enter(self, entry: Entry) -> None:
        self._entries[entry.number] = entry

    def _note_handled(self, event: Handled) -> None:
        self._handled.append(event)
        self._fate(event.number, event.receiver).handled.append(event)

    def _note_news(self, sender: str, about: str | None, content: bytes, *, in_vain: bool = False) -> None:
        """Write down what the platform told the sender of a message, or would have."""
        said, reason = json.loads(content), reason_in(content)
        if reason == MISUNDERSTOOD:
            self._scoldings.append((monotonic(), sender))
        number = int(about or "0", 16)
        if about is None or (number < self._first and reason in LATE):
            return  # it is about no message, or about one of an earlier round, too late
        fate = self._fate(number, said.get("receiver", ""))
        (fate.told_in_vain if in_vain else fate.told)[reason] += 1

    def _fate(self, number: int, receiver: str) -> Fate:
        """Find a copy by its receiver, which the platform may spell in its own way; "" is the only one."""
        entry = self._entries.get(number)
        if entry is None or receiver in entry.to:
            return self._fates[number, receiver]
        alike = (to for to in entry.to if not receiver or _bare(to) == _bare(receiver))
        return self._fates[number, next(alike, receiver)]

    # -- looking --------------------------------------------------------------------------------------------

    def close(self, *, waiting: int = 0, expired: int = 0, unread: Mapping[str, int] | None = None) -> None:
        """Check everything and begin anew; nothing may be moving.

        Args:
            waiting: Messages that still wait somewhere and may.
            expired: Messages whose deadline passed while they waited.
            unread: For clients that do not read: by address, how many they got without anybody seeing them.

        Raises:
            Unbalanced: Something is not in order.
        """
        missing = {"waiting": waiting, "expired": expired, **(unread or {})}
        faults = [
            *self._faults,
            *self._find_strangers(),
            *self._find_lost(missing),
            *self._find_disorder(),
            *self._find_gaps(),
        ]
        if faults:
            more = f"\nand {len(faults) - SHOWN_MAX} more" if len(faults) > SHOWN_MAX else ""
            raise Unbalanced("\n".join(faults[:SHOWN_MAX]) + more)
        self._begin_round()

    def _find_lost(self, missing: dict[str, int]) -> Iterator[str]:
        """Judge every copy that was sent; so many may be nowhere for each of these causes."""
        for entry in filter(self._was_sent, list(self._entries.values())):
            for receiver in entry.to:
                fate = self._fates[entry.number, receiver]
                self._count(fate)
                fault = fate.find_fault()
                if fault is None or (fault is UNHEARD and entry.kind is Kind.FAILURE):
                    continue
                if not fault and self._is_scolded(entry):
                    continue
                causes = (receiver, "expired" if fate.is_late else receiver, "waiting")
                cause = next((one for one in causes if missing.get(one)), None)
                if fault or cause is None:
                    yield f"{self._show(entry, receiver)}: {fault or 'is nowhere'}"
                else:
                    missing[cause] -= 1

    def _begin_round(self) -> None:
        self._first = self.author.written + 1
        for kept in (self._entries, self._submitted, self._fates, self._handled):
            kept.clear()
        since = monotonic() - SCOLDED_S
        self._scoldings = [one for one in self._scoldings if one[0] > since]

    def _was_sent(self, entry: Entry) -> bool:
        return entry.number in self._submitted if entry.parent is None else bool(self._parents_of(entry))

    def _parents_of(self, entry: Entry) -> Sequence[Handled]:
        """Return which agents handled what this was to be sent with; clients send what they like."""
        if entry.parent is None:
            return ()
        handled = self._fate(entry.parent, self._entries[entry.parent].to[0]).handled
        return [event for event in handled if event.instance]

    def _is_scolded(self, entry: Entry) -> bool:
        """Return whether this is no message at all, of a sender who is told so no more within the second."""
        parent = next(iter(self._parents_of(entry)), None)
        sender = parent.agent if parent is not None else entry.sender
        times = sum(1 for _, scolded in self._scoldings if scolded == sender)
        return entry.kind is Kind.BARE and times >= SCOLDED_PER_S

    def _count(self, fate: Fate) -> None:
        self.totals["sent"] += 1
        self.totals["handled"] += len(fate.handled)
        self.totals["dead"] += fate.dead
        self.totals["told"] += fate.told.total()

    def _find_strangers(self) -> Iterator[str]:
        """Find what happened to messages that nobody has sent, or that were done with before."""
        for (number, receiver), fate in list(self._fates.items()):
            entry = self._entries.get(number)
            if entry is None:
                yield f"message {name_of(number)} to {receiver}, of an earlier round: {fate}"
            elif receiver not in entry.to:
                yield f"message {name_of(number)} was never for {receiver}: {fate}"
            elif not self._was_sent(entry):
                yield f"message {name_of(number)} was never sent: {fate}"

    def _find_disorder(self) -> Iterator[str]:
        """Find what was handled before something that had been sent earlier."""
        latest: dict[tuple[str, str, str | None], tuple[int, int]] = {}
        for event in self._handled:
            entry = self._entries.get(event.number)
            if entry is None:
                continue
            sender, sent_at = self._origin(entry)
            key = (sender, event.agent, entry.talk)
            if latest.get(key, (0, 0)) > sent_at:
                yield f"{self._show(entry, event.receiver)}: was overtaken by one that was sent later"
            latest[key] = sent_at

    def _origin(self, entry: Entry) -> tuple[str, tuple[int, int]]:
        """Return which instance or client sent a message, and an order of all that it sent."""
        parent = next(iter(self._parents_of(entry)), None)
        if parent is None:
            return entry.sender, (self._submitted.get(entry.number, 0), 0)
        return parent.instance, (parent.at, entry.place)

    def _find_gaps(self) -> Iterator[str]:
        """Find sandboxes that have handled a message without anybody learning of it; each counts from 1."""
        latest: dict[str, int] = {}
        for event in self._handled:
            before = latest.get(event.instance, event.seen - 1)
            if event.instance and event.seen not in {1, before + 1}:
                yield f"{event.instance} says it handled {event.seen} messages, after {before}"
            latest[event.instance] = event.seen

    def _show(self, entry: Entry, receiver: str) -> str:
        sender, _ = self._origin(entry)
        life = "" if entry.ttl_ms is None else f", ttl {entry.ttl_ms} ms"
        return (
            f"message {name_of(entry.number)} of {sender} to {receiver} in {entry.talk} ({entry.kind}{life})"
        )


def _bare(address: str) -> str:
    return address.partition("@")[0].removeprefix("default/")
