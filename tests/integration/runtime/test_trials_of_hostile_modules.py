"""Every hostile module on trial: what a node would refuse or stop is found before it gets there."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from caxton_node.agents.findings import StageName
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.validation import Validator
from caxton_node.core.errors import InvalidArgument
from caxton_node.runtime import Engine, EngineSettings
from caxton_node.runtime.compiler import ChildCompiler
from tests.integration.runtime.hostile.cases import Hostile, How
from tests.integration.runtime.hostile.suite import ALL

pytestmark = [pytest.mark.story("012"), pytest.mark.asyncio(loop_scope="module")]
LATEST = {
    How.REFUSED: StageName.STATIC,
    How.NOT_STARTED: StageName.SANDBOX,
    How.TRAPPED: StageName.CONTRACTS,
    How.NOT_KEPT: StageName.CONTRACTS,
    How.NOT_TAKEN: StageName.CONTRACTS,
}
"""Where each is found at the latest. What is told of its mistakes, or loses its tricks, goes on."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def validator() -> AsyncIterator[Validator]:
    settings = EngineSettings()
    compiler = ChildCompiler(settings)
    engine = Engine(settings, compiler=compiler)
    validator = Validator(engine, "n1")
    yield validator
    await validator.close()
    engine.close()
    compiler.close()


@pytest.mark.parametrize("hostile", ALL, ids=lambda hostile: hostile.name)
async def test_a_hostile_module_is_found_in_its_stage(validator: Validator, hostile: Hostile) -> None:
    made = hostile.make()
    module = made.encode() if isinstance(made, str) else made
    manifest = Manifest("trial", limits=hostile.limits, wasm_features=hostile.features, cpu=hostile.cpu)
    try:
        report = await validator.validate(manifest, module)
    except InvalidArgument:  # empty, or larger than any agent may be: not even a trial
        assert hostile.ends.how is How.REFUSED
        return
    latest = LATEST.get(hostile.ends.how)
    if latest is not None:
        assert report.failed is not None
        assert list(StageName).index(report.failed.name) <= list(StageName).index(latest), report.failed
    elif report.failed is not None:
        # What floods may take longer than a trial gives, on a busy machine.
        is_slow = "all that a trial gives" in report.failed.reason
        assert hostile.ends.how is How.TOLD or is_slow, report.failed
