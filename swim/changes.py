"""Which events a change of one record means: the only place where events about members are made."""

from __future__ import annotations

from dataclasses import replace

from swim.events import (
    MemberDied,
    MemberEvent,
    MemberJoined,
    MemberLeft,
    MemberRefuted,
    MemberSuspected,
    MemberUpdated,
)
from swim.member import Member, MemberState

_CLAIM_EVENTS: dict[tuple[MemberState, MemberState], type[MemberEvent]] = {
    (MemberState.ALIVE, MemberState.SUSPECT): MemberSuspected,
    (MemberState.ALIVE, MemberState.DEAD): MemberDied,
    (MemberState.ALIVE, MemberState.LEFT): MemberLeft,
    (MemberState.SUSPECT, MemberState.ALIVE): MemberRefuted,
    (MemberState.SUSPECT, MemberState.DEAD): MemberDied,
    (MemberState.SUSPECT, MemberState.LEFT): MemberLeft,
}


def events_between(before: Member | None, after: Member, accusers: tuple[str, ...] = ()) -> list[MemberEvent]:
    """Return the events of replacing one record of a member by another, oldest first, often none.

    Args:
        before: What was held.
        after: What is held from now on.
        accusers: Node ids of those who suspect, or suspected, the member.
    """
    if before is None or not before.is_live:
        return _joined(after, accusers) if after.is_live else []
    if after.epoch > before.epoch and after.is_live:
        return [MemberDied(replace(before, state=MemberState.DEAD)), *_joined(after, accusers)]
    kind = _CLAIM_EVENTS.get((before.state, after.state))
    events = [_make(kind, after, accusers)] if kind else []
    if after.is_live and not after.is_incomplete and _profile(after) != _profile(before):
        events.append(MemberUpdated(after))
    return events


def _joined(member: Member, accusers: tuple[str, ...]) -> list[MemberEvent]:
    joined = MemberJoined(member)
    return [joined] if member.state is MemberState.ALIVE else [joined, MemberSuspected(member, accusers)]


def _make(kind: type[MemberEvent], member: Member, accusers: tuple[str, ...]) -> MemberEvent:
    if kind is MemberSuspected or kind is MemberDied:
        return kind(member, accusers)
    return kind(member)


def _profile(member: Member) -> tuple[int, bytes]:
    return member.revision, member.metadata
