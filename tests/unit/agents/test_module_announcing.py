"""Who holds which module, by the registry."""

from __future__ import annotations

import pytest

from caxton_node.agents.module_announcing import KIND, ModuleAnnouncer, ModuleHolders
from tests.support.deployment_world.registry import SimRegistry

pytestmark = pytest.mark.story("026")

A, B = "a" * 64, "b" * 64


@pytest.mark.parametrize("asks_first", [False, True])
async def test_the_index_of_holders_follows_the_registry_from_whenever_it_is_asked(asks_first: bool) -> None:
    registry = SimRegistry("n1", [], lambda _node: True, lambda _entries: None)
    registry._replica.put(KIND, f"{A}@n0", b"", 1)  # loaded from disk: no watcher is told
    holders = ModuleHolders(registry)  # type: ignore[arg-type]  # a model of it
    if asks_first:
        assert holders.of(A) == {"n0"}
    announcer = ModuleAnnouncer(registry, "n1")  # type: ignore[arg-type]  # a model of it
    announcer.hold(A, 1)
    announcer.hold(B, 1)
    announcer.drop(B)
    assert (holders.of(A), holders.of(B)) == ({"n0", "n1"}, frozenset())
