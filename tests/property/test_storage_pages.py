"""Pages read without SQLite hold the rows that SQLite wrote, and noise is no rows and no error."""

from __future__ import annotations

import sqlite3
from contextlib import closing

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.storage.pages import Cell, Kind, Pages

pytestmark = pytest.mark.story("004")

VALUES = st.one_of(
    st.none(),
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(alphabet=st.characters(exclude_categories=["Cs"]), max_size=30),
    st.binary(max_size=30),
    st.sampled_from([489, 4057, 4090, 9000]).map(bytes),  # about the sizes at which a row spills over
)
ROWS = st.lists(st.tuples(VALUES, VALUES), max_size=60)


def image(sql: str, rows: list[tuple[object, ...]], *, size: int = 4096) -> tuple[bytes, int]:
    """Return the bytes of a database with one table, and where its tree begins."""
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute(f"PRAGMA page_size = {size}")
        connection.execute(sql)
        for row in rows:
            connection.execute(f"INSERT OR REPLACE INTO t VALUES ({', '.join('?' * len(row))})", row)
        connection.commit()
        (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = 't'").fetchone()
        return connection.serialize(), root


def rows_in(pages: Pages, root: int) -> list[Cell]:
    found = [pages.cells(number) for number in sorted(pages.tree(root))]
    return [cell for cells in found if cells is not None for cell in cells]


@settings(max_examples=30, deadline=None)
@given(rows=ROWS, ids=st.lists(st.integers(-(2**63), 2**63 - 1), unique=True, min_size=60, max_size=60),
       size=st.sampled_from([512, 4096, 65536]))  # fmt: skip
def test_a_table_is_read_as_it_was_written(
    rows: list[tuple[object, object]], ids: list[int], size: int
) -> None:
    numbered = [(number, *row) for number, row in zip(ids, rows, strict=False)]
    data, root = image("CREATE TABLE t (id INTEGER PRIMARY KEY, a, b)", numbered, size=size)
    found = {cell.rowid: cell.values[1:] for cell in rows_in(Pages(data), root)}
    assert found == {number: (a, b) for number, a, b in numbered}


@settings(max_examples=30, deadline=None)
@given(rows=st.dictionaries(st.binary(min_size=1, max_size=600), VALUES, max_size=60))
def test_a_table_without_row_numbers_is_read_as_it_was_written(rows: dict[bytes, object]) -> None:
    data, root = image("CREATE TABLE t (k BLOB PRIMARY KEY, a) WITHOUT ROWID", list(rows.items()))
    assert {cell.values[0]: cell.values[1] for cell in rows_in(Pages(data), root)} == rows


@settings(max_examples=50, deadline=None)
@given(rows=ROWS, noise=st.binary(min_size=1, max_size=4096), at=st.integers(0, 2**15), data=st.data())
def test_noise_is_no_error(
    rows: list[tuple[object, object]], noise: bytes, at: int, data: st.DataObject
) -> None:
    whole, root = image("CREATE TABLE t (a, b)", rows)
    torn = bytearray(whole)
    at %= len(torn)
    torn[at : at + len(noise)] = noise[: len(torn) - at]
    pages = Pages(bytes(torn[: data.draw(st.integers(0, len(torn)))]))
    pages.free()
    pages.tree(root)
    for number in range(pages.count + 2):
        pages.cells(number)


def test_pages_that_are_free_are_told_from_others() -> None:
    with closing(sqlite3.connect(":memory:")) as connection:
        connection.execute("CREATE TABLE t (a)")
        connection.executemany("INSERT INTO t VALUES (?)", [(bytes(3000),)] * 40)
        connection.execute("CREATE TABLE u (a)")
        connection.commit()
        connection.execute("DROP TABLE t")
        connection.commit()
        (free,) = connection.execute("PRAGMA freelist_count").fetchone()
        pages = Pages(connection.serialize())
    assert len(pages.free()) == free > 30
    assert pages.kind(1) is Kind.TABLE_LEAF
