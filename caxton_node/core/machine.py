"""A state machine is a table; this file steps it and draws it.

A machine is a `StrEnum` of states, a `StrEnum` of events and one literal:

    TRANSITIONS: Table[State, Event] = {(State.OPEN, Event.CLOSE): State.CLOSED, ...}

An illegal move is a failed lookup, reported with the moves that would have been legal. Nothing else in the
code may decide legality.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from caxton_node.core.errors import StateError

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)


class IllegalTransition(StateError):
    """The machine has no move for this event in this state; the state is unchanged."""

    code = "ILLEGAL_TRANSITION"


def step(table: Mapping[tuple[S, E], S], state: S, event: E) -> S:
    """Return the state that follows.

    Raises:
        IllegalTransition: The table has no such move.
    """
    try:
        return table[state, event]
    except KeyError:
        legal = ", ".join(allowed(table, state)) or "nothing: this is a final state"
        raise IllegalTransition(
            f"{event} is not possible while {state}", why=f"possible now: {legal}"
        ) from None


def allowed(table: Mapping[tuple[S, E], S], state: S) -> list[E]:
    """List the events that have a move in this state, in the table's order."""
    return [event for source, event in table if source == state]


def draw(table: Mapping[tuple[S, E], S]) -> str:
    """Return the machine as a Mermaid state diagram for the docs."""
    lines = [f"    {source} --> {target}: {event}" for (source, event), target in table.items()]
    return "\n".join(["stateDiagram-v2", *lines])
