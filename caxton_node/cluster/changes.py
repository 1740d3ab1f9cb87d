"""What is told of members on the bus."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from swim import Member
from swim import events as swim_events


class Change(StrEnum):
    """What happened to a member."""

    JOINED = "joined"
    UPDATED = "updated"
    SUSPECTED = "suspected"
    REFUTED = "refuted"
    DIED = "died"
    LEFT = "left"


CHANGES: dict[type[object], Change] = {
    swim_events.MemberJoined: Change.JOINED,
    swim_events.MemberUpdated: Change.UPDATED,
    swim_events.MemberSuspected: Change.SUSPECTED,
    swim_events.MemberRefuted: Change.REFUTED,
    swim_events.MemberDied: Change.DIED,
    swim_events.MemberLeft: Change.LEFT,
}
GONE = frozenset({Change.DIED, Change.LEFT})


@dataclass(frozen=True, slots=True)
class MemberChanged:
    """Published for every change of the member table, self excluded.

    Attributes:
        member: As it is from now on.
        change: What happened.
        accusers: Who could not reach it, of a member that was suspected or has died; as far as known here.
    """

    member: Member
    change: Change
    accusers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class PeerLost:
    """Published when a node is forgotten: what it never took comes back, in the order of sending.

    It died or left, or it was no member and is asked nothing more.
    """

    node: str
    undelivered: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MembersGivenUp:
    """Published when an operator has said that members will not come back.

    Attributes:
        nodes: The members.
        by: Who said so.
    """

    nodes: tuple[str, ...]
    by: str
