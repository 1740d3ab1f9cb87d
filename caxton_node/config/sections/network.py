"""Other nodes: links, gossip, who counts."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.config.setting import GIB, KIB, MIB, Kind, setting


@dataclass(frozen=True, slots=True)
class MeshSection:
    """The encrypted links between nodes, and the port that gossip shares with them."""

    host: str = setting(
        "0.0.0.0",  # noqa: S104 - peers must reach it, and mutual TLS guards it
        Kind.TEXT,
        "Address to listen on for peers (UDP and TCP); only holders of a node certificate get in.",
    )
    port: int = setting(7946, Kind.PORT, "UDP and TCP port of the mesh; 0 picks a free one.")
    advertise: str = setting(
        "", Kind.TEXT, "host or host:port that peers should use; empty: found from mesh.host."
    )
    transport: str = setting(
        "auto",
        Kind.CHOICE,
        "Links to use: auto races QUIC and TLS and remembers the winner.",
        choices=("auto", "quic", "tcp"),
    )
    profile: str = setting(
        "lan", Kind.CHOICE, "Windows and timeouts for the distance between nodes.", choices=("lan", "wan")
    )
    compression: bool = setting(
        False,
        Kind.BOOLEAN,
        "Compress batches of messages where that makes them a fifth smaller; sizes then tell of content.",
    )
    kept_bytes_max: int = setting(
        4 * MIB,
        Kind.SIZE,
        "Mail of one peer that may wait in mailboxes here; at that the peer may send nothing more.",
        minimum=256 * KIB,
        maximum=GIB,
    )


@dataclass(frozen=True, slots=True)
class SwimSection:
    """Membership: how soon a dead node is noticed. The profile decides what is not set."""

    profile: str = setting(
        "lan",
        Kind.CHOICE,
        "Timers: lan, wan, or local for many nodes on one machine.",
        choices=("lan", "wan", "local"),
    )
    pace: str = setting(
        "default",
        Kind.CHOICE,
        "How soon a silent node is given up: fast, default, or tolerant of slow ones.",
        choices=("fast", "default", "tolerant"),
    )
    probe_interval_s: float | None = setting(
        None, Kind.DURATION, "Time between probes; unset: 1 s on lan.", minimum=0.05, maximum=60
    )
    probe_timeout_s: float | None = setting(
        None,
        Kind.DURATION,
        "Wait for an ack before asking others; unset: 500 ms on lan.",
        minimum=0.01,
        maximum=30,
    )
    indirect_probes: int | None = setting(
        None, Kind.INTEGER, "Members asked to probe on our behalf; unset: 4.", minimum=1, maximum=16
    )
    suspicion_multiplier: float | None = setting(
        None, Kind.NUMBER, "Instead of what the pace says: 2, 3 or 4.", minimum=1, maximum=20
    )
    datagram_bytes_max: int | None = setting(
        None,
        Kind.SIZE,
        "Largest gossip datagram with its headers; unset: 1280, which every path carries.",
        minimum=1280,
        maximum=9000,
    )
    link_probe: bool = setting(
        True, Kind.BOOLEAN, "Ask a node that is silent on UDP over its mesh link too, before it is suspected."
    )
    link_probe_without: str = setting(
        "", Kind.TEXT, "Node ids, separated by commas, for which that is not done."
    )
    encryption: str = setting(
        "required",
        Kind.CHOICE,
        "Gossip is sealed: required takes nothing else, accept-plain also takes plain, off sends plain too.",
        choices=("required", "accept-plain", "off"),
    )


@dataclass(frozen=True, slots=True)
class ClusterSection:
    """What the node does when the cluster is split."""

    on_minority: str = setting(
        "available",
        Kind.CHOICE,
        "Changes of what the cluster shares, on a side without the majority: available takes them, "
        "consistent refuses them; messages and reads go on.",
        choices=("available", "consistent"),
    )
