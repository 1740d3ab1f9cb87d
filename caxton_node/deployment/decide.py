"""What one node does about one deployment now: a pure function of what it knows.

    it falls here   not there: deploy   another version: change, when those before have   not running: start
    it does not     there: remove, as soon as enough run where they belong
    a split         a consistent one rests on the side without the majority
    it is deleted   remove
    not ours        an agent that somebody deployed here by hand is left alone, and the replica goes elsewhere

Who gives way waits for who takes over, so in a move there is never one less than before: the replica starts
where it belongs, the registry says so, and only then its substitute drains. Changes go from node to node in
the order of the placement; one that does not come up with the new version stops the change there, and the
others go on with the old one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from caxton_node.agents.lifecycle import State
from caxton_node.agents.views import Glance
from caxton_node.deployment.placement import Placement
from caxton_node.deployment.spec import DeploymentSpec


@dataclass(frozen=True, slots=True)
class Outlook:
    """What a node knows of one deployment.

    Attributes:
        me: This node.
        placement: Where it belongs.
        is_majority: This node is on the majority's side.
        running: Nodes that are alive and have it Running, as far as that is sure.
        generations: Which generation the replica on a node has taken, by node.
        refuses: This node tells the others at present that it does not run it.
        is_gone: There is no such deployment, and that is sure: this node has seen it deleted, or has compared
            what it knows with another. Its own copy may be damaged, and replicas take their state along.
    """

    me: str
    placement: Placement
    is_majority: bool = True
    running: frozenset[str] = frozenset()
    generations: Mapping[str, int] = field(default_factory=dict)
    refuses: bool = False
    is_gone: bool = True


@dataclass(frozen=True, slots=True)
class Nothing:
    """There is nothing to do, and nothing to tell."""


@dataclass(frozen=True, slots=True)
class Keep:
    """It runs as it should. `until` says why one that belongs elsewhere still does."""

    until: str = ""


@dataclass(frozen=True, slots=True)
class Wait:
    """It is not to be done yet."""

    why: str


@dataclass(frozen=True, slots=True)
class Refuse:
    """This node cannot run it, and another one should."""

    why: str


@dataclass(frozen=True, slots=True)
class Deploy:
    """Bring a replica here."""


@dataclass(frozen=True, slots=True)
class Update:
    """Let it become what is wanted now."""


@dataclass(frozen=True, slots=True)
class Start:
    """It is here and does not run."""


@dataclass(frozen=True, slots=True)
class Rest:
    """Stop it until the split is over."""

    why: str


@dataclass(frozen=True, slots=True)
class Remove:
    """Drain it and take it away."""

    why: str


Step: TypeAlias = Nothing | Keep | Wait | Refuse | Deploy | Update | Start | Rest | Remove

BY_HAND = "an agent of this name was deployed there by hand"
MINORITY = "this side of a split is not the majority's, and it is consistent"


def decide(spec: DeploymentSpec | None, local: Glance | None, outlook: Outlook) -> Step:
    """Return what this node does about a deployment.

    Args:
        spec: What is wanted; None if it was deleted.
        local: The agent of this name here; None if there is none.
        outlook: What is known of it.
    """
    ours = local if local is not None and local.tie else None
    if spec is None:
        return _bury(ours, is_sure=outlook.is_gone)
    falls_here = outlook.me in outlook.placement.chosen
    if local is not None and ours is None:
        # For as long as it is there: were the refusal to end, the replica would move to and fro.
        return Refuse(BY_HAND) if falls_here or outlook.refuses else Nothing()
    if spec.is_consistent and not outlook.is_majority:
        return _rest(ours, falls_here=falls_here)
    if falls_here:
        return _belong(spec, ours, outlook)
    return Nothing() if ours is None else _give_way(ours, outlook)


def differs(spec: DeploymentSpec, local: Glance) -> bool:
    """Tell whether an agent is not what is wanted."""
    return (local.module_sha256, local.manifest, local.tie) != (
        spec.module_sha256,
        spec.manifest,
        spec.consistency.tie,
    )


def _bury(ours: Glance | None, *, is_sure: bool) -> Step:
    if ours is None:
        return Nothing()
    return (
        Remove("the deployment was deleted") if is_sure else Wait("this node alone knows no such deployment")
    )


def _rest(local: Glance | None, *, falls_here: bool) -> Step:
    if local is not None and local.state is State.RUNNING:
        return Rest(MINORITY)
    if local is not None and local.state is State.FAILED:  # it may be due for a restart
        return Remove(MINORITY)
    return Wait(MINORITY) if falls_here or local is not None else Nothing()


def _belong(spec: DeploymentSpec, local: Glance | None, outlook: Outlook) -> Step:
    if local is None:
        return Deploy()
    if local.state is State.DRAINING:
        return Wait("an earlier one still drains")
    if differs(spec, local):
        if local.state is State.RUNNING and (first := _before_me(spec, outlook)):
            return Wait(f"{first} takes generation {spec.generation} first")
        return Update()
    if local.state is State.FAILED and not local.is_given_up:
        return Wait("it has failed and is about to be started again")
    return Keep() if local.state is State.RUNNING else Start()


def _before_me(spec: DeploymentSpec, outlook: Outlook) -> str:
    """Return the first node before this one that still runs an earlier generation, empty if none does."""
    chosen = outlook.placement.chosen
    for node in chosen[: chosen.index(outlook.me)]:
        if node in outlook.running and outlook.generations.get(node, 0) < spec.generation:
            return node
    return ""


def _give_way(local: Glance, outlook: Outlook) -> Step:
    """Let a replica go that belongs elsewhere, if enough run there; the best placed stay longest."""
    if local.state is not State.RUNNING:
        return Wait("it drains") if local.state is State.DRAINING else Remove("it belongs elsewhere")
    placement = outlook.placement
    missing = [node for node in placement.chosen if node not in outlook.running]
    substitutes = [
        node for node in placement.order if node in outlook.running and node not in placement.chosen
    ]
    if outlook.me in substitutes[: len(missing)]:
        return Keep(until=f"until {missing[0]} runs it")
    return Remove(f"it runs on {', '.join(placement.chosen)}" if placement.chosen else "it may not run here")
