"""What the quorum machine asks of its shell."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from caxton_node.cluster.agreement import Line
from caxton_node.cluster.partitions import PartitionChanged


@dataclass(frozen=True, slots=True)
class Compare:
    """Ask a member for its book and hand it to `handle_book`, or say `handle_same` or `handle_silence`."""

    node: str


@dataclass(frozen=True, slots=True)
class Tell:
    """Tell everybody alive these lines."""

    lines: Mapping[str, Line]


@dataclass(frozen=True, slots=True)
class Turned:
    """The view has changed."""

    change: PartitionChanged


Effect = Compare | Tell | Turned
