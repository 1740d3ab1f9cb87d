"""Group K, scenario 108: whom a node knew is on disk, and how it gets back in after a restart."""

from __future__ import annotations

import shutil
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caxton_node.cluster.store import MEMBERS_MAX, ClusterStore
from caxton_node.devkit.simulator.cluster import Cluster, all_alive_everywhere, all_views_equal, name_of
from caxton_node.storage import Database
from swim import Member, MemberState
from swim.member import Address

pytestmark = [pytest.mark.story("018")]

FILE = "caxton.db"
NOW_UNIX_MS = 1_700_000_000_000


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[ClusterStore]:
    async with await Database.open(tmp_path / FILE) as database:
        yield ClusterStore(database)


def others(cluster: Cluster, name: str) -> list[Member]:
    """Return what a node of a cluster would keep."""
    members = cluster.nodes[name].membership.members()
    return [member for member in members if member.node_id != name]


def member(number: int, state: MemberState = MemberState.ALIVE) -> Member:
    address: Address = (f"10.0.{number >> 8}.{number & 255}", 7946)
    return Member(f"node-{number:05d}", address, state, 0, 1, b"", 0, bytes(8))


async def reopened(path: Path) -> list[Address]:
    async with await Database.open(path) as database:
        return await ClusterStore(database).read_addresses()


@pytest.mark.scenario(108)
async def test_what_was_kept_is_read_back_after_a_restart(tmp_path: Path) -> None:
    async with await Database.open(tmp_path / FILE) as database:
        await ClusterStore(database).save_members([member(1), member(2)], NOW_UNIX_MS)
    assert await reopened(tmp_path / FILE) == [member(1).address, member(2).address]


@pytest.mark.scenario(108)
@pytest.mark.parametrize("survivor", [1, 7, 15])
async def test_a_node_gets_back_in_through_any_member_that_it_remembers(
    store: ClusterStore, seed: int, survivor: int
) -> None:
    """All the others have gone meanwhile, and one of those kept is enough, whichever it is."""
    cluster = Cluster(seed, sealed=False)
    cluster.form(16)
    await store.save_members(others(cluster, name_of(0)), NOW_UNIX_MS)
    cluster.kill(*(name_of(number) for number in range(16) if number != survivor))
    cluster.network.run_for(60)
    cluster.add(name_of(0), await store.read_addresses())
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=20)
    assert set(cluster.nodes) == {name_of(0), name_of(survivor)}


@pytest.mark.scenario(108)
async def test_all_nodes_come_back_from_what_each_of_them_kept(store: ClusterStore, seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.form(8)
    kept: dict[str, list[Address]] = {}
    for name in cluster.nodes:
        await store.save_members(others(cluster, name), NOW_UNIX_MS)
        kept[name] = await store.read_addresses()
    cluster.kill(*kept)
    cluster.network.run_for(30)
    for name, addresses in kept.items():
        cluster.add(name, addresses)
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)


@pytest.mark.scenario(108)
async def test_the_epoch_on_disk_makes_each_restart_a_new_life(tmp_path: Path) -> None:
    epochs = []
    for at_least in (100, 100, 7):
        async with await Database.open(tmp_path / FILE) as database:
            epochs.append(await ClusterStore(database).raise_epoch(at_least))
    assert epochs == [100, 101, 102]


@pytest.mark.scenario(108)
async def test_what_is_kept_is_trimmed_to_those_seen_last(store: ClusterStore) -> None:
    """Serf appends to a log and compacts it; here there is one row for each, and never more than 256."""
    for number in range(0, 3 * MEMBERS_MAX, 64):
        await store.save_members([member(number + each) for each in range(64)], NOW_UNIX_MS + number)
    kept = await store.read_addresses()
    assert await store._database.read("SELECT count(*) FROM members") == [(MEMBERS_MAX,)]
    assert len(kept) == MEMBERS_MAX
    assert set(kept) == {member(number).address for number in range(2 * MEMBERS_MAX, 3 * MEMBERS_MAX)}


@pytest.mark.scenario(108)
async def test_whoever_left_is_no_longer_asked_and_whoever_died_is_asked_last(store: ClusterStore) -> None:
    await store.save_members([member(1), member(2), member(3)], NOW_UNIX_MS)
    changed = [member(1, MemberState.DEAD), member(2, MemberState.LEFT), member(3)]
    await store.save_members(changed, NOW_UNIX_MS + 1)
    assert await store.read_addresses() == [member(3).address, member(1).address]


@pytest.mark.scenario(108)
async def test_a_node_that_left_comes_back_through_what_it_kept(store: ClusterStore, seed: int) -> None:
    """Serf erases its file on a leave unless told otherwise; here every orderly stop is a leave."""
    cluster = Cluster(seed, sealed=False)
    cluster.form(8)
    kept = others(cluster, name_of(3))
    cluster.leave(name_of(3))
    await store.save_members(kept, NOW_UNIX_MS)
    cluster.network.run_for(30)
    cluster.add(name_of(3), await store.read_addresses())
    cluster.network.run_until(lambda: all_alive_everywhere(cluster), within_s=5)


@pytest.mark.scenario(108)
@pytest.mark.parametrize("damage", ["cut", "rubbish behind", "rubbish inside"])
async def test_a_write_that_was_torn_off_costs_no_more_than_itself(tmp_path: Path, damage: str) -> None:
    """The file as a power cut leaves it: the last write half done."""
    torn = tmp_path / "torn"
    torn.mkdir()
    async with await Database.open(tmp_path / FILE) as database:
        store = ClusterStore(database)
        await store.save_members([member(1)], NOW_UNIX_MS)
        whole = (tmp_path / f"{FILE}-wal").stat().st_size
        await store.save_members([member(2)], NOW_UNIX_MS + 1)
        for suffix in ("", "-wal"):
            shutil.copy(tmp_path / f"{FILE}{suffix}", torn)
    log = torn / f"{FILE}-wal"
    data = log.read_bytes()
    assert len(data) > whole
    log.write_bytes({
        "cut": data[: whole + 100],
        "rubbish behind": data[:whole] + bytes(range(256)) * 40,
        "rubbish inside": data[:-200] + bytes(200),
    }[damage])  # fmt: skip
    assert await reopened(torn / FILE) == [member(1).address]
