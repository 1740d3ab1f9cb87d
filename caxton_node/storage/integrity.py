"""Look at a database file before anything writes to it.

The look goes through a read-only connection, so that a damaged file is still byte for byte what it was when
an operator comes to rescue it. `quick_check` reads every page but does not compare indexes with their tables:
it finds torn and overwritten pages at a fraction of the cost of `integrity_check`, which is for a node that
runs and is asked (`find_damage`).
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from caxton_node.storage.errors import corrupt, translate

BUSY_TIMEOUT_S = 5.0
FINDINGS_MAX = 100


@contextmanager
def open_read_only(path: Path) -> Iterator[sqlite3.Connection]:
    """Open the file for looking only.

    Raises:
        CorruptStore: SQLite finds the file damaged, here or inside the block; it is untouched.
        StoreFailed: The file cannot be opened or is locked.
    """
    try:
        with closing(connect_read_only(path)) as connection:
            yield connection
    except sqlite3.Error as err:
        raise translate(path, err) from err


def connect_read_only(path: Path, *, any_thread: bool = False) -> sqlite3.Connection:
    """Return a connection that cannot write, whatever it is asked to do.

    Args:
        path: The database file.
        any_thread: Another thread may interrupt it.
    """
    uri = f"{path.absolute().as_uri()}?mode=ro"
    return sqlite3.connect(
        uri, uri=True, timeout=BUSY_TIMEOUT_S, isolation_level=None, check_same_thread=not any_thread
    )


def check(connection: sqlite3.Connection, path: Path) -> None:
    """Read every page.

    Raises:
        CorruptStore: A page does not hold what it should; the first few findings are quoted.
    """
    findings = [str(row[0]) for row in connection.execute("PRAGMA quick_check(5)")]
    if findings != ["ok"]:
        raise corrupt(path, "; ".join(" ".join(finding.split()) for finding in findings))


def connect_immutable(path: Path) -> sqlite3.Connection:
    """Return a connection to a file that nobody changes and that is to have no companions beside it."""
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def find_damage(connection: sqlite3.Connection) -> list[str]:
    """Compare indexes with their tables and references with their targets; return at most 100 findings."""
    try:
        rows = [str(row[0]) for row in connection.execute(f"PRAGMA integrity_check({FINDINGS_MAX})")]
        if rows != ["ok"]:
            return [" ".join(row.split()) for row in rows]
        broken = connection.execute("PRAGMA foreign_key_check").fetchmany(FINDINGS_MAX)
    except sqlite3.DatabaseError as err:
        if "interrupted" in str(err):
            raise
        return [str(err)]
    return [
        f"row {rowid} of {table} refers to a row of {parent} that is gone"
        for table, rowid, parent, _ in broken
    ]
