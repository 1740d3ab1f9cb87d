"""A world whose members are `swim.Membership`s: the real core, encoding and decoding whatever it sends.

Encryption alone is left out, which changes neither sizes nor what happens.
"""

from __future__ import annotations

from collections.abc import Iterable

from caxton_node.devkit.simulator.cluster import Cluster, all_alive_everywhere
from swim.member import Address
from swim.settings import Settings
from tests.bench.swim_sim.worlds.world import METADATA_BYTES, World


class CaxtonWorld(World):
    """A cluster of our own."""

    def __init__(self, seed: int, settings: Settings | None = None) -> None:
        self._cluster = Cluster(seed, settings, sealed=False)
        super().__init__(self._cluster.network, METADATA_BYTES)
        self._cluster.listen(lambda node, entry: self.seen.take(node.node_id, entry.at, entry.event))

    @property
    def running(self) -> list[str]:
        """Return the ids of the members that run."""
        return list(self._cluster.nodes)

    def start_formed(self, size: int) -> None:
        """Start members that share one table."""
        self._cluster.start_formed(size, metadata=self.new_metadata())

    def add(self, node_id: str, seeds: Iterable[Address] = ()) -> None:
        """Start a member that joins through seeds."""
        self._cluster.add(node_id, seeds, metadata=self.new_metadata())

    def kill(self, node_id: str) -> None:
        """Take a member away without a word."""
        self._cluster.kill(node_id)

    def update(self, node_id: str) -> None:
        """Let a member change its metadata."""
        self._cluster.update_metadata(node_id, self.new_metadata())

    def address(self, node_id: str) -> Address:
        """Return where a member is."""
        return self._cluster.address(node_id)

    def agrees(self) -> bool:
        """Tell whether everybody holds exactly the running members for alive."""
        return all_alive_everywhere(self._cluster)
