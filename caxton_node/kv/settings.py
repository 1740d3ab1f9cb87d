"""How much one agent may keep."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Settings:
    """Bounds for each agent.

    Attributes:
        keys_max: Keys that it may have on one node.
        bytes_max: Bytes of those keys and their values together.
        shared_keys_max: Shared keys that it may have; every node of the cluster keeps them.
    """

    keys_max: int = 10_000
    bytes_max: int = 16 * 1024 * 1024
    shared_keys_max: int = 64
