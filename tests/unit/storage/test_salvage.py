"""A damaged database: what can be read is kept, what cannot is counted, and nothing is destroyed."""

from __future__ import annotations

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from caxton_node.core.errors import CorruptStore
from caxton_node.storage import Database, StoreFailed, owned
from caxton_node.storage.layout import DATABASE
from caxton_node.storage.salvage import Salvaged, TableSalvaged, salvage
from tests.support.stores import contents, overwrite_page, pages_of

pytestmark = pytest.mark.story("004")

ROWS = 600


async def filled(data_dir: Path) -> Path:
    """Make a database with rows in tables of every kind: text keys, numbers, no rowid, an index and none."""
    path = data_dir / DATABASE
    async with await Database.open(path) as database:
        await database.write_many(
            [
                *(("INSERT INTO cluster VALUES (?, ?)", (f"key-{n:05}", "x" * 200)) for n in range(ROWS)),
                *(
                    (
                        "INSERT INTO registry_entries VALUES ('route', ?, ?, x'', ?, 'n1', 0)",
                        (f"{n:05}", b"y" * 100, n),
                    )
                    for n in range(ROWS)
                ),
                *(("INSERT INTO open_requests VALUES (?, ?)", (n, b"z" * 200)) for n in range(1, ROWS + 1)),
                ("UPDATE boot SET epoch = 7", ()),
            ]
        )
    return path


def table(done: Salvaged, name: str) -> TableSalvaged:
    return next(each for each in done.tables if each.name == name)


def leaves_of(path: Path, name: str) -> list[int]:
    """Return the pages of a table that hold rows: all but the first, which leads to the others."""
    return pages_of(path, name)[1:]


async def test_what_is_whole_is_kept_whole(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    before, bytes_before = contents(path), path.read_bytes()
    done = salvage(tmp_path)
    assert {each.lost for each in done.tables} == {0}
    after = contents(path)
    assert {name: after[name] for name in before if name != "schema_migrations"} == {
        name: rows for name, rows in before.items() if name != "schema_migrations"
    }
    assert done.kept is not None
    assert done.kept.read_bytes() == bytes_before


async def test_rows_of_damaged_pages_are_lost_and_all_others_kept(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    leaves = leaves_of(path, "cluster")
    for number in (leaves[2], leaves[-2]):
        overwrite_page(path, number)
    with pytest.raises(CorruptStore, match="damaged"):
        await Database.open(path)
    damaged = path.read_bytes()
    done = salvage(tmp_path)
    lines = table(done, "cluster")
    assert lines.lost is not None
    assert 0 < lines.lost < 60
    assert lines.kept + lines.lost == ROWS
    assert table(done, "registry_entries") == TableSalvaged("registry_entries", ROWS, 0)
    assert done.kept is not None
    assert done.kept.read_bytes() == damaged
    async with await Database.open(path) as database:
        assert await database.read("SELECT count(*) FROM cluster") == [(lines.kept,)]
        assert await database.read("SELECT epoch FROM boot") == [(7,)]


async def test_a_table_without_an_index_is_searched_for_its_next_row(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    leaves = leaves_of(path, "open_requests")
    for number in (leaves[3], leaves[10]):
        overwrite_page(path, number)
    lines = table(salvage(tmp_path), "open_requests")
    assert lines.lost is not None
    assert 0 < lines.lost < 60
    assert lines.kept + lines.lost == ROWS


async def test_of_a_table_without_row_numbers_what_lies_between_two_damages_is_kept(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    leaves = leaves_of(path, "registry_entries")
    for number in (leaves[2], leaves[-3]):
        overwrite_page(path, number)
    lines = table(salvage(tmp_path), "registry_entries")
    assert lines.lost is None
    assert ROWS - 80 < lines.kept < ROWS


@pytest.mark.parametrize(("name", "inside"), [("cluster", 0), ("open_requests", 0), ("registry_entries", 25)])
async def test_leaves_to_which_nothing_leads_any_more_are_kept(
    tmp_path: Path, name: str, inside: int
) -> None:
    """Without row numbers a few rows are in the inner page itself."""
    path = await filled(tmp_path)
    overwrite_page(path, pages_of(path, name)[0])
    lines = table(salvage(tmp_path), name)
    assert lines.kept >= ROWS - inside
    assert lines.lost in {0, None}


async def test_without_the_first_page_the_others_are_told_by_their_rows(tmp_path: Path) -> None:
    path = await filled(tmp_path)
    before = contents(path)
    overwrite_page(path, 1)
    assert {each.lost for each in salvage(tmp_path).tables} == {None}
    async with await Database.open(path) as database:
        # Rows of `boot` look like those of another table, so it has the row of a new database.
        assert await database.read("SELECT count(*) FROM boot") == [(1,)]
    for name in ("cluster", "registry_entries", "open_requests"):
        assert contents(path)[name] == before[name]


@pytest.mark.parametrize("seed", [0, 2, 4, 7])
async def test_whatever_is_damaged_a_sound_database_comes_of_it_or_the_file_is_left(
    tmp_path: Path, seed: int
) -> None:
    path = await filled(tmp_path)
    rng = random.Random(seed)
    pages = path.stat().st_size // 4096
    for number in rng.sample(range(2, pages + 1), 1 + seed):
        overwrite_page(path, number)
    damaged, there = path.read_bytes(), contents_or_none(path)
    try:
        done = salvage(tmp_path)
    except CorruptStore:
        assert path.read_bytes() == damaged
        return
    assert done.kept is not None
    assert done.kept.read_bytes() == damaged
    async with await Database.open(path) as database:
        assert await database.read("PRAGMA integrity_check") == [("ok",)]
    for lines in done.tables:
        assert there is None or lines.kept == len(there[lines.name])


def names_in(folder: Path) -> list[str]:
    return [entry.name for entry in folder.iterdir()]


def contents_or_none(path: Path) -> dict[str, list[tuple[object, ...]]] | None:
    try:
        return contents(path)
    except sqlite3.DatabaseError:
        return None


@pytest.mark.parametrize("page", [1, None], ids=["without a first page", "with it"])
async def test_a_salvaged_database_does_not_say_that_it_has_seen_all(
    tmp_path: Path, page: int | None
) -> None:
    path = await filled(tmp_path)
    async with await Database.open(path) as database:
        await database.write("INSERT INTO registry_context VALUES ('n2', 5)")
    if page is not None:
        overwrite_page(path, page)
    done = salvage(tmp_path)
    assert contents(path)["registry_context"] == []
    assert len(contents(path)["registry_entries"]) == ROWS
    assert "registry_context" not in {each.name for each in done.tables}


async def test_writes_that_are_still_in_the_write_ahead_log_are_kept(tmp_path: Path) -> None:
    there = tmp_path / "there"
    there.mkdir()
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write("INSERT INTO cluster VALUES ('late', 1)")
        for suffix in ("", "-wal"):
            (there / f"{DATABASE}{suffix}").write_bytes((tmp_path / f"{DATABASE}{suffix}").read_bytes())
    assert table(salvage(there), "cluster").kept == 1
    with closing(sqlite3.connect(there / DATABASE)) as connection:
        assert connection.execute("SELECT key FROM cluster").fetchall() == [("late",)]


async def test_a_file_that_is_no_database_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"a shopping list\n" * 1000)
    with pytest.raises(CorruptStore, match="not even one row"):
        salvage(tmp_path)
    assert names_in(tmp_path) == [DATABASE]


def test_a_running_node_keeps_its_database(tmp_path: Path) -> None:
    with owned(tmp_path), pytest.raises(StoreFailed, match="another node runs"):
        salvage(tmp_path)
