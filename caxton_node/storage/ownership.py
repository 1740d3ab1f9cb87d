"""One daemon for one data directory, by a lock that the kernel lets go of when its holder ends in any way."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from caxton_node.storage.errors import StoreFailed


@contextmanager
def owned(data_dir: Path) -> Iterator[None]:
    """Keep every other daemon out of a data directory for as long as the context lasts.

    The directory itself is locked: a lock file would have to be told apart from one that a dead node left,
    and the management socket, which also tells, is made only when everything else is open.

    Raises:
        StoreFailed: Another daemon has it, or it cannot be opened; nothing in it was touched.
    """
    try:
        held = os.open(data_dir, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as err:
        raise _refused(data_dir, err.strerror or str(err), "check that it exists and is yours") from err
    try:
        _lock(held, data_dir)
        yield
    finally:
        os.close(held)


def _lock(held: int, data_dir: Path) -> None:
    try:
        fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as err:
        why, hint = "another node runs with this data directory", "stop it, or choose another --data-dir"
        raise _refused(data_dir, why, hint) from err


def _refused(data_dir: Path, why: str, hint: str) -> StoreFailed:
    return StoreFailed(f"the data directory {data_dir} cannot be used", why=why, hint=hint)
