"""A world whose members follow memberlist's rules."""

from __future__ import annotations

from collections.abc import Iterable

from caxton_node.devkit.simulator.cluster import address_of, name_of
from caxton_node.devkit.simulator.network import Network
from swim.effects import Effect, Notify, Schedule, Send
from swim.member import Address, Identity
from tests.bench.swim_sim.memberlist.context import World as Shared
from tests.bench.swim_sim.memberlist.machine import Memberlist
from tests.bench.swim_sim.memberlist.messages import State
from tests.bench.swim_sim.memberlist.parameters import Parameters
from tests.bench.swim_sim.memberlist.wire import Datagram
from tests.bench.swim_sim.worlds.world import METADATA_BYTES, World


class Participant:
    """One member in the network: performs what its rules want done."""

    def __init__(self, world: MemberlistWorld, identity: Identity, *, formed: bool) -> None:
        self.identity = identity
        self._world = world
        self._network = world.network
        rng = self._network.random_for(identity.node_id)
        self.machine = Memberlist(identity, world.shared, rng, self._network.now, formed=formed)

    def start(self, seeds: Iterable[Address]) -> None:
        """Enter the network."""
        self._network.add(self.identity.address, self)
        self.perform(self.machine.start(self._network.now))
        self.perform(self.machine.join(list(seeds), self._network.now))

    def handle_datagram(self, data: Datagram, source: Address) -> None:
        """Take in a datagram."""
        self.perform(self.machine.handle_datagram(data, source, self._network.now))

    def handle_timer(self, timer: object) -> None:
        """Take in a timer that is due."""
        self.perform(self.machine.handle_timer(timer, self._network.now))

    def perform(self, effects: list[Effect]) -> None:
        """Do what is wanted."""
        for effect in effects:
            match effect:
                case Send(address, datagram):
                    self._network.send(self.identity.address, address, datagram)
                case Schedule(timer, after_s):
                    self._network.schedule(self.identity.address, timer, after_s)
                case Notify(event):
                    self._world.seen.take(self.identity.node_id, self._network.now, event)


class MemberlistWorld(World):
    """A cluster of memberlists."""

    def __init__(
        self, seed: int, parameters: Parameters | None = None, *, metadata_bytes: int = METADATA_BYTES
    ) -> None:
        super().__init__(Network(seed), metadata_bytes)
        self.shared = Shared(parameters or Parameters.lan())
        self.members: dict[str, Participant] = {}
        self._addresses: dict[str, Address] = {}

    @property
    def running(self) -> list[str]:
        """Return the ids of the members that run."""
        return list(self.members)

    def start_formed(self, size: int) -> None:
        """Start members that share one table."""
        identities = [Identity(name_of(n), address_of(n), 1, self.new_metadata()) for n in range(size)]
        self.shared.directory.found((i.node_id, i.address, i.metadata) for i in identities)
        for identity in identities:
            self._start(identity, (), formed=True)

    def add(self, node_id: str, seeds: Iterable[Address] = ()) -> None:
        """Start a member that joins through seeds."""
        address = address_of(len(self._addresses))
        self._start(Identity(node_id, address, 1, self.new_metadata()), seeds, formed=False)

    def kill(self, node_id: str) -> None:
        """Take a member away without a word."""
        self.network.remove(self.members.pop(node_id).identity.address)

    def update(self, node_id: str) -> None:
        """Let a member change its metadata."""
        member = self.members[node_id]
        member.perform(member.machine.update_metadata(self.new_metadata(), self.network.now))

    def address(self, node_id: str) -> Address:
        """Return where a member is."""
        return self._addresses[node_id]

    def agrees(self) -> bool:
        """Tell whether all see the same live members, and those are the running ones."""
        if len({member.machine.digest for member in self.members.values()}) != 1:
            return False
        return all(self._sees_all(member) for member in list(self.members.values())[:1]) and not any(
            self._suspects(member) for member in self.members.values()
        )

    def accusations(self) -> int:
        """Return how many suspicions own probes have begun, gossip not counted."""
        return sum(member.machine.accusations for member in self.members.values())

    def _start(self, identity: Identity, seeds: Iterable[Address], *, formed: bool) -> None:
        self._addresses[identity.node_id] = identity.address
        member = self.members[identity.node_id] = Participant(self, identity, formed=formed)
        member.start(seeds)

    def _sees_all(self, member: Participant) -> bool:
        for node_id in self._addresses:
            peer = member.machine.find(node_id)
            if (peer is not None and peer.state is not State.DEAD) is not (node_id in self.members):
                return False
        return True

    def _suspects(self, member: Participant) -> bool:
        return any(entry.state is State.SUSPECT for entry in member.machine.changed())
