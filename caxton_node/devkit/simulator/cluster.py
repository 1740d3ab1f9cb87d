"""Clusters of simulated members, and what must be true of them.

`Node` is the same short pump that drives a membership over a real socket: perform the effects, nothing
else. The checkers at the end are functions of a cluster, so that any scenario can ask any of them at any
time.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeVar, cast

from caxton_node.devkit.simulator.network import Network
from swim.effects import Effect, Notify, Schedule, Send
from swim.events import Event, MemberDied, MemberEvent, MemberSuspected, TopicReceived
from swim.keyring import Keyring, Subkeys
from swim.member import Address, Identity, Member, MemberState
from swim.membership import Membership
from swim.settings import Settings
from swim.timers import Timer

E = TypeVar("E")
GROUP_KEY = bytes(range(32))


@dataclass(frozen=True, slots=True)
class Happening:
    """An event with the virtual time at which a node reported it."""

    at: float
    event: Event


class Node:
    """One member in the world: its membership and everything it reported."""

    def __init__(self, network: Network, identity: Identity, settings: Settings, keyring: Keyring) -> None:
        self.identity = identity
        self.log: list[Happening] = []
        self._network = network
        rng = network.random_for(f"{identity.node_id}/{identity.epoch}")
        self.membership = Membership(identity, settings, keyring, rng)

    @property
    def node_id(self) -> str:
        """Return the id of the member."""
        return self.identity.node_id

    @property
    def address(self) -> Address:
        """Return where the member is reached."""
        return self.identity.address

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
        """Do what the membership wants done."""
        for effect in effects:
            match effect:
                case Send(address, datagram):
                    self._network.send(self.address, address, datagram)
                case Schedule(timer, after_s):
                    self._network.schedule(self.address, timer, after_s)
                case Notify(event):
                    self.log.append(Happening(self._network.now, event))

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


class Cluster:
    """Nodes in one world, by node id; those that were killed are kept apart."""

    def __init__(self, seed: int, settings: Settings | None = None) -> None:
        self.network = Network(seed)
        self.settings = settings or Settings.lan()
        self.nodes: dict[str, Node] = {}
        self.killed: dict[str, Node] = {}
        self._subkeys = Subkeys()
        self._epochs: Counter[str] = Counter()

    # ---- changing it

    def add(
        self,
        node_id: str,
        seeds: Iterable[Address] = (),
        *,
        metadata: bytes = b"",
        address: Address | None = None,
    ) -> Node:
        """Start a node, or start it again with a higher epoch."""
        self._epochs[node_id] += 1
        former = self.killed.pop(node_id, None)
        if address is None:
            address = former.address if former else address_of(len(self.nodes) + len(self.killed))
        identity = Identity(node_id, address, self._epochs[node_id], metadata)
        keyring = Keyring("simulated", [GROUP_KEY], subkeys=self._subkeys)
        node = self.nodes[node_id] = Node(self.network, identity, self.settings, keyring)
        node.start(seeds)
        return node

    def form(self, size: int, *, apart_s: float = 0.02, within_s: float = 60.0) -> float:
        """Start `size` nodes through one seed; return how long after the last join all views were equal."""
        seed = self.add(name_of(0))
        for number in range(1, size):
            self.network.run_for(apart_s)
            self.add(name_of(number), [seed.address])
        return self.network.run_until(lambda: all_views_equal(self), within_s=within_s)

    def kill(self, *node_ids: str) -> None:
        """Take nodes away without a word."""
        for node_id in node_ids:
            node = self.killed[node_id] = self.nodes.pop(node_id)
            self.network.remove(node.address)

    def update_metadata(self, node_id: str, metadata: bytes) -> None:
        """Let a node change its metadata."""
        node = self.nodes[node_id]
        node.perform(node.membership.update_metadata(metadata, self.network.now))

    def broadcast(self, node_id: str, topic: str, payload: bytes) -> None:
        """Let a node broadcast."""
        node = self.nodes[node_id]
        node.perform(node.membership.broadcast(topic, payload, self.network.now))

    def leave(self, node_id: str) -> None:
        """Let a node say goodbye; it goes on for as long as it lingers."""
        node = self.killed[node_id] = self.nodes.pop(node_id)
        node.perform(node.membership.leave(self.network.now))

    def split(self, *sides: Iterable[str]) -> None:
        """Partition the world."""
        self.network.partition(*([self.address(node_id) for node_id in side] for side in sides))

    # ---- looking at it

    def address(self, node_id: str) -> Address:
        """Return the address of a node, running or killed."""
        return (self.nodes.get(node_id) or self.killed[node_id]).address

    def bytes_sent(self) -> int:
        """Return what all nodes together have put on the network."""
        return sum(traffic.bytes for traffic in self.network.traffic.values())

    def bytes_per_node_second(self, seconds: float) -> float:
        """Let time pass and return the traffic meanwhile, per node and second."""
        before = self.bytes_sent()
        self.network.run_for(seconds)
        return (self.bytes_sent() - before) / seconds / len(self.nodes)


def name_of(number: int) -> str:
    """Return the id of the n-th node."""
    return f"node-{number:05d}"


def address_of(number: int) -> Address:
    """Return the address of the n-th node."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 7946


# ---- what must be true


def all_views_equal(cluster: Cluster, *, among: Iterable[str] | None = None) -> bool:
    """Tell whether each node takes exactly the running nodes (or `among`) for live, with equal records."""
    ids = set(cluster.nodes if among is None else among)
    nodes = [cluster.nodes[node_id] for node_id in ids]
    if len({node.membership.digest for node in nodes}) != 1:
        return False
    return nodes[0].live_ids() == ids  # equal digests mean equal live members, so one node speaks for all


def all_alive_everywhere(cluster: Cluster) -> bool:
    """Tell whether views are equal and nobody is even suspected."""
    return all_views_equal(cluster) and not any(
        member.state is MemberState.SUSPECT
        for node in cluster.nodes.values()
        for member in node.membership.members()
    )


def false_deaths(cluster: Cluster) -> list[tuple[str, str]]:
    """Return (observer, subject) for each running node that was ever reported dead by a running one."""
    return [
        (node.node_id, entry.event.member.node_id)
        for node in cluster.nodes.values()
        for entry in node.log
        if isinstance(entry.event, MemberDied)
        and entry.event.member.node_id in cluster.nodes
        and entry.event.member.epoch == cluster.nodes[entry.event.member.node_id].identity.epoch
    ]


def suspicions(cluster: Cluster) -> int:
    """Return how often running nodes began to suspect somebody."""
    return sum(len(node.events(MemberSuspected)) for node in cluster.nodes.values())


def deliveries(cluster: Cluster, topic: str) -> Counter[tuple[str, bytes]]:
    """Return how often each node delivered each payload of a topic."""
    return Counter(
        (node.node_id, entry.event.payload)
        for node in cluster.nodes.values()
        for entry in node.log
        if isinstance(entry.event, TopicReceived) and entry.event.topic == topic
    )


def events_alternate(cluster: Cluster) -> list[str]:
    """Return a sentence for each breach of the promised order of events, none if it was kept."""
    breaches = []
    for node in cluster.nodes.values():
        present: dict[str, bool] = {}
        for entry in node.log:
            if not isinstance(entry.event, MemberEvent):
                continue
            name, kind = entry.event.member.node_id, type(entry.event).__name__
            was = present.get(name, False)
            if was is (kind == "MemberJoined"):
                breaches.append(f"{node.node_id} at {entry.at:.2f}: {kind} of {name} while present={was}")
            present[name] = kind not in ("MemberDied", "MemberLeft")
    return breaches
