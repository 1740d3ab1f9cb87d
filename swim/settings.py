"""Every number of the protocol, with its bound.

Times are in seconds and describe a healthy cluster; cluster size and local health scale them where the
protocol says so. Three profiles cover most sites: `lan` (one data centre), `wan` (several) and `local` (one
machine). Each comes at three paces: `fast` notices a crash sooner, `tolerant` gives slow members more time;
loss is no reason to choose, since none of them takes lost datagrams for deaths.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from swim.errors import InvalidSettings

LAST_CHANCE_SHARE = 0.7
"""Of the probe interval: four pings 0.15 apart and the way back of the last."""
HEADERS_BYTES = 48
"""IPv6 and UDP headers: the larger case, so that a datagram fits either way."""


class Pace(StrEnum):
    """How soon a suspect is given up."""

    FAST = "fast"
    DEFAULT = "default"
    TOLERANT = "tolerant"


_MULTIPLIERS = {Pace.FAST: 2.0, Pace.DEFAULT: 3.0, Pace.TOLERANT: 4.0}


@dataclass(frozen=True, slots=True)
class Settings:
    """The numbers of one node; all nodes of a cluster should share them.

    Attributes:
        probe_interval_s: One member is probed in each interval.
        probe_timeout_s: Time for a direct answer before helpers are asked.
        helpers: Members asked to probe in our place when there is no direct answer.
        helpers_if_lossy: So many more when much is lost.
        link_probe: Ask over a link too, if one is up, when there is no direct answer.
        link_probe_without: Node ids for which that is not done.
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
        metadata_bytes_max: Metadata carried in a member's record; larger ones are referred to and fetched.
        content_bytes_max: Metadata altogether.
        payload_bytes_max: Payload of one broadcast.
        topic_bytes_max: UTF-8 length of a topic.
        topics_max: Broadcasts waiting; a full queue refuses own ones and forgets the most told of others.
        topic_share: Part of each datagram kept for broadcasts while some wait.
        relays_max: Probes made for others at one time; further requests are dropped.
        leave_linger_s: How long a leaver goes on telling and answering.
        leave_fanout: Members that a leaver tells itself, at once.
        datagram_bytes_max: Whole datagram with IP and UDP headers. 1280 passes every path that IPv6 may use.
    """

    probe_interval_s: float = 1.0
    probe_timeout_s: float = 0.5
    helpers: int = 4
    helpers_if_lossy: int = 2
    link_probe: bool = True
    link_probe_without: frozenset[str] = frozenset()
    suspicion_multiplier: float = _MULTIPLIERS[Pace.DEFAULT]
    suspicion_stretch: float = 5.0
    confirmations: int = 3
    health_max: int = 8
    gossip_interval_s: float = 0.1
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
    content_bytes_max: int = 65_536
    payload_bytes_max: int = 900
    topic_bytes_max: int = 64
    topics_max: int = 256
    topic_share: float = 0.25
    relays_max: int = 64
    leave_linger_s: float = 2.0
    leave_fanout: int = 16
    datagram_bytes_max: int = 1280

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
            "helpers_if_lossy must be 0 to 16": 0 <= self.helpers_if_lossy <= 16,
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
            "content_bytes_max must be metadata_bytes_max to 65536": (
                self.metadata_bytes_max <= self.content_bytes_max <= 65_536
            ),
            "payload_bytes_max with topic_bytes_max must leave 300 bytes of a datagram free": (
                self.payload_bytes_max + self.topic_bytes_max <= self.datagram_bytes_max - 300
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

    @property
    def last_chance_s(self) -> float:
        """Return how long before its end a suspicion is checked a last time."""
        return LAST_CHANCE_SHARE * self.probe_interval_s

    def asks_over_link(self, node_id: str) -> bool:
        """Tell whether a member may be asked over a link."""
        return self.link_probe and node_id not in self.link_probe_without

    @classmethod
    def lan(cls, pace: Pace = Pace.DEFAULT) -> Settings:
        """Return the defaults: round trips of a few milliseconds, detection in several seconds."""
        return cls(suspicion_multiplier=_MULTIPLIERS[pace])

    @classmethod
    def wan(cls, pace: Pace = Pace.DEFAULT) -> Settings:
        """Return three times the patience, for round trips up to a few hundred milliseconds."""
        return cls(
            suspicion_multiplier=_MULTIPLIERS[pace],
            probe_interval_s=3.0,
            probe_timeout_s=1.5,
            gossip_interval_s=0.3,
            reconcile_settle_s=4.5,
            knock_interval_s=30.0,
            leave_linger_s=5.0,
        )

    @classmethod
    def local(cls, pace: Pace = Pace.DEFAULT) -> Settings:
        """Return quick times for nodes on one machine: a death is known within about two seconds."""
        return cls(
            probe_interval_s=0.2,
            probe_timeout_s=0.1,
            suspicion_multiplier=2 * _MULTIPLIERS[pace],
            gossip_interval_s=0.05,
            reconcile_settle_s=0.3,
            knock_interval_s=2.0,
            leave_linger_s=0.5,
        )
