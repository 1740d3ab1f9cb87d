"""Put another file in the place of the database, and keep the old one beside it.

The steps are such that a crash between any two of them loses nothing: the old file has its second name before
its write-ahead log is moved (a log must never meet a database that it does not belong to), and a database
that waits for its place under the name `caxton.db.new` keeps a node from starting without it.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from caxton_node.storage.errors import failed

BESIDE = ("-wal", "-shm")


def discard(path: Path) -> None:
    """Remove a database that was not finished, with what SQLite left beside it.

    All of it: the next database of this name would take the write-ahead log for its own.

    Raises:
        StoreFailed: The folder cannot be written.
    """
    with told(path.parent):
        for suffix in ("", *BESIDE):
            path.with_name(path.name + suffix).unlink(missing_ok=True)


def waiting_of(path: Path) -> Path:
    """Return the name under which a finished database waits for its place."""
    return path.with_name(f"{path.name}.new")


def finish_half_done(path: Path) -> None:
    """Let the database that waits for this place have it, if a crash kept it from that.

    Raises:
        StoreFailed: The folder cannot be written.
    """
    if waiting_of(path).exists():
        with told(path.parent):
            _take_place(path, "replaced")


def put_in_place(made: Path, path: Path, *, because: str) -> Path | None:
    """Let a file take the place of a database that nobody has open.

    Args:
        made: The new database, a single file in the same folder; it is gone afterwards.
        path: The place.
        because: Word in the name that the old file gets.

    Returns:
        Where the old file is now; None if there was none.

    Raises:
        StoreFailed: The folder cannot be written; the old file is still there under one name or both.
    """
    with told(path.parent):
        sync_file(made)
        made.replace(waiting_of(path))
        return _take_place(path, because)


@contextmanager
def told(folder: Path) -> Iterator[None]:
    """Tell what the system does not let us do in a folder as an error of the store."""
    try:
        yield
    except OSError as err:
        raise failed(folder, err.strerror or str(err)) from err


def sync_file(path: Path) -> None:
    """Bring a file to the disk."""
    file = os.open(path, os.O_RDONLY)
    try:
        os.fsync(file)
    finally:
        os.close(file)


def sync_folder(path: Path) -> None:
    """Bring the names in a folder to the disk."""
    sync_file(path)


def _take_place(path: Path, because: str) -> Path | None:
    kept = _keep(path, because)
    waiting_of(path).replace(path)
    sync_folder(path.parent)
    return kept


def _keep(path: Path, because: str) -> Path | None:
    """Give what is there another name, a write-ahead log that lost its database included."""
    found = [suffix for suffix in ("", *BESIDE) if path.with_name(path.name + suffix).exists()]
    if not found:
        return None
    kept = _free_name(path, because)
    if "" in found:
        os.link(path, kept)
    for suffix in found:
        if suffix:
            path.with_name(path.name + suffix).rename(kept.with_name(kept.name + suffix))
    sync_folder(path.parent)
    return kept


def _free_name(path: Path, because: str) -> Path:
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    name, number = path.with_name(f"{path.name}.{because}-{stamp}"), 1
    while name.exists():
        number += 1
        name = path.with_name(f"{path.name}.{because}-{stamp}-{number}")
    return name
