"""A real guest that has ams remind it and kv remember for it, over restarts of its node."""

from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from caxton_node.cluster.joining import DATABASE
from caxton_node.fipa import Envelope, Performative
from caxton_node.messaging import Clients
from tests.support.api import Node, call, founder, running
from tests.support.diary import diary

pytestmark = [pytest.mark.story("004"), pytest.mark.story("026")]
AN_HOUR_MS = 3_600_000


async def tell(node: Node, act: Performative, *, answers: bool) -> Any:
    """Say something to the diary and return the content of what it answers."""
    with Clients(node.daemon.mail.router).open() as client:
        client.send(Envelope(act, receivers="diary", content=b"{}", conversation_id=f"test-{act.word}"))
        return json.loads((await client.receive(10)).content or b"") if answers else None


async def until_timers(node: Node, wanted: int) -> None:
    """Wait until so many timers are on the disk."""
    async with asyncio.timeout(10):
        while await node.daemon.store.database.read("SELECT count(*) FROM agent_timers") != [(wanted,)]:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)


def pass_an_hour(data_dir: Path) -> None:
    """Let a node that is down find its timers due."""
    with closing(sqlite3.connect(data_dir / DATABASE)) as database, database:
        database.execute("UPDATE agent_timers SET due_unix_ms = due_unix_ms - ?", (AN_HOUR_MS,))


async def written(node: Node) -> Any:
    """Ask the diary until it has written its key."""
    async with asyncio.timeout(20):
        while True:
            answer = await tell(node, Performative.QUERY_REF, answers=True)
            if answer["version"]:
                return answer


async def test_a_timer_set_before_a_restart_rings_after_it_and_what_was_written_then_stays(
    tmp_path: Path,
) -> None:
    async with founder(tmp_path / "n1") as node:
        module = diary(after_ms=AN_HOUR_MS)
        await call(node.local, lambda client: client.agents.deploy("diary", module))
        assert (await tell(node, Performative.QUERY_REF, answers=True))["version"] == 0
        await tell(node, Performative.REQUEST, answers=False)
        await until_timers(node, 1)
    pass_an_hour(tmp_path / "n1")
    for _ in range(2):
        async with running(tmp_path / "n1") as node:
            assert await written(node) == {"key": "rang", "value": {"rang": True}, "version": 1}
            await until_timers(node, 0)
