"""Every number of the protocol, with its bound.

Times are in seconds and describe a healthy cluster; cluster size and local health scale them where the
protocol says so. Three profiles cover most sites: `lan` (one data centre), `wan` (several) and `local` (one
machine).
"""

from __future__ import annotations

from dataclasses import dataclass

from swim.errors import InvalidSettings

HEADERS_BYTES = 48
"""IPv6 and UDP headers: the larger case, so that a datagram fits either way."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of one node; all nodes of a cluster should share them.

    Attributes:
        probe_interval_s: One member is probed in each interval.
        probe_timeout_s: Time for a direct answer (two tries) before helpers are asked.
        helpers: Members asked to probe in our place when there is no direct answer.
        suspicion_multiplier: Shortest suspicion = this x max(1, log10 N) x probe interval.
        suspicion_stretch: Longest suspicion (nobody else agrees) = this x the shortest.
        confirmations: Further accusers that bring the longest down to the shortest.
        health_max: Local health runs from 0 (well) to this; time-outs stretch with it.
        gossip_interval_s: Pause between gossip rounds while there is something to tell.
        gossip_fanout: Members told in each round.
        gossip_burst: Datagrams to one member in one round when the backlog exceeds one.
        retransmit_extra: A claim is sent ceil(ln(N + 1)) + this times by each member. About e**-this
            members miss it, and digests find those.
        topic_retransmit_extra: The same for broadcasts, which nothing repairs: at 7 about one broadcast
            in a thousand misses somebody.
        reconcile_settle_s: Own table must be this still before a differing digest is looked into.
        reconcile_burst: Datagrams sent in answer to one request for part of the table.
        knock_interval_s: How often a member held dead may be tried again, and old ones forgotten.
        dead_memory_s: How long dead and departed members are remembered.
        members_max: Members in the table, the remembered ones included; newcomers beyond it are refused.
        metadata_bytes_max: Metadata carried in a member's record.
        payload_bytes_max: Payload of one broadcast.
        topic_bytes_max: UTF-8 length of a topic.
        topics_max: Broadcasts waiting; a full queue refuses own ones and forgets the most told of others.
        topic_share: Part of each datagram kept for broadcasts while some wait.
        relays_max: Probes made for others at one time; further requests are dropped.
        leave_linger_s: How long a leaver goes on telling and answering.
        leave_fanout: Members that a leaver tells itself, at once.
        datagram_bytes_max: Whole datagram with IP and UDP headers.
    """

    probe_interval_s: float = 1.0
    probe_timeout_s: float = 0.5
    helpers: int = 3
    suspicion_multiplier: float = 4.0
    suspicion_stretch: float = 5.0
    confirmations: int = 3
    health_max: int = 8
    gossip_interval_s: float = 0.2
    gossip_fanout: int = 3
    gossip_burst: int = 8
    retransmit_extra: int = 4
    topic_retransmit_extra: int = 7
    reconcile_settle_s: float = 1.5
    reconcile_burst: int = 8
    knock_interval_s: float = 10.0
    dead_memory_s: float = 86_400.0
    members_max: int = 16_384
    metadata_bytes_max: int = 128
    payload_bytes_max: int = 900
    topic_bytes_max: int = 64
    topics_max: int = 256
    topic_share: float = 0.25
    relays_max: int = 64
    leave_linger_s: float = 2.0
    leave_fanout: int = 16
    datagram_bytes_max: int = 1400

    def __post_init__(self) -> None:
        """Refuse combinations under which the protocol cannot work.

        Raises:
            InvalidSettings: With the rule that was broken.
        """
        rules = {
            "probe_timeout_s must be above 0 and below probe_interval_s": (
                0 < self.probe_timeout_s < self.probe_interval_s
            ),
            "gossip_interval_s must be above 0": self.gossip_interval_s > 0,
            "knock_interval_s must be above 0": self.knock_interval_s > 0,
            "helpers, gossip_fanout, gossip_burst and reconcile_burst must be 1 to 16": all(
                1 <= n <= 16
                for n in (self.helpers, self.gossip_fanout, self.gossip_burst, self.reconcile_burst)
            ),
            "suspicion_multiplier and suspicion_stretch must be at least 1": (
                self.suspicion_multiplier >= 1 and self.suspicion_stretch >= 1
            ),
            "confirmations must be 0 to 8": 0 <= self.confirmations <= 8,
            "health_max must be 0 to 16": 0 <= self.health_max <= 16,
            "retransmit_extra and topic_retransmit_extra must be 1 to 16": (
                1 <= self.retransmit_extra <= 16 and 1 <= self.topic_retransmit_extra <= 16
            ),
            "topic_share must be 0 to 0.75": 0 <= self.topic_share <= 0.75,
            "datagram_bytes_max must be 1280 to 9000": 1280 <= self.datagram_bytes_max <= 9000,
            "metadata_bytes_max must be 0 to 512": 0 <= self.metadata_bytes_max <= 512,
            "payload_bytes_max with topic_bytes_max must leave 320 bytes of a datagram free": (
                self.payload_bytes_max + self.topic_bytes_max <= self.datagram_bytes_max - 320
            ),
            "members_max, topics_max and relays_max must be at least 1": (
                min(self.members_max, self.topics_max, self.relays_max) >= 1
            ),
        }
        for rule, holds in rules.items():
            if not holds:
                raise InvalidSettings(rule)

    @property
    def udp_bytes_max(self) -> int:
        """Return how many bytes of UDP payload one datagram may have."""
        return self.datagram_bytes_max - HEADERS_BYTES

    @classmethod
    def lan(cls) -> Settings:
        """Return the defaults: round trips of a few milliseconds, detection in several seconds."""
        return cls()

    @classmethod
    def wan(cls) -> Settings:
        """Return three times the patience, for round trips up to a few hundred milliseconds."""
        return cls(
            probe_interval_s=3.0,
            probe_timeout_s=1.5,
            gossip_interval_s=0.6,
            reconcile_settle_s=4.5,
            knock_interval_s=30.0,
            leave_linger_s=5.0,
        )

    @classmethod
    def local(cls) -> Settings:
        """Return quick times for nodes on one machine: a death is known within about two seconds."""
        return cls(
            probe_interval_s=0.2,
            probe_timeout_s=0.1,
            suspicion_multiplier=5.0,
            gossip_interval_s=0.05,
            reconcile_settle_s=0.3,
            knock_interval_s=2.0,
            leave_linger_s=0.5,
        )
