"""What is to be sent: a message, what its receiver does with it, and what that one sends in turn. Pure.

A plan is a tree, so that agents send as well as clients: the content of a message carries the frames that its
receiver shall send. Numbers are given out before anything is sent, which makes every message of every agent
known to the books beforehand; it counts as sent once its parent was handled.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from msgspec import Raw, msgpack

from caxton_node.fipa import Envelope, Performative, encode

ASKER = "@asker"
"""As a receiver: whoever sent the parent."""
PROTOCOL = "fipa-request"
NODES = ("n1", "n2")
HOMES = {"a": "n1", "b": "n1", "c": "n1", "d": "n2", "e": "n2"}
"""The agents that come and go, and where."""


class Act(StrEnum):
    """What an agent does with a message before it sends what it is told to."""

    NOTE = "n"
    SLOW = "s"
    TRAP = "t"
    BURN = "b"
    FAIL = "f"


class Kind(StrEnum):
    """What kind of message it is."""

    INFORM = "inform"
    ASK = "ask"  # opens a request of the protocol, in a conversation of its own, open until it is answered
    AGREE = "agree"
    ANSWER = "answer"
    FAILURE = "failure"  # by a guest: what nobody answers when it is lost
    BARE = "bare"  # an act that needs a content and has none
    RUBBISH = "rubbish"  # no envelope at all; only a guest can send that


@dataclass(frozen=True, slots=True)
class Plan:
    """One message, or several that are alike.

    Attributes:
        to: Receivers as they are written into the envelope; several get no further plans.
        act: What the receiver does.
        talk: Conversation; that of an answer is its parent's.
        kind: What kind of message.
        reply_by_ms: Its deadline.
        ttl_ms: How long it may wait for its receiver; without it, a message to nobody comes back at once.
        times: How many.
        then: What the receiver sends.
    """

    to: tuple[str, ...]
    act: Act = Act.NOTE
    talk: str | None = "talk-1"
    kind: Kind = Kind.INFORM
    reply_by_ms: int | None = None
    ttl_ms: int | None = None
    times: int = 1
    then: tuple[Plan, ...] = ()


@dataclass(frozen=True, slots=True)
class Entry:
    """One planned message.

    Attributes:
        number: Its own; `reply_with` has it in hex.
        to: Receivers, each once.
        talk: Conversation; that of a request is its own.
        kind: What kind of message.
        parent: Number of the message whose handling sends it, None if a client sends it.
        place: Its place among all that its parent, or that client, sends.
        sender: Whom it is from as far as that is known beforehand: the client, or a receiver as addressed.
        ttl_ms: How long it may wait for its receiver.
    """

    number: int
    to: tuple[str, ...]
    talk: str | None
    kind: Kind
    parent: int | None
    place: int
    sender: str
    ttl_ms: int | None = None


@dataclass(slots=True)
class Author:
    """Writes the envelopes of plans and enters each of their messages.

    Attributes:
        enter: Told of every message before it can be sent.
        written: How many there were.
    """

    enter: Callable[[Entry], None]
    written: int = field(default=0)

    def write(self, plan: Plan, sender: str) -> Iterator[tuple[int, Envelope]]:
        """Yield the messages of a plan that a client sends, each with its number."""
        for _ in range(plan.times):
            entry = self._entry(plan, sender, None, self.written)
            yield entry.number, self._envelope(plan, entry)

    def _entry(self, plan: Plan, sender: str, parent: Entry | None, place: int) -> Entry:
        """Enter the next message of a plan."""
        self.written += 1
        named = (parent.sender if parent and to == ASKER else to for to in plan.to)
        to = tuple(dict.fromkeys(named))
        number = parent.number if parent else None
        answers = parent is not None and plan.kind in {Kind.AGREE, Kind.ANSWER}
        talk = parent.talk if parent and answers else plan.talk
        if plan.kind is Kind.ASK:
            talk = f"ask-{self.written}"
        entry = Entry(self.written, to, talk, plan.kind, number, place, sender, plan.ttl_ms)
        self.enter(entry)
        return entry

    def _envelope(self, plan: Plan, entry: Entry) -> Envelope:
        asked, bare = plan.kind in {Kind.ASK, Kind.AGREE, Kind.ANSWER}, plan.kind is Kind.BARE
        answers = entry.parent if plan.kind in {Kind.AGREE, Kind.ANSWER} else None
        return Envelope(
            _PERFORMATIVES[plan.kind],
            receivers=entry.to[0] if len(entry.to) == 1 else list(entry.to),
            content=None if bare else self._content(plan, entry),
            conversation_id=entry.talk,
            reply_with=name_of(entry.number),
            in_reply_to=None if answers is None else name_of(answers),
            reply_by=plan.reply_by_ms,
            protocol=PROTOCOL if asked else None,
            headers=None if plan.ttl_ms is None else {"ttl": Raw(msgpack.encode(plan.ttl_ms))},
        )

    def _content(self, plan: Plan, entry: Entry) -> bytes:
        out = b"".join(self._frames(plan, entry)).hex()
        return f'{{"n":"{name_of(entry.number)}","do":"{plan.act}","out":"{out}"}}'.encode()

    def _frames(self, plan: Plan, parent: Entry) -> Iterator[bytes]:
        """Yield what the receiver of a message is to send, as frames of its outbox."""
        if len(parent.to) > 1:
            return
        sender, place = canonical(parent.to[0]), 0
        for child in plan.then:
            for _ in range(child.times):
                frame = self._frame(child, sender, parent, place)
                yield len(frame).to_bytes(4, "little") + frame
                place += 1

    def _frame(self, plan: Plan, sender: str, parent: Entry, place: int) -> bytes:
        if plan.kind is Kind.RUBBISH:
            return b"\x93rubbish"
        return encode(self._envelope(plan, self._entry(plan, sender, parent, place)))


_PERFORMATIVES = {
    Kind.INFORM: Performative.INFORM,
    Kind.ASK: Performative.REQUEST,
    Kind.AGREE: Performative.AGREE,
    Kind.ANSWER: Performative.INFORM,
    Kind.FAILURE: Performative.FAILURE,
    Kind.BARE: Performative.REQUEST,
}


def name_of(number: int) -> str:
    """Return a number as messages carry it."""
    return f"{number:08x}"


def canonical(address: str) -> str:
    """Return `name@node` of an agent of `HOMES` however it is addressed; anything else as it is."""
    name = address.partition("@")[0].removeprefix("default/")
    return f"{name}@{HOMES[name]}" if name in HOMES else address
