"""A change of authorities, whatever happens in which order: no good certificate is ever refused."""

from __future__ import annotations

import random
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from certs import Authority, TrustList, UntrustedList
from certs.rotation import Stage, announce, retire, stage_of, switch

pytestmark = pytest.mark.story("022")

NOW = datetime(2030, 1, 1, tzinfo=UTC)
AUTHORITIES = [Authority.create("home", NOW) for _ in range(3)]
BY_PRINT = {each.fingerprint: each for each in AUTHORITIES}


@dataclass
class Node:
    """What a node believes, and who signed the certificate that it shows."""

    trust: TrustList
    shown: str

    def believes(self, other: Node) -> bool:
        return other.shown in self.trust.fingerprints


class Cluster:
    """Nodes that hear of lists and renew when they like, and an operator who waits where it says so."""

    def __init__(self, size: int) -> None:
        first = TrustList.initial(AUTHORITIES[0].certificate_pem)
        self.lists = [first]
        self.nodes = [Node(first, first.primary) for _ in range(size)]
        self.unused = AUTHORITIES[1:]

    def act(self, choice: int, who: int) -> None:
        """Let one node do something, or the operator take the next step if it is due."""
        node = self.nodes[who % len(self.nodes)]
        match choice:
            case 0:
                self._step()
            case 1:  # it hears of some list, late or early, perhaps an old one
                node.trust = node.trust.accept(self.lists[who % len(self.lists)], NOW)
            case 2:
                node.trust = node.trust.accept(self.lists[-1], NOW)
            case _:
                node.shown = node.trust.primary

    def _step(self) -> None:
        latest = self.lists[-1]
        keys = list(AUTHORITIES)
        if any(node.trust != latest for node in self.nodes):
            return
        match stage_of(latest):
            case Stage.SETTLED if self.unused:
                self.lists.append(announce(latest, self.unused.pop(0), keys))
            case Stage.ANNOUNCED:
                self.lists.append(switch(latest, keys))
            case Stage.SWITCHED if all(node.shown == latest.primary for node in self.nodes):
                self.lists.append(retire(latest, keys))
            case _:
                pass


@settings(max_examples=20, deadline=None)
@given(st.integers(1, 4), st.integers(0, 2**32))
def test_every_node_believes_every_other_at_every_moment(size: int, seed: int) -> None:
    cluster, rng = Cluster(size), random.Random(seed)
    for _ in range(60 * size):
        who = rng.randrange(1000)
        cluster.act(rng.randrange(4), who)
        changed = cluster.nodes[who % size]
        assert all(changed.believes(other) and other.believes(changed) for other in cluster.nodes)
    assert cluster.lists[-1].revision > 1  # or the run was too short to show anything


def test_such_a_cluster_comes_through_two_changes() -> None:
    cluster = Cluster(3)
    for _ in range(6):
        for choice in (0, 2, 3):
            for who in range(3):
                cluster.act(choice, who)
    assert cluster.lists[-1].revision == 6
    assert {node.shown for node in cluster.nodes} == {AUTHORITIES[2].fingerprint}
    assert {node.trust.fingerprints for node in cluster.nodes} == {(AUTHORITIES[2].fingerprint,)}


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(0, 6), max_size=12))
def test_what_a_node_believes_only_goes_forward(order: list[int]) -> None:
    cluster = Cluster(1)
    for _ in range(6):
        for choice in (0, 2, 3):
            cluster.act(choice, 0)
    held = cluster.lists[0]
    for number in order:
        offered = cluster.lists[number % len(cluster.lists)]
        before = held
        try:
            held = held.accept(offered, NOW)
        except UntrustedList:
            assert not set(held.fingerprints) & {each.authority for each in offered.signatures}
        assert held.revision >= before.revision
