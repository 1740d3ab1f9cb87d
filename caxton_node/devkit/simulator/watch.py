"""Keeps count of what nodes report while a story goes on, so that nobody has to search their tables."""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from caxton_node.devkit.simulator.cluster import Cluster
from caxton_node.devkit.simulator.nodes import Happening, Node
from swim.events import MemberDied, MemberEvent, MemberSuspected
from swim.member import Member


@dataclass(slots=True)
class Victim:
    """A node that crashed, and who has learnt of it.

    Attributes:
        at: When it crashed.
        knowers: Nodes that hold it dead.
        first_at: When the first of them knew, None if nobody does.
        all_at: When the last of the running nodes knew.
    """

    at: float
    knowers: set[str] = field(default_factory=set)
    first_at: float | None = None
    all_at: float | None = None


class Watch:
    """Hears every event of a cluster.

    Attributes:
        suspicions: How often anybody began to suspect a running node; not those that began across a cut, nor
            what others hear of them.
        false_deaths: (observer, subject): running nodes held dead by one that nothing cuts off from them; not
            those that come of a suspicion across a cut.
        victims: Nodes that crashed, by id.
        suspected_at: When somebody began to suspect a victim, for each such pair, in order.
        known_at: When somebody held a victim dead, for each such pair, in order.
    """

    def __init__(self, cluster: Cluster) -> None:
        self.suspicions = 0
        self.false_deaths: set[tuple[str, str]] = set()
        self.victims: dict[str, Victim] = {}
        self.suspected_at = array("d")
        self.known_at = array("d")
        self._cluster = cluster
        self._doubts: set[tuple[str, str]] = set()
        self._parted_doubts: defaultdict[str, set[str]] = defaultdict(set)
        cluster.listen(self._hear)

    def kill(self, node_ids: Iterable[str]) -> None:
        """Let nodes crash, and watch who learns of it."""
        now = self._cluster.network.now
        self._cluster.kill(*node_ids)
        for node_id in node_ids:
            victim = self.victims[node_id] = Victim(now)
            for node in self._cluster.nodes.values():
                if not node.find(node_id).is_live:  # it was held dead before it was
                    self._learn(victim, node, now)

    @property
    def is_everything_known(self) -> bool:
        """Tell whether every running node knows of every crash."""
        return all(victim.all_at is not None for victim in self.victims.values())

    @property
    def is_anybody_doubted(self) -> bool:
        """Tell whether a running node suspects anybody."""
        return any(observer in self._cluster.nodes for observer, _ in self._doubts)

    def _hear(self, node: Node, happening: Happening) -> None:
        event = happening.event
        if not isinstance(event, MemberEvent):
            return
        pair = (node.node_id, event.member.node_id)
        if isinstance(event, MemberSuspected):
            self._doubts.add(pair)
            self._count_suspicion(node, event.member.node_id, happening.at)
            return
        self._doubts.discard(pair)
        if isinstance(event, MemberDied):
            self._count_death(node, event.member, happening.at)
        else:
            self._parted_doubts[pair[1]].discard(pair[0])

    def _count_suspicion(self, node: Node, subject: str, at: float) -> None:
        if subject in self.victims:
            self.suspected_at.append(at)
        elif self._parted_doubts[subject] or self._is_parted(node, subject):
            self._parted_doubts[subject].add(node.node_id)
        else:
            self.suspicions += 1

    def _is_parted(self, node: Node, subject: str) -> bool:
        running = self._cluster.nodes.get(subject)
        faults = self._cluster.network.faults
        return running is not None and faults.is_parted(running.address, node.address)

    def _count_death(self, node: Node, member: Member, at: float) -> None:
        if member.node_id in self.victims:
            self._learn(self.victims[member.node_id], node, at)
            return
        running = self._cluster.nodes.get(member.node_id)
        if running is None or member.epoch != running.identity.epoch:
            return
        is_of_a_cut = node.node_id in self._parted_doubts[member.node_id] or self._is_parted(
            node, member.node_id
        )
        if not is_of_a_cut:
            self.false_deaths.add((node.node_id, member.node_id))

    def _learn(self, victim: Victim, node: Node, at: float) -> None:
        if node.node_id in victim.knowers or node.node_id not in self._cluster.nodes:
            return
        victim.knowers.add(node.node_id)
        self.known_at.append(at)
        if victim.first_at is None:
            victim.first_at = at
        if len(victim.knowers) == len(self._cluster.nodes):
            victim.all_at = at
