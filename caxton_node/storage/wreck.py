"""The rows of one table of a damaged database, read around the damage.

Rows are read in the order of the table until a page is in the way. Then those that an index knows are asked
for one by one: what is missing of them is lost, to the row. Where no index can be read, the next readable row
is searched for by ever larger steps and then by halves, and where rows have no numbers the table is read from
its other end.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any

Row = tuple[Any, ...]

_ROWID_MAX = 2**63 - 1


class Wreck:
    """One table.

    Args:
        source: The damaged database.
        model: A database with the same schema that is whole.
        name: Of the table.

    Attributes:
        columns: Those that both have.
        lost: Rows that could not be read, once all were; None: nobody can say how many.
        is_damaged: Something was in the way.
    """

    def __init__(self, source: sqlite3.Connection, model: sqlite3.Connection, name: str) -> None:
        self.lost: int | None = 0
        self.is_damaged = False
        self._source = source
        self._name = name
        described = model.execute(f'PRAGMA table_info("{name}")').fetchall()
        self._key = [row[1] for row in sorted(described, key=lambda row: row[5]) if row[5]]
        self.columns = self._common([row[1] for row in described])
        self._has_rowid = _has_rowid(model, name)
        self._indexes = [row[1] for row in model.execute(f'PRAGMA index_list("{name}")')]

    def rows(self) -> Iterator[Row]:
        """Yield the rows that can be read, each once."""
        if not self.columns:
            self.is_damaged, self.lost = True, None
            return
        key = ["rowid"] if self._has_rowid else self._key
        last: Row | None = None
        try:
            for row in self._scan(key):
                last = row[: len(key)]
                yield row[len(key) :]
        except sqlite3.DatabaseError:
            self.is_damaged = True
        if self.is_damaged:
            yield from self._around(key, last)

    def _around(self, key: Sequence[str], last: Row | None) -> Iterator[Row]:
        """Yield the rows behind the first damage, `last` being the key of the last one before it."""
        known = self._known(key)
        if known is not None:
            yield from self._one_by_one(key, [each for each in known if last is None or each > last])
        elif self._has_rowid:
            yield from self._search(last[0] if last else None)
        else:
            yield from self._from_the_end(key, last)

    def _common(self, wanted: Sequence[str]) -> list[str]:
        try:
            there = {row[1] for row in self._source.execute(f'PRAGMA table_info("{self._name}")')}
        except sqlite3.DatabaseError:
            return []
        return [column for column in wanted if column in there]

    def _select(self, key: Sequence[str]) -> str:
        listed = ", ".join([*key, *(f'"{column}"' for column in self.columns)])
        return f'SELECT {listed} FROM "{self._name}" NOT INDEXED'  # noqa: S608  names of our own schema

    def _scan(self, key: Sequence[str], direction: str = "ASC") -> Iterator[Row]:
        order = ", ".join(f"{column} {direction}" for column in key)
        yield from self._source.execute(f"{self._select(key)} ORDER BY {order}")

    def _known(self, key: Sequence[str]) -> list[Row] | None:
        """Return all keys, in order, as the first index that can be read has them."""
        listed = ", ".join(key)
        for index in self._indexes:
            sql = f'SELECT {listed} FROM "{self._name}" INDEXED BY "{index}"'  # noqa: S608  as above
            try:
                return sorted(self._source.execute(sql))
            except (sqlite3.DatabaseError, TypeError):
                continue
        return None

    def _one_by_one(self, key: Sequence[str], keys: Sequence[Row]) -> Iterator[Row]:
        where = " AND ".join(f"{column} = ?" for column in key)
        sql, lost = f"{self._select([])} WHERE {where}", 0
        for each in keys:
            try:
                row = self._source.execute(sql, each).fetchone()
            except sqlite3.DatabaseError:
                row = None
            if row is None:
                lost += 1
            else:
                yield row
        self.lost = lost

    def _search(self, last: int | None) -> Iterator[Row]:
        """Yield the rows after `last`, hopping over what cannot be read; rowids tell how many are lost."""
        at, lost = -_ROWID_MAX if last is None else last, 0
        while True:
            row = self._next_readable(at)
            if row is None:
                break
            lost += row[0] - at - 1
            at = row[0]
            yield row[1:]
            try:
                for row in self._source.execute(
                    f"{self._select(['rowid'])} WHERE rowid > ? ORDER BY rowid", (at,)
                ):
                    at = row[0]
                    yield row[1:]
                break
            except sqlite3.DatabaseError:
                continue
        self.lost = None if row is None or last is None else lost

    def _next_readable(self, after: int) -> Row | None:
        """Return the first readable row after a damaged one; None if there is none."""
        low, step = after, 1
        while low + step < _ROWID_MAX and self._probe(low + step) is False:
            low, step = low + step, step * 2
        high = min(low + step, _ROWID_MAX)
        while high - low > 1:
            middle = (low + high) // 2
            if self._probe(middle) is False:
                low = middle
            else:
                high = middle
        found = self._probe(high)
        return found if isinstance(found, tuple) else None

    def _probe(self, after: int) -> Row | bool | None:
        """Return the row after a rowid, None if there is none, False if it cannot be read."""
        sql = f"{self._select(['rowid'])} WHERE rowid > ? ORDER BY rowid LIMIT 1"
        try:
            found: Row | None = self._source.execute(sql, (after,)).fetchone()
        except sqlite3.DatabaseError:
            return False
        return found

    def _from_the_end(self, key: Sequence[str], last: Row | None) -> Iterator[Row]:
        self.lost = None
        try:
            for row in self._scan(key, "DESC"):
                if last is not None and row[: len(key)] <= last:
                    return
                yield row[len(key) :]
        except sqlite3.DatabaseError:
            return


def _has_rowid(model: sqlite3.Connection, name: str) -> bool:
    try:
        model.execute(f'SELECT rowid FROM "{name}" LIMIT 0')  # noqa: S608  as above
    except sqlite3.OperationalError:
        return False
    return True
