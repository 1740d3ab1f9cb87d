"""What can go wrong with the store, besides a file that is damaged (`core.errors.CorruptStore`)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from caxton_node.core.errors import CapacityError, Category, CorruptStore, LocalError, StateError

_DAMAGED = ("malformed", "not a database", "disk image", "malformed database schema")


class SchemaMismatch(LocalError):
    """The file was written under other migrations than this program has; it was left untouched."""

    code = "SCHEMA_MISMATCH"


class StoreFailed(LocalError):
    """SQLite could not open, read or write the file; nothing of the failed group was stored."""

    code = "STORE_FAILED"


class WriteRefused(StateError):
    """A constraint of the schema forbids the write; nothing of it was stored, others were not disturbed."""

    code = "WRITE_REFUSED"


class BackupUnusable(LocalError):
    """A backup is not there, not whole, or of another format; nothing was changed."""

    code = "BACKUP_UNUSABLE"


class NoSuchBackup(BackupUnusable):
    """No backup has this id; nothing was changed."""

    code = "BACKUP_NOT_FOUND"
    category = Category.NOT_FOUND


class MomentUnreachable(StateError):
    """No backup and change log reach the moment that was asked for; nothing was changed."""

    code = "MOMENT_UNREACHABLE"


class StoreBusy(CapacityError):
    """Checks and backups go one at a time, and too many wait already; nothing was begun."""

    code = "STORE_BUSY"


class StoreOccupied(StateError):
    """There is a database where one should be put; nothing was changed."""

    code = "STORE_OCCUPIED"


def corrupt(path: Path, said: str) -> CorruptStore:
    """Return the error for a damaged file: which file, what SQLite said, what to do."""
    return CorruptStore(
        f"{path} is damaged",
        why=f"SQLite says: {said}",
        hint=f"nothing was changed; put the newest backup in its place with "
        f"`caxton-node backup restore --force --data-dir {path.parent}`, or keep what can still be read with "
        f"`caxton-node salvage --data-dir {path.parent}`",
    )


def translate(path: Path, error: Exception) -> CorruptStore | StoreFailed | WriteRefused:
    """Return our error for one of the sqlite3 module's; raise it `from` the original."""
    said = str(error)
    if isinstance(error, OSError):
        return failed(path, error.strerror or said)
    if isinstance(error, sqlite3.IntegrityError) or not isinstance(error, sqlite3.Error):
        return WriteRefused("the database refused a write", why=said)
    if any(words in said for words in _DAMAGED):
        return corrupt(path, said)
    return StoreFailed(
        f"the database {path} cannot be used", why=f"SQLite says: {said}", hint=_hint(said, path)
    )


def failed(path: Path, said: str) -> StoreFailed:
    """Return the error for a file or folder of the store that the system does not let us use."""
    return StoreFailed(f"{path} cannot be used", why=said, hint=_hint(said, path))


def _hint(said: str, path: Path) -> str:
    if "locked" in said:
        return "another process is using it; is a second daemon running with the same data directory?"
    if "full" in said or "No space" in said:
        return f"free space on the disk that holds {path.parent}"
    return f"check that {path.parent} exists and that this user may write there"
