"""Shared keys, capabilities and descriptions all go through one pace."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from caxton_node.kv import Keys
from caxton_node.kv.acts import Put
from caxton_node.messaging.write_pace import Allowance, WritePace
from tests.support.ams_desk import Desk, open_desk
from tests.support.directories import directory_of

pytestmark = pytest.mark.story("026")

BURST = 20


def add_the_others(desk: Desk, pace: WritePace) -> None:
    """Let `kv` and `df` answer beside `ams`, with the same pace."""
    office = desk.office
    keys = Keys(
        node_id="node-1", submit=office.router.submit, database=desk.database, registry=desk.registry,
        clock=office.clock, pace=pace,
    )  # fmt: skip
    directory = directory_of(desk.registry, "node-1", office.router.submit, pace=pace)
    office.router.add_platform_agent("kv", keys.handle)
    office.router.add_platform_agent("df", directory.handle)


def churn(agent: str, number: int) -> Iterator[dict[str, object]]:
    """Write something and take it back."""
    if agent == "kv":
        yield {"action": "put", "key": f"k{number}", "value": 1, "shared": True}
        yield {"action": "delete", "key": f"k{number}", "shared": True}
    elif agent == "df":
        yield {"action": "register", "capabilities": [{"name": f"c{number}"}]}
        yield {"action": "deregister"}
    else:
        yield {"action": "modify", "description": {"about": str(number)}}
        yield {"action": "modify", "description": {}}


@pytest.mark.parametrize("agent", ["kv", "df", "ams"])
async def test_who_writes_and_takes_back_without_end_is_told_to_wait(agent: str, tmp_path: Path) -> None:
    async with open_desk(tmp_path, allowance=Allowance(per_s=1, burst=BURST)) as desk:
        pace = desk.pace
        add_the_others(desk, pace)
        answers = [
            await desk.boss.ask(agent, asked) for number in range(10) for asked in churn(agent, number)
        ]
        refused = [answer for act, answer in answers if act == "refuse"]
        assert {answer["reason"] for answer in refused} == {"busy"}
        assert desk.registry.holding().tombstones <= 2
        quiet = next(churn(agent, 0))
        assert (await desk.worker.ask(agent, quiet))[0] == "inform"
        desk.pass_s(30)
        assert (await desk.boss.ask(agent, quiet))[0] == "inform"


async def test_saying_the_same_again_costs_nothing(tmp_path: Path) -> None:
    async with open_desk(tmp_path, allowance=Allowance(per_s=1, burst=3)) as desk:
        pace = desk.pace
        add_the_others(desk, pace)
        for _ in range(10):
            for agent in ("kv", "df", "ams"):
                assert (await desk.boss.ask(agent, next(churn(agent, 0))))[0] == "inform"


async def test_an_operator_is_not_paced(tmp_path: Path) -> None:
    async with open_desk(tmp_path) as desk:
        pace = WritePace(desk.office.clock, Allowance(per_s=1, burst=1))
        pace.spend("default/boss", writes=100)
        keys = Keys(
            node_id="node-1", submit=desk.office.router.submit, database=desk.database,
            registry=desk.registry, clock=desk.office.clock, pace=pace,
        )  # fmt: skip
        answer = await keys.ask("default/boss", Put(key="k", value=msgspec.Raw(b"1"), shared=True))
        assert answer["key"] == "k"
        await keys.close()
