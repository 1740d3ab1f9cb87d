"""Why an act is not allowed, and what is instead: for the answer to whoever said it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.protocols.protocol import Protocol
from caxton_node.fipa.protocols.stage import Side, Stage


@dataclass(frozen=True, slots=True)
class Violation:
    """An act that a protocol does not allow.

    Attributes:
        rule: One sentence: which protocol, who, what, when, and the specification.
        allowed: What this side may say now, in the table's order; nothing when the talk is over.
    """

    rule: str
    allowed: tuple[Performative, ...]


def explain(protocol: Protocol[Any, Any], stage: Stage, performative: Performative, side: Side) -> Violation:
    """Say what is wrong with an act that `stage` does not list for this side; the slow path."""
    said = f"the {side} may not {_verb(protocol, stage, side)} {performative.word}"
    rule = f"{protocol.name}: {said} {_when(protocol, stage, side)}({protocol.source})"
    return Violation(rule, () if stage.is_final else tuple(stage.moves_of(side)))


def _verb(protocol: Protocol[Any, Any], stage: Stage, side: Side) -> str:
    return "open with" if stage is protocol.opening and side is Side.INITIATOR else "say"


def _when(protocol: Protocol[Any, Any], stage: Stage, side: Side) -> str:
    """Return the time of the act in words, with a space behind."""
    if stage is protocol.opening:
        return "" if side is Side.INITIATOR else "before the initiator has opened "
    if stage.is_final:
        return f"since the talk is over: {stage.name} "
    return f"{'while' if stage.name.endswith('ing') else 'once'} {stage.name} "
