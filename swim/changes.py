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


def events_between(before: Member | None, after: Member) -> list[MemberEvent]:
    """Return the events of replacing one record of a member by another, oldest first, often none."""
    if before is None or not before.is_live:
        return _joined(after) if after.is_live else []
    if after.epoch > before.epoch and after.is_live:
        return [MemberDied(replace(before, state=MemberState.DEAD)), *_joined(after)]
    kind = _CLAIM_EVENTS.get((before.state, after.state))
    events = [kind(after)] if kind else []
    if after.is_live and after.revision != before.revision:
        events.append(MemberUpdated(after))
    return events


def _joined(member: Member) -> list[MemberEvent]:
    joined = MemberJoined(member)
    return [joined] if member.state is MemberState.ALIVE else [joined, MemberSuspected(member)]
