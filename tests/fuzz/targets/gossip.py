"""Datagrams at the membership: noise changes nothing, and what members say breaks nothing, whatever it is."""

from __future__ import annotations

import heapq
import random
from collections.abc import Iterator
from itertools import count

from swim import events as swim_events
from swim.codec import encode_message, encode_packet
from swim.effects import Effect, Notify, Schedule, Send
from swim.keyring import Keyring
from swim.member import Identity, node_key
from swim.membership import Membership
from swim.messages import (
    Ack,
    Alive,
    Buckets,
    ContentPiece,
    ContentWant,
    Dead,
    Left,
    Listing,
    Message,
    Nack,
    Page,
    Ping,
    PingRequest,
    Pull,
    Refute,
    Suspect,
    Topic,
    Want,
)
from swim.roster import Roster
from swim.settings import Settings
from swim.timers import Timer
from tests.fuzz.source import Source, inflate

BYTES_MAX = 2_000
ACTS_MAX = 40
EFFECTS_MAX = 400
EXAMPLES = 300
KEY = bytes(range(32))
ADDRESS = ("10.0.0.1", 7946)
NAMES = ("ann", "bob", "cid")
TIMERS_PER_ACT = 20


class _Trial:
    """One membership, and three members that may say anything."""

    def __init__(self) -> None:
        settings = Settings(members_max=8, topics_max=4, relays_max=4)
        identity = Identity("me", ADDRESS, 7)
        self.core = Membership(identity, settings, Keyring("c", [KEY]), random.Random(1))
        self.now = 0.0
        self._settings = settings
        self._rings = {name: Keyring("c", [KEY]) for name in NAMES}
        self._sealed: list[bytes] = []
        self._timers: list[tuple[float, int, Timer]] = []
        self._tie = count()
        self._take(self.core.start(0.0))

    def say(self, name: str, plaintext: bytes) -> None:
        """Let a member say something."""
        datagram = self._rings[name].seal(node_key(name), 1, plaintext)
        self._sealed.append(datagram)
        self._take(self.core.handle_datagram(datagram, ADDRESS, self.now))

    def forge(self, datagram: bytes) -> None:
        """Let somebody without the key, or with an old datagram, try it: nothing may come of it."""
        before = self._state()
        assert self.core.handle_datagram(datagram, ADDRESS, self.now) == []
        assert self._state() == before

    def again(self, number: int, flip: int | None) -> None:
        """Send something that was sent before, perhaps with one bit changed."""
        if not self._sealed:
            return
        datagram = bytearray(self._sealed[number % len(self._sealed)])
        if flip is not None:
            datagram[flip // 8 % len(datagram)] ^= 1 << flip % 8
        self.forge(bytes(datagram))

    def wait(self, seconds: float) -> None:
        """Let time pass and hand back what is due, within reason."""
        self.now += seconds
        for _ in range(TIMERS_PER_ACT):
            if not self._timers or self._timers[0][0] > self.now:
                return
            timer = heapq.heappop(self._timers)[2]
            self._take(self.core.handle_timer(timer, self.now))

    def _take(self, effects: list[Effect]) -> None:
        assert len(effects) <= EFFECTS_MAX
        for effect in effects:
            match effect:
                case Send(_, datagram):
                    assert len(datagram) <= self._settings.udp_bytes_max
                case Schedule(timer, after_s):
                    heapq.heappush(self._timers, (self.now + after_s, next(self._tie), timer))
                case Notify(swim_events.MemberEvent(member)):
                    assert member.node_id != "me", "a node gets no events about itself"
        self._check()

    def _check(self) -> None:
        members = self.core.members()
        assert len(members) <= self._settings.members_max
        me = self.core.self_member
        assert me.is_live
        assert (me.epoch, me.address) == (7, ADDRESS)
        assert all(member.revision >= 0 for member in members if member.is_live), "live means introduced"
        copy = Roster()
        for member in members:
            copy.put(member)
        assert self.core.digest == copy.digest, "the sum kept with every change is that of the whole"

    def _state(self) -> tuple[object, ...]:
        return tuple(self.core.members()), self.core.health, self.core.has_rumours, self.core.digest


def check(data: bytes) -> None:
    """Read acts: who does what with how many bytes that follow."""
    trial, source = _Trial(), Source(inflate(data, 64 * BYTES_MAX))
    for _ in range(ACTS_MAX):
        if source.at_end:
            return
        act, length = source.number(), source.number(2) % BYTES_MAX
        match act % 6:
            case 0 | 1:
                trial.say(NAMES[act // 6 % 3], source.take(length))
            case 2:
                trial.forge(source.take(length))
            case 3:
                trial.again(length, flip=None)
            case 4:
                trial.again(act // 6, flip=length)
            case _:
                trial.wait(length / 100)


def seeds() -> Iterator[bytes]:
    """Yield a conversation with every message, then each message alone, introduced before."""
    key, other, me = node_key("ann"), node_key("bob"), node_key("me")
    messages: list[Message] = [
        Alive("ann", "10.0.0.2", 7946, 1, 0, 0, b"meta"),
        Alive("bob", "::1", 7946, 1, 0, 0, b"", bytes(16) + b"\0\0\x01\0"),
        Ping(1, me[:4], bytes(8)),
        Ack(1, bytes(8), bytes(12)),
        PingRequest(1, other),
        Nack(1),
        Suspect(other, 1, 0, key[:4]),
        Suspect(me, 7, 0, key[:4]),
        Refute(other, 1, 1),
        Dead(other, 1, 1, key[:4]),
        Left(other, 1, 1),
        Topic(key, 1, 1, "news", b"payload"),
        Pull(b""),
        Page(b""),
        Buckets(bytes(256)),
        Listing(bytes(8), b"\xff" * 8, other + bytes(12)),
        Want(me),
        ContentWant(bytes(16) + b"\0\0\x01\0", 0),
        ContentPiece(bytes(16) + b"\0\0\x01\0", 0, b"piece"),
    ]
    acts = [_said(message) for message in messages]
    yield b"".join(acts)
    yield b"".join(act + b"\x05" + (100).to_bytes(2, "little") for act in acts)
    reborn = [
        Left(other, 2, 0),
        Suspect(other, 2, 1, key[:4]),
        Dead(other, 2, 2, key[:4]),
        Refute(other, 2, 3),
    ]
    yield b"".join([acts[0], acts[1], *(_said(message) for message in [*reborn, Buckets(bytes(256))])])
    for act in acts:
        yield acts[0] + acts[1] + act + b"\x05\xff\x00" * 4


def _said(message: Message) -> bytes:
    plaintext = encode_packet(0, [encode_message(message)])
    return b"\0" + len(plaintext).to_bytes(2, "little") + plaintext
