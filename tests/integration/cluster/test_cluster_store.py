"""What the cluster keeps on disk, in a real database."""

import shutil

import pytest

from caxton_node.cluster.agreement import Line
from caxton_node.cluster.store import MEMBERS_MAX, ClusterStore
from caxton_node.core.errors import InvalidConfig
from caxton_node.storage import Database
from caxton_node.storage.migrate import MIGRATIONS
from swim import Member, MemberState


@pytest.fixture
async def store(tmp_path):
    async with await Database.open(tmp_path / "caxton.db") as database:
        yield ClusterStore(database)


def member(node_id, state, port):
    return Member(node_id, ("127.0.0.1", port), state, 0, 1, b"", 0, bytes(8))


@pytest.mark.scenario(108)
@pytest.mark.story("018")
async def test_the_epoch_rises_at_every_start_and_never_below_what_is_asked(store):
    assert await store.raise_epoch(100) == 100
    assert await store.raise_epoch(100) == 101
    assert await store.raise_epoch(50) == 102


async def test_the_database_of_another_node_is_refused_by_name(store):
    await store.claim("n1", "demo")
    await store.claim("n1", "demo")
    with pytest.raises(InvalidConfig, match="belongs to node n1 of cluster demo") as refusal:
        await store.claim("n2", "demo")
    assert "node n2" in refusal.value.why


@pytest.mark.story("018")
async def test_members_are_remembered_the_living_first(store):
    await store.save_members([member("a", MemberState.DEAD, 1), member("b", MemberState.ALIVE, 2)], 0)
    assert await store.read_addresses() == [("127.0.0.1", 2), ("127.0.0.1", 1)]


@pytest.mark.story("018")
@pytest.mark.scenario(108)
async def test_a_node_that_comes_up_alone_does_not_forget_whom_to_ask(store):
    await store.save_members([member("a", MemberState.ALIVE, 1), member("b", MemberState.ALIVE, 2)], 1)
    await store.save_members([], 2)
    assert await store.read_addresses() == [("127.0.0.1", 1), ("127.0.0.1", 2)]
    await store.save_members([member("c", MemberState.ALIVE, 3), member("a", MemberState.LEFT, 1)], 3)
    assert await store.read_addresses() == [("127.0.0.1", 3), ("127.0.0.1", 2)]


@pytest.mark.scenario(108)
@pytest.mark.story("018")
async def test_members_that_were_seen_longest_ago_go_first(store):
    old = [member(f"old-{n}", MemberState.ALIVE, 1 + n) for n in range(MEMBERS_MAX)]
    await store.save_members(old, 1)
    await store.save_members([member("new", MemberState.ALIVE, 9999)], 2)
    addresses = await store.read_addresses()
    assert len(addresses) == MEMBERS_MAX
    assert addresses[0] == ("127.0.0.1", 9999)


@pytest.mark.story("018")
async def test_the_book_of_who_counts_is_kept_as_it_is_and_replaced_whole(store):
    assert await store.read_book() == {}
    lines = {"a": Line(1, counts=True, settled=True), "b": Line(2, counts=False), "c": Line(3, counts=True)}
    await store.save_book(lines)
    assert await store.read_book() == lines
    await store.save_book({"a": Line(2, counts=False)})
    assert await store.read_book() == {"a": Line(2, counts=False)}


@pytest.mark.story("018")
async def test_a_node_of_before_the_book_counts_itself_and_whom_it_saw_within_a_day(tmp_path):
    before = tmp_path / "migrations"
    before.mkdir()
    for path in sorted(MIGRATIONS.glob("000[1-5]_*.sql")):
        shutil.copy(path, before)
    async with await Database.open(tmp_path / "caxton.db", migrations=before) as database:
        old = ClusterStore(database)
        await old.claim("a", "demo")
        await old.save_members([member("long-ago", MemberState.ALIVE, 1)], 1)
        await old.save_members([member("b", MemberState.ALIVE, 2), member("c", MemberState.DEAD, 3)], 10**9)
    async with await Database.open(tmp_path / "caxton.db") as database:
        assert set(await ClusterStore(database).read_book()) == {"a", "b", "c"}


async def test_a_book_takes_the_place_of_the_one_before_line_by_line(store):
    lines = {"n1": Line(1, True, True), "n2": Line(2, True), "n3": Line(3, False, True)}
    await store.save_book(lines)
    await store.save_book({**lines, "n2": Line(2, True, True)})
    assert (await store.read_book())["n2"] == Line(2, True, True)
    await store.save_book({"n1": lines["n1"]})
    assert await store.read_book() == {"n1": lines["n1"]}
    again = ClusterStore(store._database)
    await again.save_book({"n4": Line(4, True)})
    assert await again.read_book() == {"n4": Line(4, True)}
