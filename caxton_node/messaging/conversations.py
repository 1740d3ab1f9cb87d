"""Who has talked in which conversation, how much, and where its protocol stands.

This is context for people (traces, inspection) and for draining; routing does not depend on it, since route
choice sticks to a conversation by hashing. So the table may forget: it keeps two generations, and when the
younger one is full, of conversations or of participants, the older one, which nobody has touched since, is
dropped whole. That bounds the memory without a list of ages, which would cost more per message than all the
rest here.

Updates take no lock: two workers that meet in one conversation at the same instant may lose a count, never
an entry.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from caxton_node.fipa.conversation import PROTOCOLS, Protocol, Side
from caxton_node.fipa.message import Envelope
from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.replies import PLATFORM_SENDER

GENERATION_MAX = 50_000
GENERATION_PARTICIPANTS_MAX = 500_000  # a sender may name 256 receivers in every conversation
PARTICIPANTS_MAX = 256


class Conversation:
    """One conversation as this node has seen it.

    Attributes:
        id: The conversation id.
        initiator: Who spoke first here.
        participants: Everyone who has spoken or was spoken to, at most 256.
        messages: How many messages this node has routed.
        last_us: Unix microseconds of the latest.
        protocol: Name of its interaction protocol, or None.
        states: Where the protocol stands with each participant.
        surprises: Acts that the protocol did not allow.
    """

    __slots__ = ("id", "initiator", "last_us", "messages", "participants", "protocol", "states", "surprises")

    def __init__(self, id: str, initiator: str, protocol: str | None) -> None:  # noqa: A002  its name in FIPA
        self.id = id
        self.initiator = initiator
        self.protocol = protocol
        self.participants: set[str] = {initiator}
        self.messages = 0
        self.last_us = 0
        self.states: dict[str, StrEnum] = {}
        self.surprises = 0

    @property
    def is_open(self) -> bool:
        """Tell whether the protocol still expects something; without a protocol nobody can know: False."""
        protocol = PROTOCOLS.get(self.protocol or "")
        states = list(self.states.values())  # at once: workers add participants meanwhile
        return protocol is not None and any(not protocol.is_final(state) for state in states)

    def follow(
        self, protocol: Protocol[Any, Any], performative: Performative, sender: str, receiver: str
    ) -> None:
        """Step the protocol between the initiator and the other party of a message."""
        side = Side.INITIATOR if sender == self.initiator else Side.PARTICIPANT
        other = receiver if side is Side.INITIATOR else sender
        state = protocol.advance(self.states.get(other, protocol.start), performative, side)
        if state is None:
            self.surprises += 1
        elif other in self.states or len(self.states) < PARTICIPANTS_MAX:
            self.states[other] = state


class Conversations:
    """The conversations that passed through this node lately."""

    def __init__(
        self,
        generation_max: int = GENERATION_MAX,
        participants_max: int = GENERATION_PARTICIPANTS_MAX,
    ) -> None:
        self._participants_max = participants_max
        self._participants = 0  # added to the young generation, about
        self._young: dict[str, Conversation] = {}
        self._old: dict[str, Conversation] = {}
        self._generation_max = generation_max

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self._young.keys() | self._old.keys())

    def find(self, conversation_id: str) -> Conversation | None:
        """Return a conversation, or None if it is unknown or forgotten."""
        return self._young.get(conversation_id) or self._old.get(conversation_id)

    def is_open(self, conversation_id: str) -> bool:
        """Tell whether a conversation is known and its protocol has not ended."""
        talk = self.find(conversation_id)
        return talk is not None and talk.is_open

    def open_of(self, address: str) -> list[Conversation]:
        """List the conversations that an agent takes part in and whose protocol has not ended.

        It looks at all there are, so it is for rare moments; ask `is_open` about those you know.
        """
        known = {**self._old, **self._young}
        return [talk for talk in list(known.values()) if address in talk.participants and talk.is_open]

    def note(self, envelope: Envelope, conversation_id: str, sender: str, receiver: str, now_us: int) -> None:
        """Note one routed message.

        Args:
            envelope: The message.
            conversation_id: Its conversation.
            sender: `name@node`.
            receiver: As addressed.
            now_us: Unix microseconds.
        """
        talk = self._young.get(conversation_id)
        if talk is None:
            talk = self._revive(conversation_id, sender, envelope.protocol)
        talk.messages += 1
        talk.last_us = now_us
        known = talk.participants
        if (receiver not in known or sender not in known) and len(known) < PARTICIPANTS_MAX:
            known.update((sender, receiver))
            self._participants += 1
            if self._participants >= self._participants_max:
                self._begin_generation()
        if envelope.protocol is not None and sender != PLATFORM_SENDER:
            protocol = PROTOCOLS.get(envelope.protocol)
            if protocol is not None:
                talk.follow(protocol, envelope.performative, sender, receiver)

    def fail(self, envelope: Envelope, receiver: str) -> None:
        """Note that the platform has answered a message in the receiver's stead, with FAILURE."""
        talk = self.find(envelope.conversation_id or "")
        protocol = PROTOCOLS.get(envelope.protocol or "")
        if talk is not None and protocol is not None and receiver in talk.states:
            talk.follow(protocol, Performative.FAILURE, receiver, envelope.sender or "")

    def _revive(self, conversation_id: str, sender: str, protocol: str | None) -> Conversation:
        """Bring a conversation into the young generation, from the old one or anew."""
        if len(self._young) >= self._generation_max:
            self._begin_generation()
        talk = self._old.get(conversation_id) or Conversation(conversation_id, sender, protocol)
        self._young[conversation_id] = talk
        return talk

    def _begin_generation(self) -> None:
        self._old, self._young, self._participants = self._young, {}, 0
