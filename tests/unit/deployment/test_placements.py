"""Placements that are remembered are those that would be computed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from caxton_node.deployment.constraints import Candidate, parse_constraint
from caxton_node.deployment.placement import place
from caxton_node.deployment.placements import Placements
from tests.support.deployments import spec_of

pytestmark = pytest.mark.story("026")

SPEC = spec_of(replicas=2)


def nodes(*names: str, zone: str = "a") -> list[Candidate]:
    return [Candidate(name, {"zone": zone}) for name in names]


def test_the_same_again_is_not_computed_again() -> None:
    known = Placements()
    first = known.place(SPEC, known.settle(nodes("n1", "n2", "n3"), is_consistent=False), {})
    assert known.place(SPEC, known.settle(nodes("n1", "n2", "n3"), is_consistent=False), {}) is first


def test_other_nodes_labels_refusals_and_specs_are() -> None:
    known = Placements()
    picky = replace(SPEC, constraints=(parse_constraint("zone=b"),))
    for spec in (SPEC, picky):
        for candidates in (nodes("n1", "n2", "n3"), nodes("n1", "n2"), nodes("n1", "n2", zone="b")):
            for refused in ({}, {"n1": "it is full"}):
                found = known.place(spec, known.settle(candidates, is_consistent=False), refused)
                assert found == place(spec, candidates, refused)


def test_what_is_deleted_is_forgotten_and_what_is_too_much_is_not_remembered(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caxton_node.deployment.placements.NAMES_MAX", 3)
    known = Placements()
    candidates = known.settle(nodes("n1", "n2"), is_consistent=False)
    first, other = known.place(SPEC, candidates, {}), spec_of("default/other")
    unkept = known.place(other, candidates, {})
    assert known.place(other, candidates, {}) is not unkept
    assert known.place(SPEC, candidates, {}) is first
    known.forget_others(())
    kept = known.place(other, candidates, {})
    assert known.place(other, candidates, {}) is kept
