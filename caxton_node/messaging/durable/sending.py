"""What is sent durably here, and what must wait behind it; any thread."""

from __future__ import annotations

from contextlib import AbstractContextManager

import msgspec

from caxton_node.core.clock import Clock
from caxton_node.core.errors import ResourceLimit
from caxton_node.fipa import Envelope, FailureReason, encode
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.destinations import key_of
from caxton_node.messaging.durable.header import Passage, copy_of, is_durable, passage_of
from caxton_node.messaging.durable.holds import Hold, Holds, Letter, Mark
from caxton_node.messaging.durable.office import Office
from caxton_node.messaging.durable.outbox import Entry, Outbox
from caxton_node.messaging.durable.reception import Reception
from caxton_node.messaging.durable.settings import DurableSettings
from caxton_node.messaging.mailbox import Mailbox, Sender
from caxton_node.messaging.tags import TTL, TTL_MS_MAX, expiry_of

HELD_MAX = 65_536
"""Messages that may wait for the disk in all; agents are paused long before, and this refuses the others."""


class Sending:
    """Holds what is sent until the disk has it.

    Args:
        holds: Where it waits.
        outbox: Counted with what waits.
        reception: Knows what came back.
        settings: Bounds.
        clock: Time.
        office: The router.
    """

    def __init__(
        self,
        *,
        holds: Holds,
        outbox: Outbox,
        reception: Reception,
        settings: DurableSettings,
        clock: Clock,
        office: Office,
    ) -> None:
        self._holds = holds
        self._outbox = outbox
        self._reception = reception
        self._settings = settings
        self._clock = clock
        self._office = office

    def holds_back(self, sender: str) -> bool:
        """Tell whether something of a sender waits for the disk, and what it sends must wait behind it."""
        return bool(self._holds.by_sender) and sender in self._holds.by_sender

    def check_room(self, size: int = 0) -> None:
        """Refuse what would not find room.

        Raises:
            ResourceLimit: The outbox is full.
        """
        rows, used = len(self._outbox) + self._holds.rows, self._outbox.bytes + self._holds.bytes
        if rows >= self._settings.rows_max or used + size > self._settings.bytes_max:
            raise ResourceLimit(
                f"the outbox is full: {rows:,} durable messages of {used:,} bytes wait for their receivers",
                why=f"messaging.outbox_max is {self._settings.rows_max:,}, "
                f"messaging.outbox_bytes_max {self._settings.bytes_max:,}",
                hint="send later; caxton queue stats shows how it empties",
            )

    def turn(self, passage: Passage, expires_ms: int) -> AbstractContextManager[Hold]:
        """Hold what this thread sends within the block: it comes of a durable message that was handled."""
        return self._holds.together(Mark(passage.copy, passage.origin, expires_ms))

    def refusal(self, envelope: Envelope, passage: Passage) -> AbstractContextManager[Hold]:
        """Hold what this thread sends within the block: it says that a durable message was given up."""
        self._reception.hold(passage)
        return self._holds.together(Mark(passage.copy, passage.origin, expiry_of(envelope)), gives_up=True)

    def catch(self, envelope: Envelope, frame: bytes, sender: Sender, *, again: bool) -> bool:
        """Take a message of this node that must not be routed now.

        Args:
            envelope: Stamped, with one receiver; accepted.
            frame: The same as bytes.
            sender: The mailbox of the local agent that sent it; None for anyone else.
            again: Whether it has come back from a mailbox.

        Returns:
            False if it is to be routed, by whoever asked.
        """
        passage = passage_of(envelope)
        if passage is not None:
            if again:
                self._reception.come_back(passage)
            return again
        if again:
            return False
        durable, mailbox = is_durable(envelope), sender if isinstance(sender, Mailbox) else None
        if not (durable or self._holds.collecting is not None or self.holds_back(envelope.sender or "")):
            return False
        if self._holds.letters >= HELD_MAX:
            detail = "the disk is too slow for what is sent"
            self._office.give_up(envelope, FailureReason.BACKLOG_FULL, detail, accepted=True)
        elif durable:
            self._stow(envelope, mailbox)
        else:
            kept = msgspec.structs.replace(envelope)  # the next copy is written into the same object
            self._holds.add(Letter(kept, frame, mailbox, None))
        return True

    def _stow(self, envelope: Envelope, mailbox: Mailbox | None) -> None:
        """Hold a durable message until it is on the disk."""
        envelope = msgspec.structs.replace(envelope)
        if not expiry_of(envelope):
            self._limit(envelope)
        frame = encode(envelope)
        try:
            if envelope.sender != PLATFORM_SENDER:  # what it says takes the place of what it is about
                self.check_room(len(frame))
        except ResourceLimit as err:
            self._office.give_up(envelope, FailureReason.BACKLOG_FULL, str(err), accepted=True)
            return
        entry = entry_of(envelope, frame, expiry_of(envelope), copy_of(envelope), mailbox=mailbox)
        self._holds.add(Letter(envelope, frame, mailbox, entry))

    def _limit(self, envelope: Envelope) -> None:
        """Give a message that does not say how long it may live the time that all have, from now on."""
        age_ms = max(self._clock.unix_us() - (envelope.sent_at or 0), 0) // 1000
        ttl_ms = min(age_ms + round(self._settings.ttl_s * 1000), TTL_MS_MAX)
        raw = msgspec.Raw(msgspec.msgpack.encode(ttl_ms))
        envelope.headers = {**(envelope.headers or {}), TTL: raw}


def entry_of(
    envelope: Envelope,
    frame: bytes,
    expires_ms: int,
    copy: bytes,
    *,
    mailbox: Mailbox | None = None,
    is_followed: bool = False,
) -> Entry:
    """Return the place of a message to one receiver in the outbox."""
    receiver = next(iter(envelope.receiver_list()), "")
    key = (envelope.sender or PLATFORM_SENDER, receiver, key_of(envelope))
    message_id = envelope.message_id or b""
    return Entry(copy, key, frame, expires_ms, message_id, mailbox=mailbox, is_followed=is_followed)
