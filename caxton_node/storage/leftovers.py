"""Rows on pages that the trees of a damaged file do not lead to any more.

When an inner page is gone, the leaves below it are whole and nobody points to them. A leaf belongs to the
table that its rows fit: as many columns, of the types that the STRICT schema demands, every row of the page.
Where several tables fit, it is left alone; pages that are free, or in the tree of another table, are not
looked at.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from caxton_node.storage.pages import Cell, Kind, Pages, Value

Row = dict[str, Value]
_TYPES: Mapping[str, tuple[type, ...]] = {
    "INTEGER": (int,),
    "INT": (int,),
    "REAL": (float, int),
    "TEXT": (str,),
    "BLOB": (bytes,),
    "ANY": (int, float, str, bytes),
}


@dataclass(frozen=True, slots=True)
class Column:
    """One column as the schema has it."""

    name: str
    kind: str
    may_be_null: bool
    may_be_absent: bool
    is_rowid: bool


@dataclass(frozen=True, slots=True)
class Shape:
    """How the rows of a table are stored.

    Attributes:
        name: Of the table.
        leaf: What its leaves are.
        columns: In the order of the record, which has the key first where rows have no numbers.
    """

    name: str
    leaf: Kind
    columns: tuple[Column, ...]

    def row_of(self, cell: Cell) -> Row | None:
        """Return a cell as a row of this table, None if it is none."""
        if len(cell.values) > len(self.columns):
            return None
        row: Row = {}
        for column, value in zip(self.columns, cell.values, strict=False):
            actual = cell.rowid if column.is_rowid and value is None else value
            if not _fits(column, actual):
                return None
            row[column.name] = actual
        absent = self.columns[len(cell.values) :]
        return row if all(column.may_be_absent for column in absent) else None


def shapes_of(model: sqlite3.Connection) -> dict[str, Shape]:
    """Return the shape of every table of a database that is whole."""
    found = model.execute(
        "SELECT name, sql FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"
    )
    return {name: _shape_of(model, name, sql) for name, sql in found.fetchall()}


def leftovers(
    pages: Pages, shapes: Mapping[str, Shape], roots: Mapping[str, Sequence[int]], wanted: Sequence[str]
) -> Iterator[tuple[str, Row]]:
    """Yield rows of some tables, whether their trees lead to them or not.

    Args:
        pages: Of the damaged file.
        shapes: Of all tables.
        roots: Where the trees of each table begin, those of its indexes included; empty where nobody knows.
        wanted: The tables.
    """
    taken = pages.free() | {
        page
        for name, starts in roots.items()
        if name not in wanted
        for root in starts
        for page in pages.tree(root)
    }
    indexes = {page for name in wanted for root in list(roots.get(name, ()))[1:] for page in pages.tree(root)}
    for number in range(1, pages.count + 1):
        if number in taken or number in indexes:
            continue
        placed = _place(pages, number, shapes)
        if placed is not None and placed[0] in wanted:
            yield from ((placed[0], row) for row in placed[1])


def _place(pages: Pages, number: int, shapes: Mapping[str, Shape]) -> tuple[str, list[Row]] | None:
    """Return the one table that all rows of a page fit, and the rows."""
    kind, cells = pages.kind(number), pages.cells(number)
    if not cells or kind is None:
        return None
    stored = Kind.INDEX_LEAF if kind is Kind.INDEX_INNER else kind
    fitting = []
    for shape in shapes.values():
        rows = [shape.row_of(cell) for cell in cells] if shape.leaf is stored else [None]
        if None not in rows:
            fitting.append((shape.name, [row for row in rows if row is not None]))
    return fitting[0] if len(fitting) == 1 else None


def _shape_of(model: sqlite3.Connection, name: str, sql: str) -> Shape:
    described = model.execute(f'PRAGMA table_info("{name}")').fetchall()
    numbered = "WITHOUT ROWID" not in sql.upper()
    keys = [row for row in described if row[5]]
    is_alias = numbered and len(keys) == 1 and keys[0][2].upper() == "INTEGER"
    if not numbered:
        described = sorted(described, key=lambda row: (row[5] == 0, row[5] or row[0]))
    columns = tuple(
        Column(
            name=row[1],
            kind=row[2].upper(),
            may_be_null=not row[3] and not row[5],
            may_be_absent=row[4] is not None or not row[3],
            is_rowid=is_alias and bool(row[5]),
        )
        for row in described
    )
    return Shape(name, Kind.TABLE_LEAF if numbered else Kind.INDEX_LEAF, columns)


def _fits(column: Column, value: Value) -> bool:
    if value is None:
        return column.may_be_null
    return isinstance(value, _TYPES.get(column.kind, ()))
