"""Backups from the shell: made and looked at while the node runs, restored and salvaged when it does not."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from pathlib import Path

import pytest

from caxton_node.storage.layout import DATABASE
from tests.support.api import Node, call, founder, running
from tests.support.cli import Done, caxton, caxton_node
from tests.support.guests import wat
from tests.support.stores import overwrite_page, pages_of

pytestmark = pytest.mark.story("004")


async def run(node: Node, *words: object) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words)


async def offline(data_dir: Path, *words: object) -> Done:
    return await asyncio.to_thread(caxton_node, *words, "--data-dir", data_dir)


async def agents_of(node: Node) -> list[str]:
    return [agent.name for agent in await call(node.local, lambda client: list(client.agents.list()))]


async def deploy(node: Node, name: str) -> None:
    await call(node.local, lambda client: client.agents.deploy(name, wat("echo").encode()))


async def test_a_node_is_backed_up_while_it_runs_and_brought_back_to_any_moment_since(tmp_path: Path) -> None:
    data_dir = tmp_path / "n1"
    async with founder(data_dir, "n1", "storage.change_log=on") as node:
        checked = await run(node, "server", "check")
        assert (checked.code, "ok" in checked.out) == (0, True), checked
        made = await run(node, "backup", "create")
        assert (made.code, made.out.startswith("made backup 20")) == (0, True), made
        listed = json.loads((await run(node, "backup", "list", "-o", "json")).out)
        newest = listed[-1]["id"]
        assert newest in made.out
        verified = await run(node, "backup", "verify", newest)
        assert (verified.code, "ok" in verified.out) == (0, True), verified
        missing = await run(node, "backup", "verify", "20200101T000000Z")
        assert (missing.code, "there is no backup" in missing.err) == (1, True), missing
        await deploy(node, "one")
        refused = await offline(data_dir, "backup", "restore", newest, "--force")
        assert (refused.code, "another node runs" in refused.err) == (1, True), refused
        moment = (await call(node.local, lambda client: client.storage.create_backup())).created_unix_us
        await deploy(node, "two")
    assert (await offline(data_dir, "backup", "list")).out.splitlines()[-1].startswith("20")
    occupied = await offline(data_dir, "backup", "restore")
    assert (occupied.code, "--force" in occupied.err) == (1, True), occupied
    restored = await offline(
        data_dir, "backup", "restore", newest, "--force", "--to", iso(moment), "-o", "json"
    )
    assert restored.code == 0, restored
    assert json.loads(restored.out)["changes"] > 0
    async with running(data_dir) as node:
        assert await agents_of(node) == ["one"]


def iso(at_unix_us: int) -> str:
    return datetime.fromtimestamp(at_unix_us / 1_000_000, UTC).isoformat()


async def test_a_node_with_a_damaged_database_names_the_commands_that_bring_it_back(tmp_path: Path) -> None:
    data_dir = tmp_path / "n1"
    async with founder(data_dir) as node:
        await deploy(node, "echo")
    path = data_dir / DATABASE
    overwrite_page(path, pages_of(path, "members")[0])
    stopped = await offline(data_dir, "run")
    assert stopped.code == 1
    assert f"caxton-node salvage --data-dir {data_dir}" in stopped.err
    assert f"caxton-node backup restore --force --data-dir {data_dir}" in stopped.err
    nothing = await offline(data_dir, "backup", "restore", "--force")
    assert (nothing.code, "there is no backup" in nothing.err) == (1, True), nothing
    saved = await offline(data_dir, "salvage")
    assert saved.code == 0, saved
    assert [line.split() for line in saved.out.splitlines() if line.startswith("agents ")] == [
        ["agents", "1", "0"]
    ]
    async with running(data_dir) as node:
        assert await agents_of(node) == ["echo"]


@pytest.mark.parametrize("text", ["yesterday", "2026-13-01T00:00:00Z", ""])
def test_a_moment_that_is_none_is_refused_with_an_example(tmp_path: Path, text: str) -> None:
    done = caxton_node("backup", "restore", "--to", text, "--data-dir", tmp_path)
    assert (done.code, "2026-11-26T10:00:00Z" in done.err) == (2, True), done
