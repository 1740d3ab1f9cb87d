"""How far a database says that its change log is: the one row of its table `change_log`."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from caxton_node.storage.change_segments import newest_in


def read_sequence(connection: sqlite3.Connection) -> int:
    """Return the number of the last group that a database has logged."""
    return int(connection.execute("SELECT sequence FROM change_log").fetchone()[0])


def move_on(connection: sqlite3.Connection) -> None:
    """Note that a database was or will be written to without its log, so that its log begins anew.

    By two, since the log may have a record more than the database, of a group that was not committed.
    """
    if _knows_its_log(connection):
        connection.execute("UPDATE change_log SET sequence = sequence + 2 WHERE sequence > 0")


def leave_behind(connection: sqlite3.Connection, *folders: Path) -> None:
    """Number what will be logged of a database from here on after all that these logs have."""
    if _knows_its_log(connection):
        newest = max(map(newest_in, folders), default=0)
        connection.execute("UPDATE change_log SET sequence = max(sequence, ?) + 1", (newest,))


def _knows_its_log(connection: sqlite3.Connection) -> bool:
    """Return whether a database has the table; one from before there was a change log has not."""
    found = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'change_log'").fetchone()
    return found is not None
