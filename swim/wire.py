"""Builds datagrams: what must be said, then as many rumours as still fit, sealed and counted."""

from __future__ import annotations

from collections.abc import Hashable, Iterable

from swim.codec import PACKET_OVERHEAD_BYTES, encode_message, encode_packet
from swim.context import Context
from swim.keyring import OVERHEAD_BYTES, Keyring
from swim.member import Address
from swim.messages import Message


class Wire:
    """The outgoing half of one node's datagrams."""

    def __init__(self, context: Context, keyring: Keyring) -> None:
        self._key = context.key
        self._keyring = keyring
        self._roster = context.roster
        self._dissemination = context.dissemination
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._room = context.settings.udp_bytes_max - OVERHEAD_BYTES - PACKET_OVERHEAD_BYTES

    def send(self, address: Address, *messages: Message) -> None:
        """Send the messages, which must fit into one datagram, and fill it up with rumours."""
        parts = [encode_message(message) for message in messages]
        room = self._room - sum(map(len, parts))
        parts += self._dissemination.fill(room, self._roster.live_count)
        self._seal(address, parts)

    def send_bare(self, address: Address, *messages: Message) -> None:
        """Send the messages without rumours: who is asked again and again, or is perhaps gone, gets none.

        Each rumour is told a limited number of times, and those would be spent on one member.
        """
        self._seal(address, [encode_message(message) for message in messages])

    def send_rumours(self, address: Address, datagrams_max: int) -> None:
        """Send waiting rumours in as many datagrams as they need, at most `datagrams_max`."""
        told: set[Hashable] = set()
        for _ in range(datagrams_max):
            parts = self._dissemination.fill(self._room, self._roster.live_count, told)
            if not parts:
                return
            self._seal(address, parts)

    def send_all(self, address: Address, messages: Iterable[Message], datagrams_max: int) -> None:
        """Send messages in order, packed tightly; what is beyond `datagrams_max` datagrams is dropped."""
        parts: list[bytes] = []
        room = self._room
        for message in messages:
            part = encode_message(message)
            if len(part) > room:
                self._seal(address, parts)
                datagrams_max -= 1
                parts, room = [], self._room
                if datagrams_max == 0:
                    return
            parts.append(part)
            room -= len(part)
        if parts:
            self._seal(address, parts)

    def _seal(self, address: Address, parts: list[bytes]) -> None:
        me = self._roster.find(self._key)
        assert me is not None, "a node is always in its own table"
        datagram = self._keyring.seal(self._key, me.epoch, encode_packet(me.incarnation, parts))
        self._statistics.datagrams_out += 1
        self._statistics.bytes_out += len(datagram)
        self._outbox.send(address, datagram)
