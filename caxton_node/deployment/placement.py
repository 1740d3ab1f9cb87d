"""Where replicas run: rendezvous hashing, computed by every node alone and the same on all.

Every node that fits gets a score from the hash of (deployment, node); the highest run it. So no coordinator
is asked, nobody writes down who runs what, and a change moves only what must move: if a node that runs one
goes, exactly one other takes its place, and if one that runs none comes or goes, nothing moves, except that a
newcomer takes over what it is the best for.

With a spread, places are given out in rounds: the best node of each zone, then the second best of each. A
zone that comes or goes may then move one replica for each place that it takes or leaves.

Rejected: a ring with virtual nodes (uneven, and a table to agree on); a scheduler that counts load (nodes
that see other numbers place differently, and every message would move agents).

Source: Thaler and Ravishankar, "Using name-based mappings to increase hit rates", 1998.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from caxton_node.core.ids import stable_hash
from caxton_node.deployment.constraints import Candidate, first_obstacle
from caxton_node.deployment.spec import EVERYWHERE, DeploymentSpec

SPARES = 2
"""Nodes that keep a copy of the module although they run no replica: they take over without fetching it."""


@dataclass(frozen=True, slots=True)
class Placement:
    """Where one deployment belongs.

    Attributes:
        chosen: The nodes that are to run it, in the order in which a change reaches them.
        spares: Those that come next.
        order: All candidates by their score, those that do not fit among them.
        unfit: Why a node may not run it, by node.
    """

    chosen: tuple[str, ...]
    spares: tuple[str, ...] = ()
    order: tuple[str, ...] = ()
    unfit: Mapping[str, str] = field(default_factory=dict)


def score(name: str, node: str) -> int:
    """Return how well a deployment and a node fit: 64 bits of chance that is the same everywhere."""
    return stable_hash(f"{name}\0{node}")


def place(
    spec: DeploymentSpec, candidates: Collection[Candidate], refusals: Mapping[str, str] | None = None
) -> Placement:
    """Choose the nodes for a deployment.

    Args:
        spec: The deployment.
        candidates: The nodes that count, in any order.
        refusals: Nodes that have tried and cannot, with the reason.
    """
    ranked = sorted(candidates, key=lambda each: (score(spec.name, each.node), each.node), reverse=True)
    unfit = _unfit(spec, ranked, refusals or {})
    fit = [candidate for candidate in ranked if candidate.node not in unfit]
    ordered = [candidate.node for candidate in (_spread(fit, spec.spread) if spec.spread else fit)]
    wanted = len(ordered) if spec.replicas == EVERYWHERE else spec.replicas
    return Placement(
        chosen=tuple(ordered[:wanted]),
        spares=tuple(ordered[wanted : wanted + SPARES]),
        order=tuple(candidate.node for candidate in ranked),
        unfit=unfit,
    )


def _unfit(
    spec: DeploymentSpec, candidates: Iterable[Candidate], refusals: Mapping[str, str]
) -> dict[str, str]:
    unfit: dict[str, str] = {}
    for candidate in candidates:
        if obstacle := first_obstacle(spec.constraints, candidate):
            unfit[candidate.node] = f"it is not {obstacle}"
        elif candidate.node in refusals:
            unfit[candidate.node] = refusals[candidate.node]
    return unfit


def _spread(ranked: Sequence[Candidate], label: str) -> list[Candidate]:
    """Order candidates by rounds over the values of a label, each round by score."""
    met: Counter[str] = Counter()
    rounds: list[tuple[int, int, Candidate]] = []
    for index, candidate in enumerate(ranked):
        zone = candidate.label(label)
        rounds.append((met[zone], index, candidate))
        met[zone] += 1
    return [candidate for _, _, candidate in sorted(rounds, key=lambda each: each[:2])]
