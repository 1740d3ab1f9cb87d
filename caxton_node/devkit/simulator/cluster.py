"""Clusters of simulated members in one world: start them, change them, break them, look at them.

A cluster comes into being in one of two ways. `form` lets every node join through the first, as real nodes
do, which costs what it costs. `start_formed` begins with nodes that know each other already and share one
table (`swim/base.py`), so that a thousand of them are there in a moment and ten thousand fit into memory.

What must be true of a cluster is in `checks.py`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable

from caxton_node.devkit.simulator.checks import (
    all_alive_everywhere,
    all_views_equal,
    deliveries,
    events_alternate,
    false_deaths,
    suspicions,
)
from caxton_node.devkit.simulator.network import Network
from caxton_node.devkit.simulator.nodes import Happening, Node
from caxton_node.devkit.simulator.unsealed import UnsealedKeyring
from swim.events import Event
from swim.keyring import Keyring, Subkeys
from swim.member import Address, Identity
from swim.membership import Membership
from swim.roster import Roster
from swim.settings import Settings

__all__ = [
    "GROUP_KEY",
    "Cluster",
    "Happening",
    "Node",
    "address_of",
    "all_alive_everywhere",
    "all_views_equal",
    "deliveries",
    "events_alternate",
    "false_deaths",
    "name_of",
    "suspicions",
]

GROUP_KEY = bytes(range(32))
CLUSTER_ID = "simulated"
INTERNED_MAX = 65_536

Listener = Callable[[Node, Happening], None]


class Cluster:
    """Nodes in one world, by node id; those that were killed are kept apart.

    Args:
        seed: Decides everything that is left to chance.
        settings: The numbers of all memberships, by default those of a LAN.
        sealed: Encrypt as real nodes do. Without it datagrams have the same sizes and a run is the same;
            it takes less time and, with thousands of nodes, much less memory.
        make: Makes each membership; the real one by default.
    """

    def __init__(
        self,
        seed: int,
        settings: Settings | None = None,
        *,
        sealed: bool = True,
        make: Callable[..., Membership] = Membership,
    ) -> None:
        self.network = Network(seed)
        self.settings = settings or Settings.lan()
        self.nodes: dict[str, Node] = {}
        self.killed: dict[str, Node] = {}
        self._sealed = sealed
        self._make = make
        self._subkeys = Subkeys()
        self._epochs: Counter[str] = Counter()
        self._listeners: list[Listener] = []
        self._events: dict[Event, Event] = {}
        self._founders: dict[str, Node] = {}

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
        node = self._place(node_id, metadata, address)
        node.start(seeds)
        return node

    def form(self, size: int, *, apart_s: float = 0.02, within_s: float = 60.0) -> float:
        """Start `size` nodes through one seed; return how long after the last join all views were equal."""
        seed = self.add(name_of(0))
        for number in range(1, size):
            self.network.run_for(apart_s)
            self.add(name_of(number), [seed.address])
        return self.network.run_until(lambda: all_views_equal(self), within_s=within_s)

    def start_formed(self, size: int, *, metadata: bytes = b"") -> None:
        """Start `size` nodes that know each other already, as if they had joined long ago.

        Nobody has reported anything yet, and all have the same metadata.
        """
        nodes = [self._place(name_of(number), metadata, None) for number in range(size)]
        everybody = Roster()
        for node in nodes:
            everybody.put(node.membership.self_member)
        base = everybody.to_base()
        for node in nodes:
            self._founders[node.node_id] = node
            node.membership.adopt(base)
            node.start()

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

    def listen(self, listener: Listener) -> None:
        """Call `listener` with each event of any node from now on, as it is reported."""
        self._listeners.append(listener)

    def known_at_start(self, node_id: str) -> Collection[str]:
        """Return whom a node knew when it started: all who were there if the cluster started formed."""
        is_founder = self._founders.get(node_id) is (self.nodes.get(node_id) or self.killed.get(node_id))
        return self._founders if is_founder and self._founders else ()

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

    # ---- inside

    def _place(self, node_id: str, metadata: bytes, address: Address | None) -> Node:
        self._epochs[node_id] += 1
        former = self.killed.pop(node_id, None)
        if address is None:
            address = former.address if former else address_of(len(self.nodes) + len(self.killed))
        identity = Identity(node_id, address, self._epochs[node_id], metadata)
        node = self.nodes[node_id] = Node(
            self.network, identity, self.settings, self._keyring(), make=self._make, report=self._report
        )
        return node

    def _keyring(self) -> Keyring:
        if self._sealed:
            return Keyring(CLUSTER_ID, [GROUP_KEY], subkeys=self._subkeys)
        return UnsealedKeyring(CLUSTER_ID, GROUP_KEY)

    def _report(self, node: Node, event: Event) -> Happening:
        if len(self._events) >= INTERNED_MAX:
            self._events.clear()
        happening = Happening(self.network.now, self._events.setdefault(event, event))
        for listener in self._listeners:
            listener(node, happening)
        return happening


def name_of(number: int) -> str:
    """Return the id of the n-th node."""
    return f"node-{number:05d}"


def address_of(number: int) -> Address:
    """Return the address of the n-th node."""
    return f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", 7946
