"""Every hostile module meets the same node and ends in its one named error; the node goes on as before."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from tests.integration.runtime.hostile.arena import Arena, open_arena, read_vitals
from tests.integration.runtime.hostile.cases import Hostile
from tests.integration.runtime.hostile.suite import ALL

pytestmark = [pytest.mark.story("001"), pytest.mark.asyncio(loop_scope="module")]

MIB = 2**20
GROWTH_MAX = 128 * MIB
"""What the node may hold on to after all modules: caches of the allocator and of SQLite, not one guest."""
PEAK_MAX = 400 * MIB
THREADS_MAX = 16
"""Threads that may be added: a pool for blocking calls and the compiler's own."""
DESCRIPTORS_MAX = 8


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def arena(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Arena]:
    async with open_arena(tmp_path_factory.mktemp("arena")) as arena:
        await arena.check_unharmed()
        before = read_vitals()
        yield arena
        after = read_vitals()
    print(f"before {before}, after {after}")
    assert after.memory_bytes - before.memory_bytes < GROWTH_MAX
    assert after.peak_bytes - before.peak_bytes < PEAK_MAX
    assert after.threads - before.threads <= THREADS_MAX
    assert after.descriptors - before.descriptors <= DESCRIPTORS_MAX


@pytest.mark.parametrize("hostile", ALL, ids=lambda hostile: hostile.name)
async def test_a_hostile_module_ends_in_its_one_error_and_the_node_goes_on(
    arena: Arena, hostile: Hostile
) -> None:
    before = arena.traps()
    ends = await arena.meet(hostile)
    expected = hostile.ends
    assert {(end.how, end.error) for end in ends} == {(expected.how, expected.error)}, ends
    assert all(expected.words in end.words for end in ends), ends
    await arena.check_unharmed()
    new = {kind for kind, count in arena.traps().items() if count > before.get(kind, 0)}
    assert new <= {expected.error}, "nothing else trapped, and nothing in the host"
