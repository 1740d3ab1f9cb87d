"""What FIPA's diagrams leave out, because it may happen at any point: added to every table here.

- *Not understood.* Either side may say so about something that the other has said. It ends the talk.
- *Failure.* The platform answers in the stead of a participant that it cannot reach, or that trapped. It ends
  the talk and counts as said by the participant.
- *Cancel*, in protocols that have the meta-protocol: the initiator may call it off (`cancelling.py`).

A cancel crosses what is on its way. So while it is pending the participant may say whatever it might have
said before; INFORM is taken for the answer, since nothing distinguishes a result from it. What comes behind
such an answer has crossed as well, and a cancel that meets a participant which has just finished is no fault
of anybody: both stay within the ends. The alternative, to remember for each state what may still be under
way, would double every table and judge no better, for want of clocks that agree.

Source: the sections "Exceptions to Interaction Protocol Flow" of FIPA SC00026H to SC00036H.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from caxton_node.fipa.protocols import cancelling
from caxton_node.fipa.protocols.cancelling import CancelEvent, CancelState
from caxton_node.fipa.protocols.stage import Side

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

_NOT_UNDERSTOOD = "not-understood"  # the event, and the state to which it leads
_FAILURE, _FAILED = "failure", "failed"
_CANCEL_STATES = (CancelState.CANCELLING, CancelState.CANCELLED, CancelState.NOT_CANCELLED)


def ends_of(diagram: Mapping[tuple[S, E], S], start: S) -> frozenset[S]:
    """Return the states that nothing leaves: there the talk is over."""
    left = {state for (state, _), after in diagram.items() if after is not state}
    return frozenset(state for state in type(start) if state not in left | {CancelState.CANCELLING})


def complete(
    diagram: Mapping[tuple[S, E], S],
    start: S,
    ends: frozenset[S],
    speakers: Mapping[E, frozenset[Side]],
    *,
    is_cancellable: bool,
) -> dict[tuple[S, E], S]:
    """Return the diagram's table with the exceptions behind it; what the diagram says itself goes first.

    Args:
        diagram: What the specification draws.
        start: State before the first act.
        ends: States in which the talk is over.
        speakers: Who may say which act.
        is_cancellable: Whether the meta-protocol is part of it.
    """
    table = dict(diagram)
    states, events = type(start), {event.value: event for event in speakers}
    open_states = [state for state in states if state not in ends and state is not start]
    if is_cancellable:
        _add_cancel(table, start, [state for state in open_states if state != CancelState.CANCELLING], events)
    for state in open_states:
        for event, after in ((_FAILURE, _FAILED), (_NOT_UNDERSTOOD, _NOT_UNDERSTOOD)):
            if (state, events[event]) not in table:
                table[state, events[event]] = states(after)
    if is_cancellable:
        _add_what_crosses(table, start, ends, speakers)
    return table


def _add_cancel(table: dict[tuple[S, E], S], start: S, open_states: list[S], events: Mapping[str, E]) -> None:
    """Add the meta-protocol: from every open state into its table, read with this protocol's enums."""
    states = type(start)
    for state in open_states:
        table[state, events[CancelEvent.CANCEL]] = states(CancelState.CANCELLING)
    for (pending, event), after in cancelling.TRANSITIONS.items():
        if pending is not CancelState.START:
            table[states(pending), events[event]] = states(after)


def _add_what_crosses(
    table: dict[tuple[S, E], S], start: S, ends: frozenset[S], speakers: Mapping[E, frozenset[Side]]
) -> None:
    """Add what was under way when the initiator cancelled, and the cancel that meets an end."""
    pending, done, not_done = map(type(start), _CANCEL_STATES)
    (cancel,) = (event for event in speakers if event == CancelEvent.CANCEL)
    acts = [(event, to) for (_, event), to in table.items() if Side.PARTICIPANT in speakers.get(event, ())]
    lasting = {event for event, to in acts if to not in ends}
    for event, to in acts:
        table.setdefault((pending, event), pending if event in lasting else done)
        table.setdefault((not_done, event), not_done)  # it goes on
        if to in ends:
            table.setdefault((done, event), done)
        if to in ends - {done}:
            table.setdefault((to, cancel), not_done if to is not_done else done)


def who_has_spoken(
    table: Mapping[tuple[S, E], S], start: S, speakers: Mapping[E, frozenset[Side]]
) -> dict[S, frozenset[Side]]:
    """Return for each state which sides may have spoken on a way to it."""
    spoken: dict[S, frozenset[Side]] = {start: frozenset()}
    edge = [start]
    while edge:
        state = edge.pop()
        for (source, event), after in table.items():
            if source is not state or event == _NOT_UNDERSTOOD:
                continue
            sides = spoken[state] | speakers.get(event, frozenset())
            if after not in spoken or not sides <= spoken[after]:
                spoken[after] = spoken.get(after, frozenset()) | sides
                edge.append(after)
    return spoken
