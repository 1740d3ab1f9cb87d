"""Files that are there whole or not at all: written beside their place, made durable, renamed into it."""

from __future__ import annotations

import os
from pathlib import Path

from certs.errors import MissingFile, UnreadableFile

SECRET = 0o600
PUBLIC = 0o644


def write(path: Path, data: bytes, mode: int) -> None:
    """Replace one file.

    Raises:
        OSError: It cannot be written; the old one is still whole.
    """
    write_beside(path, data, mode)
    beside(path).replace(path)
    sync_directory(path.parent)


def write_beside(path: Path, data: bytes, mode: int) -> None:
    """Write what is to take a file's place, without taking it yet; a secret is one from its first byte."""
    place = beside(path)
    place.unlink(missing_ok=True)  # O_EXCL below: a left-over file would keep its own, perhaps wider, mode
    descriptor = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())


def beside(path: Path) -> Path:
    """Return where `write_beside` writes."""
    return path.with_name(path.name + ".new")


def sync_directory(directory: Path) -> None:
    """Make renames in a directory durable."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def make_directory(directory: Path) -> None:
    """Make a directory for secrets, if it is not there."""
    directory.mkdir(mode=0o700, parents=True, exist_ok=True)


def remove(path: Path) -> None:
    """Remove a file and what was written beside it, if they are there."""
    for each in (path, beside(path)):
        each.unlink(missing_ok=True)
    if path.parent.exists():
        sync_directory(path.parent)


def read(path: Path) -> bytes:
    """Read a whole file.

    Raises:
        MissingFile: It is not there.
        UnreadableFile: This user may not read it.
    """
    try:
        return path.read_bytes()
    except FileNotFoundError as err:
        raise MissingFile(f"{path} is not there") from err
    except OSError as err:
        raise UnreadableFile(f"{path} cannot be read: {err.strerror}") from err
