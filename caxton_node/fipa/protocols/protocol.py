"""One interaction protocol: a table of what may be said, completed by FIPA's exceptions, and its stages.

A protocol is seen here as the two-party talk between the initiator and *one* participant; a Contract Net with
a hundred contractors is a hundred such talks under one conversation id. The tables decide legality and
nothing else: who waits for whom, deadlines and choices belong to those who use them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Generic, TypeVar

from caxton_node.core.machine import step
from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.protocols.exceptions import complete, ends_of, who_has_spoken
from caxton_node.fipa.protocols.stage import Side, Stage, compile_stages

S = TypeVar("S", bound=StrEnum)
E = TypeVar("E", bound=StrEnum)

BOTH: frozenset[Side] = frozenset(Side)
"""In `said_by`: either side may say it."""

_ACTS = {act.word: act for act in Performative}


@dataclass(frozen=True, eq=False)
class Protocol(Generic[S, E]):
    """One interaction protocol.

    Attributes:
        name: As written in the envelope.
        title: As FIPA calls it.
        source: The specification.
        start: State before the first act.
        diagram: What the specification draws: one literal, without what may happen at any point.
        said_by: Which side says which act, or `BOTH`; an event that is missing here is not an act (timeout).
        is_cancellable: Whether the specification has the cancel meta-protocol.
        transitions: The whole table, exceptions included.
        ends: States in which the talk is over.
        moves: Where an act of a side leads.
        opening: The stage of `start`.
        openers: Acts by which an initiator may open it.
    """

    name: str
    title: str
    source: str
    start: S
    diagram: Mapping[tuple[S, E], S]
    said_by: Mapping[E, Side | frozenset[Side]]
    is_cancellable: bool = True
    transitions: Mapping[tuple[S, E], S] = field(init=False, repr=False)
    ends: frozenset[S] = field(init=False, repr=False)
    moves: Mapping[tuple[S, Performative, Side], S] = field(init=False, repr=False)
    opening: Stage = field(init=False, repr=False)
    openers: frozenset[Performative] = field(init=False, repr=False)
    _stages: Mapping[S, Stage] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Complete the table and compile it, once, since the router asks for every message."""
        speakers = {event: _sides(side) for event, side in self.said_by.items()}
        ends = ends_of(self.diagram, self.start)
        table = complete(self.diagram, self.start, ends, speakers, is_cancellable=self.is_cancellable)
        moves = _moves(table, self.start, speakers)
        stages = compile_stages(type(self.start), moves, ends)
        computed = {
            "transitions": table,
            "ends": ends,
            "moves": moves,
            "opening": stages[self.start],
            "openers": frozenset(stages[self.start].initiator),
            "_stages": stages,
        }
        for name, value in computed.items():
            object.__setattr__(self, name, value)

    def step(self, state: S, event: E) -> S:
        """Return the state after an event that must be legal now, else raise `IllegalTransition`."""
        return step(self.transitions, state, event)

    def advance(self, state: S, performative: Performative, side: Side) -> S | None:
        """Return the state after this act, or None when the protocol does not allow it now."""
        return self.moves.get((state, performative, side))

    def is_final(self, state: S) -> bool:
        """Tell whether the talk is over."""
        return state in self.ends

    def stage(self, state: S) -> Stage:
        """Return the compiled form of a state."""
        return self._stages[state]


def _sides(side: Side | frozenset[Side]) -> frozenset[Side]:
    return frozenset({side}) if isinstance(side, Side) else side


def _moves(
    table: Mapping[tuple[S, E], S], start: S, speakers: Mapping[E, frozenset[Side]]
) -> dict[tuple[S, Performative, Side], S]:
    """Read the table by acts: NOT-UNDERSTOOD is about something that the other side has said before."""
    spoken = who_has_spoken(table, start, speakers)
    moves = {}
    for (state, event), after in table.items():
        for side in speakers.get(event, ()):
            act = _ACTS[event]
            if act is not Performative.NOT_UNDERSTOOD or side.other in spoken[state]:
                moves[state, act, side] = after
    return moves
