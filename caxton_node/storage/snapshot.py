"""Copy a database while it is written to.

The copy holds a read transaction, so it sees one moment however long it takes, and in WAL mode a reader never
keeps the writer waiting. It goes in small steps with a pause after each: the disk belongs to the writer
first. `VACUUM INTO` was rejected: it does all in one step, and gives rows of tables without an integer key
new numbers, after which a change log would not fit the copy.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from caxton_node.storage import integrity, migrate
from caxton_node.storage.change_log import unix_us
from caxton_node.storage.change_sequence import read_sequence
from caxton_node.storage.errors import translate

PAGES_PER_STEP = 256
PAUSE_S = 0.001
_CHUNK_BYTES = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Copied:
    """What a copy holds.

    Attributes:
        at_unix_us: What was committed before this moment.
        sequence: The last group of the change log.
        schema: The last migration.
    """

    at_unix_us: int
    sequence: int
    schema: int


class Stopped(Exception):
    """Whoever wanted the copy does not want it any more."""


def copy_database(source: Path, target: Path, is_stopped: Callable[[], bool] = lambda: False) -> Copied:
    """Copy a database into a new file; blocks, so call it on a thread.

    Raises:
        CorruptStore: The source is damaged.
        StoreFailed: One of the two cannot be used.
        Stopped: `is_stopped` said so.
    """

    def step(_status: int, remaining: int, _total: int) -> None:
        if is_stopped():
            raise Stopped
        if remaining:
            time.sleep(PAUSE_S)

    with integrity.open_read_only(source) as reader:
        reader.execute("BEGIN")
        sequence = read_sequence(reader)  # from here on it sees one moment
        at_unix_us = unix_us()
        schema = len(migrate.read_ledger(reader))
        target.touch(mode=0o600)
        try:
            with closing(sqlite3.connect(target, isolation_level=None)) as writer:
                writer.execute("PRAGMA synchronous = OFF")  # the whole file is synced when it is complete
                reader.backup(writer, pages=PAGES_PER_STEP, progress=step)
        except sqlite3.Error as err:
            raise translate(target, err) from err
    return Copied(at_unix_us, sequence, schema)


def digest_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hex."""
    found = sha256()
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK_BYTES):
            found.update(chunk)
    return found.hexdigest()
