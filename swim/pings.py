"""Pings that somebody asked for: the round trip to one member, for a person who wants to know."""

from __future__ import annotations

from swim.codec import TARGET_BYTES
from swim.context import Context
from swim.events import PingAnswered
from swim.member import Member
from swim.messages import Ping
from swim.wire import Wire

ASKED_MAX = 64
"""Pings under way; beyond it the oldest is forgotten."""


class Pings:
    """Pings under way, by sequence number."""

    def __init__(self, context: Context, wire: Wire) -> None:
        self._roster = context.roster
        self._outbox = context.outbox
        self._wire = wire
        self._asked: dict[int, tuple[bytes, float]] = {}

    def begin(self, member: Member, sequence: int, now: float) -> None:
        """Ping a member, whatever is believed of it."""
        if len(self._asked) >= ASKED_MAX:
            self._asked.pop(next(iter(self._asked)))
        self._asked[sequence] = (member.key, now)
        self._wire.send(member.address, Ping(sequence, member.key[:TARGET_BYTES], self._roster.digest))

    def handle_ack(self, sequence: int, sender: bytes, now: float) -> bool:
        """Report an answer; return whether it was one."""
        key, asked_at = self._asked.get(sequence, (b"", 0.0))
        member = self._roster.find(sender)
        if key != sender or member is None:
            return False
        del self._asked[sequence]
        self._outbox.notify(PingAnswered(member, now - asked_at))
        return True
