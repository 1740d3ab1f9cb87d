"""Modules that are dear to compile cost a child process and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from caxton_node.core.errors import CaxtonError
from caxton_node.runtime import Engine, EngineSettings
from caxton_node.runtime.compiler import ChildCompiler, CompileLimits
from tests.integration.runtime.hostile.arena import read_vitals
from tests.integration.runtime.hostile.bombs import BOMBS
from tests.integration.runtime.hostile.cases import Hostile
from tests.support.guests import request, start, wat

pytestmark = pytest.mark.story("012")

MIB = 2**20
LIMITS = CompileLimits(wall_time_s=60.0, cpu_time_s=1.0, memory_bytes=256 * MIB)
"""So little that no bomb comes through on any machine, and far more than the good agent needs."""
PEAK_MAX = 64 * MIB


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    settings = EngineSettings()
    compiler = ChildCompiler(settings, LIMITS)
    engine = Engine(settings, compiler=compiler)
    engine.compile(wat("relay"))
    yield engine
    engine.close()
    compiler.close()


@pytest.mark.parametrize("bomb", BOMBS, ids=lambda bomb: bomb.name)
def test_a_compile_bomb_is_refused_within_its_limits_and_the_next_module_compiles(
    engine: Engine, bomb: Hostile
) -> None:
    module = bomb.make()
    before = read_vitals()
    with pytest.raises(CaxtonError) as caught:
        engine.compile(module)
    assert caught.value.code == bomb.ends.error, caught.value
    assert bomb.ends.words in str(caught.value)
    assert read_vitals().peak_bytes - before.peak_bytes < PEAK_MAX
    sandbox, _ = start(engine, wat("echo"))
    assert len(sandbox.handle([request(b"still here")]).outbox) == 1
    sandbox.close()
