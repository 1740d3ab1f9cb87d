"""A protocol's table, compiled for the router: from each stage one look in a dictionary leads to the next.

The table is keyed by state and event, which is good to read and to test. A router that looks at every message
wants neither enums to build nor tuples to hash. So each state becomes one `Stage` at import, and a talk is
followed by holding on to its stage.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import TypeVar

from caxton_node.fipa.performatives import Performative

S = TypeVar("S", bound=StrEnum)


class Side(StrEnum):
    """Who speaks."""

    INITIATOR = "initiator"
    PARTICIPANT = "participant"

    @property
    def other(self) -> Side:
        """Return the other side."""
        return Side.PARTICIPANT if self is Side.INITIATOR else Side.INITIATOR


class Stage:
    """How far a talk has come.

    Attributes:
        name: Value of the state.
        initiator: What the initiator may say next, and where that leads.
        participant: What the participant may say next, and where that leads.
        is_final: Whether the talk is over: nobody owes anything. What has crossed the end on its way is still
            in the dictionaries (an answer to CANCEL behind the result, for example), and leads to ends only.
    """

    __slots__ = ("initiator", "is_final", "name", "participant")

    def __init__(self, name: str, *, is_final: bool) -> None:
        self.name = name
        self.is_final = is_final
        self.initiator: dict[Performative, Stage] = {}
        self.participant: dict[Performative, Stage] = {}

    def __repr__(self) -> str:
        return f"<Stage {self.name}>"

    def moves_of(self, side: Side) -> dict[Performative, Stage]:
        """Return what one side may say."""
        return self.initiator if side is Side.INITIATOR else self.participant


def compile_stages(
    states: Iterable[S], moves: Mapping[tuple[S, Performative, Side], S], ends: frozenset[S]
) -> dict[S, Stage]:
    """Make the stages of a protocol.

    Args:
        states: All of them.
        moves: Where an act of a side leads, in the order of the table.
        ends: States in which a talk is over.
    """
    stages = {state: Stage(state.value, is_final=state in ends) for state in states}
    for (state, act, side), after in moves.items():
        stages[state].moves_of(side)[act] = stages[after]
    return stages
