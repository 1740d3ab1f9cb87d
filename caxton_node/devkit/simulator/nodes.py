"""Simulated nodes: the same short pump that drives a membership over a real socket, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import TypeVar, cast

from caxton_node.devkit.simulator.network import Network
from swim.effects import Effect, Notify, Schedule, Send
from swim.events import Event, MemberEvent
from swim.keyring import Keyring
from swim.member import Address, Identity, Member
from swim.membership import Membership
from swim.settings import Settings
from swim.timers import Timer

E = TypeVar("E")


@dataclass(frozen=True, slots=True)
class Happening:
    """An event with the virtual time at which a node reported it."""

    at: float
    event: Event


Report = Callable[["Node", Event], Happening]
"""Takes an event of a node and returns what to write down."""


class Node:
    """One member in the world: its membership and everything it reported.

    Args:
        network: The world.
        identity: Who it is in this life.
        settings: The numbers of its membership.
        keyring: Its key ring.
        make: Makes its membership; the real one by default.
        report: Told of every event, and says what to write down.
    """

    def __init__(
        self,
        network: Network,
        identity: Identity,
        settings: Settings,
        keyring: Keyring,
        *,
        make: Callable[..., Membership] = Membership,
        report: Report | None = None,
    ) -> None:
        self.identity = identity
        self.log: list[Happening] = []
        self._network = network
        self._report = report or _date
        rng = network.random_for(f"{identity.node_id}/{identity.epoch}")
        self.membership = make(identity, settings, keyring, rng)

    @property
    def node_id(self) -> str:
        """Return the id of the member."""
        return self.identity.node_id

    @property
    def address(self) -> Address:
        """Return where the member is reached."""
        return self.identity.address

    @property
    def now(self) -> float:
        """Return the virtual time."""
        return self._network.now

    def start(self, seeds: Iterable[Address] = ()) -> None:
        """Put the member into the world and let it ask its seeds."""
        self._network.add(self.address, self)
        self.perform(self.membership.start(self._network.now))
        if seeds:
            self.perform(self.membership.join(list(seeds), self._network.now))

    def handle_datagram(self, data: bytes, source: Address) -> None:
        """Take in a datagram."""
        self.perform(self.membership.handle_datagram(data, source, self._network.now))

    def handle_timer(self, timer: object) -> None:
        """Take in a timer that is due."""
        self.perform(self.membership.handle_timer(cast("Timer", timer), self._network.now))

    def perform(self, effects: list[Effect]) -> None:
        """Do what the membership wants done; a question over a link finds none, for there are no links."""
        for effect in effects:
            match effect:
                case Send(address, datagram):
                    self._network.send(self.address, address, datagram)
                case Schedule(timer, after_s):
                    self._network.schedule(self.address, timer, after_s)
                case Notify(event):
                    self.log.append(self._report(self, event))

    def events(self, kind: type[E]) -> list[E]:
        """Return what was reported of one kind."""
        return [entry.event for entry in self.log if isinstance(entry.event, kind)]

    def events_about(self, kind: type[MemberEvent], node_id: str) -> list[Happening]:
        """Return what was reported of one kind about one member, with the times."""
        return [
            entry
            for entry in self.log
            if isinstance(entry.event, kind) and entry.event.member.node_id == node_id
        ]

    def find(self, node_id: str) -> Member:
        """Return what this node knows of a member that it must know."""
        member = self.membership.find(node_id)
        assert member is not None, f"{self.node_id} has never met {node_id}"
        return member

    def live_ids(self) -> set[str]:
        """Return the ids of everybody whom this node takes for live, itself included."""
        return {member.node_id for member in self.membership.members() if member.is_live}


def _date(node: Node, event: Event) -> Happening:
    return Happening(node.now, event)
