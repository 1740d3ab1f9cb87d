"""What one node counts: plain integers that a shell may read at any time and export as it likes."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Drop(StrEnum):
    """Why a datagram, or one message in it, was not used."""

    OVERSIZE = "oversize"
    FOREIGN = "foreign"  # too short, or not this protocol version
    UNKNOWN_KEY = "unknown-key"
    PLAIN = "plain"  # not sealed, where sealing is required
    UNAUTHENTIC = "unauthentic"  # wrong key, wrong cluster, or changed on the way
    REPLAYED = "replayed"
    STALE_EPOCH = "stale-epoch"  # sealed by an earlier boot of its sender
    MALFORMED = "malformed"
    OWN = "own"  # sealed under this node's own id
    DEPARTED = "departed"  # arrived after this node had left
    MISDIRECTED = "misdirected"  # a ping for whoever had this address before
    UNKNOWN_MEMBER = "unknown-member"  # a request from, or a topic of, somebody not in the table
    TABLE_FULL = "table-full"
    RELAYS_FULL = "relays-full"
    VERSION = "version"  # an introduction of somebody who speaks no version that we speak
    WITNESSES = "witnesses"  # a death with too few accusers, taken for a suspicion
    TOPICS_FULL = "topics-full"


@dataclass(slots=True)
class Statistics:
    """Counters since this membership was made; they only grow.

    Bytes are UDP payload: add 28 per datagram for IPv4 headers, 48 for IPv6.
    """

    datagrams_in: int = 0
    datagrams_out: int = 0
    bytes_in: int = 0
    bytes_out: int = 0
    dropped: dict[Drop, int] = field(default_factory=lambda: dict.fromkeys(Drop, 0))
    probes: int = 0
    probes_failed: int = 0
    probes_voided: int = 0  # judged too late to mean anything: this process had stalled
    isolations: int = 0  # failed probes during which nobody at all was heard
    retries: int = 0  # pings sent again because the first was not answered
    link_rescues: int = 0  # probes answered over a link only
    suspicions: int = 0
    refutes: int = 0  # of accusations against this node
    deaths: int = 0
    joins: int = 0
    leaves: int = 0
    knocks: int = 0
    reconciliations: int = 0
    topics_sent: int = 0
    topics_received: int = 0

    def drop(self, reason: Drop) -> None:
        """Count one thing that was not used."""
        self.dropped[reason] += 1
