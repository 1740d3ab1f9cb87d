"""An agent of this node that has lost its name: what it is, who won, and what follows."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.agents.claims import KIND, Claim, said_of
from caxton_node.agents.manifest import OnConflict
from caxton_node.agents.store import Deployed
from caxton_node.registry.conflicts import Conflict, Version
from caxton_node.registry.entry import Entry
from caxton_node.registry.hlc import stamp_at

STOPPED, KEPT = "stopped", "kept"


@dataclass(frozen=True, slots=True)
class Defeat:
    """An agent here has lost its name.

    Attributes:
        name: `tenant/name`.
        row: What is deployed.
        mine: What it would claim.
        winner: What holds.
        entry: Where that is written.
    """

    name: str
    row: Deployed
    mine: Claim
    winner: Claim
    entry: Entry

    @property
    def stops(self) -> bool:
        """Return whether it is to stop."""
        return self.row.manifest.on_conflict is OnConflict.STOP and not self.row.tie

    def conflict(self, now_unix_ms: int, action: str) -> Conflict:
        """Return what the partition report is to say of it."""
        mine, entry = self.mine, self.entry
        loser = Version(stamp_at(mine.deployed_unix_ms * 1000), mine.node, *said_of(mine))
        winner = Version(entry.stamp, entry.origin, *said_of(self.winner))
        return Conflict(KIND, self.name, loser, winner, now_unix_ms, action)
