"""Placements that were computed before: ranking a thousand nodes takes milliseconds, and little changes.

A placement follows from the spec, the nodes that count and who refuses. As long as those are the same it is
taken from here. What is kept is bounded by the names of nodes in it; beyond that it is computed each time.
"""

from __future__ import annotations

from collections.abc import Container, Mapping, Sequence
from typing import NamedTuple

from caxton_node.deployment.constraints import Candidate
from caxton_node.deployment.placement import Placement, place
from caxton_node.deployment.spec import DeploymentSpec

NAMES_MAX = 2_000_000
"""About 16 MB of references; 10,000 deployments on 200 nodes."""


class _Known(NamedTuple):
    spec: DeploymentSpec
    candidates: Sequence[Candidate]
    refused: Mapping[str, str]
    placement: Placement

    def is_of(
        self, spec: DeploymentSpec, candidates: Sequence[Candidate], refused: Mapping[str, str]
    ) -> bool:
        return self.spec is spec and self.candidates is candidates and self.refused == refused


class Placements:
    """Remembers where deployments belong."""

    def __init__(self) -> None:
        self._known: dict[str, _Known] = {}
        self._names = 0
        self._candidates: dict[bool, Sequence[Candidate]] = {}

    def settle(self, candidates: Sequence[Candidate], *, is_consistent: bool) -> Sequence[Candidate]:
        """Return the same object for the same nodes, which is what placements are remembered by."""
        before = self._candidates.get(is_consistent)
        if before is not None and list(before) == list(candidates):
            return before
        self._candidates[is_consistent] = candidates
        return candidates

    def place(
        self, spec: DeploymentSpec, candidates: Sequence[Candidate], refused: Mapping[str, str]
    ) -> Placement:
        """Return where a deployment belongs; `candidates` is what `settle` has returned."""
        known = self._known.get(spec.name)
        if known is not None and known.is_of(spec, candidates, refused):
            return known.placement
        placement = place(spec, candidates, refused)
        self._forget(spec.name)
        if self._names + len(placement.order) <= NAMES_MAX:
            self._names += len(placement.order)
            self._known[spec.name] = _Known(spec, candidates, refused, placement)
        return placement

    def forget_others(self, names: Container[str]) -> None:
        """Forget the deployments that are not among these."""
        for name in [name for name in self._known if name not in names]:
            self._forget(name)

    def _forget(self, name: str) -> None:
        known = self._known.pop(name, None)
        if known is not None:
            self._names -= len(known.placement.order)
