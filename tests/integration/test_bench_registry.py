"""The benchmark of the registry measures what it says, on a registry and a world that are small."""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.bench.registry import costs
from tests.bench.registry.convergence import SCENARIOS, run_one
from tests.bench.registry.crowd import crowd
from tests.bench.registry.lookup import look_up
from tests.bench.report import Options, Reporter

pytestmark = pytest.mark.story("026")


def test_every_lookup_that_was_due_is_measured_and_finds_its_agent() -> None:
    async def measure() -> tuple[int, int, int]:
        async with crowd(200) as found:
            before = found.registry.tally.malformed
            quiet, busy = await look_up(found, 0.05), await look_up(found, 0.2, changing=True)
            assert all(waited >= own for own, waited in zip(busy.own_us, busy.waited_us, strict=True))
            return len(quiet.own_us), len(busy.own_us), found.registry.tally.malformed - before

    assert asyncio.run(measure()) == (100, 400, 0)


def test_changes_that_arrive_are_taken_in() -> None:
    async def states() -> list[set[str]]:
        async with crowd(50) as found:
            before = {record.state for record in found.registry.instances()}
            found.hear_changes(50)
            after = [found.registry.instances(name)[0] for name in found.names]
            await found.hear_digest()
            return [before, {record.state for record in after}, {str(len(after))}]

    before, after, count = asyncio.run(states())
    assert (before, count) == ({"running"}, {"50"})
    assert len(after) == 1


def test_costs_are_measured_on_replicas_that_end_equal(capsys: pytest.CaptureFixture[str]) -> None:
    costs.measure(Reporter("registry", Options(json=True, quick=True)), 2_000)
    rows = {row["metric"]: row for row in map(json.loads, capsys.readouterr().out.splitlines())}
    assert rows.keys() == {
        "memory_per_entry", "memory_per_entry_replica", "merge_per_entry", "merge_known_per_entry",
        "compare_equal", "compare_one", "compare_5_percent",
    }  # fmt: skip
    assert rows["compare_one"]["bytes"] < rows["compare_5_percent"]["bytes"]


@pytest.mark.parametrize("metric", SCENARIOS)
def test_a_scenario_repeats_itself(metric: str) -> None:
    one, other = (run_one(SCENARIOS[metric], 8, seed=4).measured for _ in range(2))
    assert one == other
    assert one.changes > 0
