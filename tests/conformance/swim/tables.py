"""Two memberships whose tables meet: what one sends to the other arrives at once, all else is lost.

Besides, peers in numbers and at other addresses, and bytes that must change nothing.
"""

from __future__ import annotations

import random
from copy import copy

from swim.effects import Effect, Notify, Send
from swim.events import Event
from swim.keyring import Keyring
from swim.member import PROTOCOL_VERSIONS, Address, Identity, Member, MemberState
from swim.membership import Membership
from swim.messages import Message
from swim.settings import Settings
from tests.support.swim_pair import CLUSTER_KEY, Peer, Subject

LEFT_SIDE: Address = ("10.1.0.1", 7946)
RIGHT_SIDE: Address = ("10.1.0.2", 7946)
STEP_S = 0.5


class Side:
    """One of the two memberships.

    Attributes:
        membership: Its core.
        peer: Says what this side might say, for the other side to hear.
        log: The events that it reported.
    """

    def __init__(self, node_id: str, address: Address, settings: Settings, versions: tuple[int, int]) -> None:
        self.address = address
        identity = Identity(node_id, address, 1, b"", versions)
        self.membership = Membership(
            identity, settings, Keyring("test", [CLUSTER_KEY]), random.Random(node_id)
        )
        self.log: list[Event] = []

    def hear(self, peer: Peer, *messages: Message, now: float = 0.0) -> list[Effect]:
        """Let a peer say something to this side; return what it does."""
        return self.note(self.membership.handle_datagram(peer.says(*messages), peer.address, now))

    def note(self, effects: list[Effect]) -> list[Effect]:
        """Write the events down; return the effects."""
        self.log += [effect.event for effect in effects if isinstance(effect, Notify)]
        return effects

    def meet(self, *peers: Peer) -> None:
        """Let peers introduce themselves to this side."""
        for peer in peers:
            self.hear(peer, peer.record())

    def forget_rumours(self, listener: Peer) -> None:
        """Tell all that waits to one peer, who keeps it to itself: only tables are left to say it."""
        while self.membership.has_rumours:
            self.membership.ping(listener.node_id, 0.0)

    def find(self, node_id: str) -> Member:
        """Return what this side knows of a member that it must know."""
        member = self.membership.find(node_id)
        assert member is not None, f"{node_id} is not known"
        return member

    def states(self) -> dict[str, MemberState]:
        """Return what this side believes, by node id."""
        return {member.node_id: member.state for member in self.membership.members()}


class Meeting:
    """Two sides, and a clock that moves when they compare tables."""

    def __init__(
        self,
        settings: Settings | None = None,
        *,
        versions: tuple[int, int] = PROTOCOL_VERSIONS,
        right_settings: Settings | None = None,
    ) -> None:
        settings = settings or Settings.lan()
        self.left = Side("left", LEFT_SIDE, settings, PROTOCOL_VERSIONS)
        self.right = Side("right", RIGHT_SIDE, right_settings or settings, versions)
        self.now = 0.0
        self.datagrams = 0
        for side in (self.left, self.right):
            side.note(side.membership.start(self.now))

    def join(self) -> None:
        """Let the right side join through the left one."""
        self.carry(self.right, self.right.note(self.right.membership.join([LEFT_SIDE], self.now)))

    def compare(self, rounds: int = 6) -> None:
        """Let each side ping the other so often, half a second apart."""
        for _ in range(rounds):
            self.now += STEP_S
            for side in (self.left, self.right):
                self._ping(side)

    def carry(self, sender: Side, effects: list[Effect]) -> None:
        """Bring what one side sends to the other, and what comes of it."""
        receiver = self.right if sender is self.left else self.left
        for effect in effects:
            if isinstance(effect, Send) and effect.address == receiver.address:
                self.datagrams += 1
                membership = receiver.membership
                answer = membership.handle_datagram(effect.datagram, sender.address, self.now)
                self.carry(receiver, receiver.note(answer))

    def _ping(self, side: Side) -> None:
        other = self.right if side is self.left else self.left
        name = other.membership.self_member.node_id
        self.carry(side, side.note(side.membership.ping(name, self.now)))


def acquainted(settings: Settings | None = None) -> Meeting:
    """Return two sides that know each other and nobody else."""
    meeting = Meeting(settings)
    meeting.join()
    meeting.compare(1)
    return meeting


def crowd(number_of: int) -> list[Peer]:
    """Return more peers than one network of 256 addresses holds."""
    found = []
    for number in range(1, number_of + 1):
        peer = Peer(f"peer-{number}", 1)
        peer.address = (f"10.0.{number >> 8}.{number & 255}", 7946)
        found.append(peer)
    return found


def moved(peer: Peer, address: Address) -> Peer:
    """Return the same peer at another address; what it seals is counted on."""
    there = copy(peer)
    there.address = address
    return there


def hear(subject: Subject, datagram: bytes) -> int:
    """Let any bytes arrive that must change nothing; return how many things were dropped."""
    before, digest = sum(subject.membership.statistics.dropped.values()), subject.membership.digest
    assert subject.membership.handle_datagram(datagram, ("10.0.0.1", 7946), subject.now) == []
    assert subject.membership.digest == digest
    return sum(subject.membership.statistics.dropped.values()) - before
