"""How members stand with their gossip keys, and what a step of a change has come to on each."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from caxton_node.cluster.key_offers import Shown


class StepName(StrEnum):
    """What is done to every ring."""

    INSTALL = "install"
    USE = "use"
    REMOVE = "remove"


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """How one member stands.

    Attributes:
        node: Its id.
        shown: Its keys; empty when it could not be asked.
        error: Why not, or why it did not do what it was asked.
        is_overtaken: It has a ring of somebody else's, who changed the keys at the same time.
    """

    node: str
    shown: Shown
    error: str = ""
    is_overtaken: bool = False


@dataclass(frozen=True, slots=True)
class Step:
    """What a step has come to on each member.

    Attributes:
        name: Which step.
        key_id: The key that it is about; on removal the one that stays.
        nodes: By id.
    """

    name: StepName
    key_id: str
    nodes: tuple[NodeKeys, ...]

    @property
    def failed(self) -> list[NodeKeys]:
        """Return the members on which it was not done."""
        return [found for found in self.nodes if found.error]


class Standing(StrEnum):
    """How a member's ring compares with the latest one."""

    CURRENT = "current"
    BEHIND = "behind"
    APART = "apart"
    SILENT = "silent"


def standing(found: NodeKeys, among: Iterable[NodeKeys]) -> Standing:
    """Judge one member by what all of them hold."""
    if not found.shown.ids:
        return Standing.SILENT
    latest = max((other.shown for other in among), key=lambda shown: (shown.revision, shown.ids))
    if found.shown.ids == latest.ids:
        return Standing.CURRENT
    return Standing.BEHIND if found.shown.revision < latest.revision else Standing.APART
