"""One membership under test, and peers that speak to it as members do."""

from __future__ import annotations

import random
from typing import TypeVar

from swim.codec import decode_packet, encode_message, encode_packet
from swim.effects import Effect, Notify, Schedule, Send
from swim.events import Event
from swim.keyring import Keyring
from swim.member import Address, Identity, node_key
from swim.membership import Membership
from swim.messages import Alive, Message
from swim.settings import Settings
from swim.timers import Timer

CLUSTER_KEY = bytes(range(32))
T = TypeVar("T")


class Peer:
    """Somebody with the group key: seals what a test wants said and opens what comes back."""

    def __init__(self, node_id: str, number: int, epoch: int = 1) -> None:
        self.node_id = node_id
        self.key = node_key(node_id)
        self.address: Address = (f"10.0.0.{number}", 7946)
        self.epoch = epoch
        self.incarnation = 0
        self._keyring = Keyring("test", [CLUSTER_KEY])
        self._opened: dict[bytes, list[Message]] = {}

    def says(self, *messages: Message) -> bytes:
        """Return a datagram with these messages."""
        packet = encode_packet(self.incarnation, [encode_message(message) for message in messages])
        return self._keyring.seal(self.key, self.epoch, packet)

    def hears(self, effects: list[Effect]) -> list[Message]:
        """Return the messages in those datagrams that were sent to this peer."""
        return [
            message
            for effect in effects
            if isinstance(effect, Send) and effect.address == self.address
            for message in self._open(effect.datagram)
        ]

    def _open(self, datagram: bytes) -> list[Message]:
        if datagram not in self._opened:  # a test may look at the same effects twice, a key ring may not
            self._opened[datagram] = decode_packet(self._keyring.open(datagram).plaintext).messages
        return self._opened[datagram]

    def record(self, *, incarnation: int = 0, revision: int = 0, metadata: bytes = b"") -> Alive:
        """Return the peer's full record."""
        host, port = self.address
        return Alive(self.node_id, host, port, self.epoch, incarnation, revision, metadata)


class Subject:
    """The membership under test at a time that the test sets."""

    def __init__(self, settings: Settings | None = None, *, seed: int = 1) -> None:
        self.settings = settings or Settings.lan()
        identity = Identity("subject", ("10.0.0.100", 7946), 5, b"meta")
        self.membership = Membership(
            identity, self.settings, Keyring("test", [CLUSTER_KEY]), random.Random(seed)
        )
        self.key = node_key("subject")
        self.now = 100.0
        self.timers: list[Timer] = []
        self._note(self.membership.start(self.now))

    def hear(self, peer: Peer, *messages: Message) -> list[Effect]:
        """Let a peer say something; return what the subject does."""
        return self._note(self.membership.handle_datagram(peer.says(*messages), peer.address, self.now))

    def fire(self, kind: type[Timer]) -> list[Effect]:
        """Hand back the newest timer of a kind."""
        timer = next(timer for timer in reversed(self.timers) if isinstance(timer, kind))
        return self._note(self.membership.handle_timer(timer, self.now))

    def meet(self, *peers: Peer) -> None:
        """Let peers introduce themselves."""
        for peer in peers:
            self.hear(peer, peer.record())

    def _note(self, effects: list[Effect]) -> list[Effect]:
        self.timers += [effect.timer for effect in effects if isinstance(effect, Schedule)]
        return effects


def events(effects: list[Effect]) -> list[Event]:
    """Return the events among effects."""
    return [effect.event for effect in effects if isinstance(effect, Notify)]


def only(messages: list[Message], kind: type[T]) -> list[T]:
    """Return the messages of one kind."""
    return [message for message in messages if isinstance(message, kind)]
