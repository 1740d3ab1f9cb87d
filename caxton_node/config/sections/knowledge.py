"""What nodes and agents remember."""

from __future__ import annotations

from dataclasses import dataclass

from caxton_node.config.setting import GIB, KIB, MIB, Kind, setting


@dataclass(frozen=True, slots=True)
class RegistrySection:
    """The distributed registry."""

    sync_interval_s: float = setting(
        2.0,
        Kind.DURATION,
        "Time between comparisons with a neighbour; changes are pushed at once anyway.",
        minimum=0.05,
        maximum=300,
    )
    capabilities_per_agent_max: int = setting(
        64, Kind.INTEGER, "Capabilities that one agent may register.", minimum=1, maximum=10_000
    )
    capabilities_per_node_max: int = setting(
        20_000,
        Kind.INTEGER,
        "Capabilities that all agents of this node may register; every node of the cluster keeps them.",
        minimum=1,
        maximum=1_000_000,
    )
    capability_bytes_max: int = setting(
        16 * KIB,
        Kind.SIZE,
        "Size of one registered capability with its schemas.",
        minimum=256,
        maximum=48 * KIB,
    )
    agent_writes_per_s: int = setting(
        10,
        Kind.INTEGER,
        "Shared keys, capabilities and descriptions that one agent may write each second; taking one back "
        "counts as ten, since all nodes remember that for a day and more.",
        minimum=1,
        maximum=100_000,
    )
    agent_writes_burst: int = setting(
        1_000,
        Kind.INTEGER,
        "Such writes that one agent may make at once, after a rest.",
        minimum=1,
        maximum=1_000_000,
    )


@dataclass(frozen=True, slots=True)
class KvSection:
    """What agents keep by way of the platform agent kv."""

    keys_max: int = setting(
        10_000, Kind.INTEGER, "Keys that one agent may have on this node.", minimum=0, maximum=10_000_000
    )
    bytes_max: int = setting(
        16 * MIB, Kind.SIZE, "Size of the keys and values of one agent together.", minimum=0, maximum=16 * GIB
    )
    shared_keys_max: int = setting(
        64,
        Kind.INTEGER,
        "Shared keys that one agent may have; every node of the cluster keeps them.",
        minimum=0,
        maximum=10_000,
    )


@dataclass(frozen=True, slots=True)
class StorageSection:
    """The database of the node."""

    change_log: str = setting(
        "off",
        Kind.CHOICE,
        "Write down every change beside the database, so that any moment since a backup can be restored; it "
        "holds what was deleted since, too.",
        choices=("off", "on"),
    )
    change_log_bytes_max: int = setting(
        256 * MIB, Kind.SIZE, "Size of the change log; the oldest goes.", minimum=16 * MIB
    )
