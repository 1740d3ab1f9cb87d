"""What both systems are put through, and in which order; `peers/memberlist/main.go` reads the same fields."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace


@dataclass(frozen=True, slots=True)
class Schedule:
    """One run of one program; times in seconds.

    Attributes:
        members: Size of the cluster whose life is measured.
        metadata_bytes: Random metadata of each member.
        join_rounds: How often a cluster is formed with pauses between the joins, and how often without.
        apart_s: The pause.
        settle_s: Before the next thing the cluster must be quiet for this long.
        window_s: How long the cluster is watched while nothing happens.
        join_wait_s: After this a cluster is used though not everybody knows everybody.
        wait_s: After this, whatever else is waited for is taken for lost and counts as this long.
        updates: Changes of metadata, one after the other.
        kills: Members that vanish, one after the other.
        loss_members: Size of the cluster that loses datagrams.
        loss_window_s: How long, at each share of loss.
        losses: Shares of what is received, lost in the kernel, one after the other.
        streams_lossy: Segments of TCP are lost too; datagrams always are.
        tcp_ping: memberlist may probe by TCP what does not answer by UDP, as it does by default.
        own_network: The process has a network namespace to itself, so the kernel's counters are its own.
        seed: Of all chance that is not the systems' own.
    """

    members: int = 128
    metadata_bytes: int = 64
    join_rounds: int = 3
    apart_s: float = 0.05
    settle_s: float = 1.5
    window_s: float = 90.0
    join_wait_s: float = 40.0
    wait_s: float = 40.0
    updates: int = 5
    kills: int = 3
    loss_members: int = 64
    loss_window_s: float = 20.0
    losses: tuple[float, ...] = (0.1, 0.2, 0.3)
    streams_lossy: bool = True
    tcp_ping: bool = True
    own_network: bool = False
    seed: int = 1

    def quick(self) -> Schedule:
        """Return what fits into 40 s for both systems together."""
        return replace(
            self,
            members=32,
            settle_s=0.5,
            window_s=2.0,
            join_wait_s=5.0,
            wait_s=14.0,
            updates=2,
            kills=1,
            losses=(),
        )

    def dump(self) -> str:
        """Return the schedule as both programs take it."""
        return json.dumps(asdict(self))

    @classmethod
    def load(cls, text: str) -> Schedule:
        """Return the schedule that `dump` wrote."""
        fields = json.loads(text)
        return cls(**{**fields, "losses": tuple(fields["losses"])})
