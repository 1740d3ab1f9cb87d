"""A disk that is full, or read-only: nothing accepted is lost, and the store goes on when it can."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from caxton_node.client import Client
from caxton_node.storage import Database, StoreFailed
from caxton_node.storage.integrity import find_damage, open_read_only
from caxton_node.storage.layout import DATABASE, backups_of
from caxton_node.storage.restore import Order, restore
from tests.support.api import Node, call, founder
from tests.support.data_plane import until
from tests.support.guests import wat
from tests.support.small_disk import SmallDisk, small_disk
from tests.support.stores import back_up, contents, logged

pytestmark = pytest.mark.story("004")

MIB = 1024 * 1024
PUT = "INSERT INTO cluster (key, value) VALUES (?, ?)"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[SmallDisk]:
    with small_disk(tmp_path / "disk", 32 * MIB) as made:
        yield made


async def write_until_refused(database: Database, prefix: str) -> set[str]:
    """Write from several tasks at once until each is refused; return what was acknowledged."""
    taken: set[str] = set()

    async def write_on(writer: int) -> None:
        for number in range(100_000):
            key = f"{prefix}-{writer}-{number}"
            await database.write(PUT, (key, bytes(3_000)))
            taken.add(key)

    refusals = await asyncio.gather(*(write_on(writer) for writer in range(8)), return_exceptions=True)
    assert [type(each) for each in refusals] == [StoreFailed] * 8
    assert all("free space" in each.hint for each in refusals if isinstance(each, StoreFailed))
    return taken


async def keys_in(database: Database) -> set[str]:
    return {key for (key,) in await database.read("SELECT key FROM cluster")}


async def test_on_a_full_disk_writes_fail_reads_go_on_and_nothing_acknowledged_is_lost(
    disk: SmallDisk,
) -> None:
    path = disk.path / DATABASE
    async with await Database.open(path) as database:
        disk.fill(leave_bytes=8 * MIB)
        taken = await write_until_refused(database, "first")
        disk.fill()
        assert "full" in database.counts.trouble
        assert await keys_in(database) == taken
        disk.free()
        await database.write(PUT, ("again", 1))
        assert database.counts.trouble == ""
        assert await keys_in(database) == taken | {"again"}
    with open_read_only(path) as connection:
        assert find_damage(connection) == []
    async with await Database.open(path) as database:
        assert await keys_in(database) == taken | {"again"}


async def test_a_change_log_on_a_full_disk_stays_one_with_its_database(disk: SmallDisk) -> None:
    path = disk.path / DATABASE
    async with logged(disk.path, segment_bytes=256 * 1024) as database:
        back_up(disk.path)
        for turn in range(3):
            disk.fill(leave_bytes=4 * MIB)
            taken = await write_until_refused(database, f"turn-{turn}")
            assert taken <= await keys_in(database)
            target = disk.path.parent / f"restored-{turn}"
            restore(Order(target, backups_of(disk.path)))
            assert contents(target / DATABASE) == contents(path)
            disk.free()
            await database.write("DELETE FROM cluster")


async def test_a_store_that_may_not_be_written_any_more_serves_reads_until_it_may(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write(PUT, ("before", 1))
        writer = database._writer._connection
        await writer.execute_fetchall("PRAGMA query_only = ON")
        with pytest.raises(StoreFailed, match="readonly"):
            await database.write(PUT, ("during", 1))
        assert "readonly" in database.counts.trouble
        assert await keys_in(database) == {"before"}
        await writer.execute_fetchall("PRAGMA query_only = OFF")
        await database.write(PUT, ("after", 1))
        assert database.counts.trouble == ""
        assert await keys_in(database) == {"before", "after"}


async def test_a_node_does_not_start_on_a_read_only_disk_and_says_so(disk: SmallDisk) -> None:
    path = disk.path / DATABASE
    async with await Database.open(path) as database:
        await database.write(PUT, ("before", 1))
    disk.turn_read_only()
    with pytest.raises(StoreFailed, match="may write there"):
        await Database.open(path)
    disk.turn_writable()
    async with await Database.open(path) as database:
        assert await keys_in(database) == {"before"}


async def storage_check(node: Node) -> tuple[bool, str]:
    answer = await call(node.local, lambda client: client.server.health())
    return next((each.ok, each.detail) for each in answer.checks if each.name == "storage")


async def test_a_node_on_a_full_disk_says_so_serves_messages_and_recovers_by_itself(disk: SmallDisk) -> None:
    def ask(client: Client) -> bytes:
        return client.messages.send("echo", b'"hello"', protocol="fipa-request").reply.content

    async with founder(disk.path / "n1") as node:
        await call(node.local, lambda client: client.agents.deploy("echo", wat("echo").encode()))
        assert await storage_check(node) == (True, str(node.data_dir / DATABASE))
        disk.fill()
        with pytest.raises(StoreFailed, match="free space"):
            await fill_store(node)
        is_ok, detail = await storage_check(node)
        assert not is_ok
        assert "full" in detail
        assert await call(node.local, ask) == b'"hello"'
        assert [
            agent.name for agent in await call(node.local, lambda client: list(client.agents.list()))
        ] == ["echo"]
        disk.free()
        await until(lambda: not node.daemon.store.database.counts.trouble, within_s=20)
        assert (await storage_check(node))[0]
        await call(node.local, lambda client: client.agents.deploy("echo2", wat("echo").encode()))


async def fill_store(node: Node) -> None:
    """Let the node write what it has no room for."""
    for number in range(100):
        await node.daemon.store.database.write(PUT, (f"filler-{number}", bytes(100_000)))
