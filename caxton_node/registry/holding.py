"""What one node's copy of the registry holds, in a few numbers that two nodes can compare."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Holding:
    """A copy of the registry at one moment.

    Attributes:
        entries: Live entries by kind, those of dead nodes included.
        tombstones: Deleted entries that are still remembered.
        root: Digest of what copies are compared by, hexadecimal; equal copies have equal ones.
    """

    entries: Mapping[str, int]
    tombstones: int
    root: str
