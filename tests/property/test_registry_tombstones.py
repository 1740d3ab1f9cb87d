"""Deleted entries stay deleted, whoever was away for however long, and tombstones go all the same.

The oracle is short: of all versions of a key that were ever written, the one with the highest rank holds. It
must hold on every replica once all have been compared, whatever was delivered, lost, repeated, delayed for
weeks, restarted or collected before. Any cut of the network is one of those histories: cut nodes are
those that are not compared and not delivered to.
"""

from __future__ import annotations

from itertools import permutations

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from caxton_node.registry import anti_entropy, tombstones
from caxton_node.registry.entry import Entry, Id
from caxton_node.registry.replica import Replica
from caxton_node.registry.tombstones import TOMBSTONE_KEPT_US
from tests.support.replicas import compare

NODES = ("alpha", "beta", "gamma", "delta")
KIND = "route"
START_US = 1_700_000_000_000_000
HOUR_US = 3600 * 1_000_000
node = st.sampled_from(NODES)


class Tombstones(RuleBasedStateMachine):
    """Four nodes that share entries; time passes in steps from a millisecond to weeks."""

    @initialize(skews=st.lists(st.integers(-30_000, 30_000), min_size=4, max_size=4))
    def begin(self, skews: list[int]) -> None:
        self.patch = pytest.MonkeyPatch()
        # By age alone would be unsafe; that limit is there for members that never come back.
        self.patch.setattr(tombstones, "TOMBSTONE_KEPT_MAX_US", 10**18)
        self.patch.setattr(anti_entropy, "SAMPLE_ROWS", 1)  # or three keys would never be a snapshot
        self.now_us = START_US
        self.skew_us = dict(zip(NODES, (skew * 1000 for skew in skews), strict=True))
        self.replicas = {name: Replica(name) for name in NODES}
        self.started_us = dict.fromkeys(NODES, START_US)
        self.versions: list[Entry] = []
        self.highest: dict[Id, Entry] = {}
        self.collected = 0
        for replica in self.replicas.values():
            replica.context.caught_up = True

    def now(self, name: str) -> int:
        return self.now_us + self.skew_us[name]

    @rule(name=node, key=st.sampled_from("xyz"), value=st.none() | st.binary(max_size=1))
    def write(self, name: str, key: str, value: bytes | None) -> None:
        replica, before = self.replicas[name], self.replicas[name].find(KIND, key)
        if value is None:
            version = replica.delete(KIND, key, self.now(name))
        else:
            version = replica.put(KIND, key, value, self.now(name))
        if version is not None and version is not before:
            self.versions.append(version)
            highest = self.highest.get(version.id)
            if highest is None or version.rank > highest.rank:
                self.highest[version.id] = version

    @rule(pair=st.sampled_from(list(permutations(NODES, 2))), key=st.sampled_from("xyz"))
    def delete_elsewhere(self, pair: tuple[str, str], key: str) -> None:
        """Let one write and another, who has just heard of that and of nothing else, delete it."""
        self.write(pair[0], key, b"!")
        heard = self.replicas[pair[0]].find(KIND, key)
        assert heard is not None
        self.replicas[pair[1]].merge([heard], self.now(pair[1]))
        self.wait(1000)
        self.write(pair[1], key, None)

    @precondition(lambda self: self.versions)
    @rule(name=node, data=st.data())
    def deliver(self, name: str, data: st.DataObject) -> None:
        """Bring a broadcast, now or much later."""
        self.replicas[name].merge([data.draw(st.sampled_from(self.versions))], self.now(name))

    @rule(pair=st.sampled_from(list(permutations(NODES, 2))), learns=st.booleans())
    def compare(self, pair: tuple[str, str], learns: bool) -> None:
        compare(self.replicas[pair[0]], self.replicas[pair[1]], self.now_us, learns=learns)

    @rule(ms=st.sampled_from([1, 1000]))
    def wait(self, ms: int) -> None:
        self.now_us += ms * 1000

    @rule(hours=st.sampled_from([1, 13, 25, 24 * 14]))
    def wait_long(self, hours: int) -> None:
        self.now_us += hours * HOUR_US

    @rule(name=node)
    def collect(self, name: str) -> None:
        replica = self.replicas[name]
        if self.now_us - self.started_us[name] >= TOMBSTONE_KEPT_US:
            replica.context.caught_up = True
        self.collected += len(replica.collect(self.now(name), NODES))

    @rule(away=node, data=st.data())
    def spend_days_without(self, away: str, data: st.DataObject) -> None:
        """Let one node be cut off while the others go on for so long that they forget tombstones."""
        others = [name for name in NODES if name != away]
        for hours in data.draw(st.lists(st.sampled_from([1, 25]), min_size=1, max_size=3)):
            for pair in permutations(others, 2):
                self.compare(pair, learns=True)
            self.wait_long(hours)
            for name in others:
                self.collect(name)

    @rule(name=node)
    def restart(self, name: str) -> None:
        old, new = self.replicas[name], Replica(name)
        new.load(list(old._entries.values()), self.now(name), context=old.context.stamps)
        self.replicas[name], self.started_us[name] = new, self.now_us

    def teardown(self) -> None:
        if not hasattr(self, "replicas"):
            return
        try:
            for _ in range(3):
                for one, other in permutations(NODES, 2):
                    compare(self.replicas[one], self.replicas[other], self.now_us, learns=True)
                for name in NODES:
                    self.collect(name)
            holding = {entry.id: entry for entry in self.highest.values() if not entry.deleted}
            for replica in self.replicas.values():
                assert {entry.id: entry for entry in replica.entries()} == holding
            assert len({replica.buckets.root() for replica in self.replicas.values()}) == 1
        finally:
            self.patch.undo()


TestTombstones = Tombstones.TestCase
TestTombstones.settings = settings(max_examples=200, stateful_step_count=40, deadline=None)
TestTombstones.pytestmark = [pytest.mark.story("026")]  # type: ignore[attr-defined]
