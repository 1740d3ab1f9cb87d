"""Warm instances are nobody's yet: what a module does to them, no agent of it gets beyond its own limits."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

import pytest

from caxton_node.agents.manifest import Manifest
from caxton_node.runtime import Limits, StartFailed
from tests.integration.runtime.hostile.building import DONE
from tests.support.agents import House, open_house
from tests.support.data_plane import until
from tests.support.guests import tiny

pytestmark = pytest.mark.story("032")

MIB = 2**20
_GROWS_EARLY = '(func (export "_initialize") (drop (memory.grow (i32.const 99))))'


async def _warm(house: House, module: bytes) -> None:
    """Deploy a module until some instances of it are warm."""
    pool = house.service._plant.pool
    for number in range(3):
        await house.service.deploy(Manifest(f"large-{number}"), module)
    await until(lambda: pool.numbers().warm > 0)


@pytest.mark.story("016")
@pytest.mark.parametrize(
    "module",
    [tiny(memory="100", handle=DONE), tiny(handle=DONE, extra=_GROWS_EARLY)],
    ids=["born-large", "grown-while-warm"],
)
async def test_a_warm_instance_that_is_larger_than_the_agent_may_be_is_not_given_to_it(
    tmp_path: Path, module: str
) -> None:
    async with open_house(tmp_path) as house:
        await _warm(house, module.encode())
        small = Manifest("small", limits=Limits(memory_bytes=MIB))
        with suppress(StartFailed):  # as it should: it does not fit
            await house.service.deploy(small, module.encode())
        held = {view.manifest.name: view.memory_bytes for view in house.service.views()}
        assert held.get(small.name, 0) <= MIB
