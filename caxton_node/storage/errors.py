"""What can go wrong with the store, besides a file that is damaged (`core.errors.CorruptStore`)."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from caxton_node.core.errors import CorruptStore, LocalError, StateError

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


def corrupt(path: Path, said: str) -> CorruptStore:
    """Return the error for a damaged file: which file, what SQLite said, what to do."""
    return CorruptStore(
        f"{path} is damaged",
        why=f"SQLite says: {said}",
        hint=f"nothing was changed; restore a backup over it, or keep what is left with "
        f"`sqlite3 {path} .recover | sqlite3 recovered.db`",
    )


def translate(path: Path, error: Exception) -> CorruptStore | StoreFailed | WriteRefused:
    """Return our error for one of the sqlite3 module's; raise it `from` the original."""
    said = str(error)
    if isinstance(error, sqlite3.IntegrityError) or not isinstance(error, sqlite3.Error):
        return WriteRefused("the database refused a write", why=said)
    if any(words in said for words in _DAMAGED):
        return corrupt(path, said)
    return StoreFailed(
        f"the database {path} cannot be used", why=f"SQLite says: {said}", hint=_hint(said, path)
    )


def _hint(said: str, path: Path) -> str:
    if "locked" in said:
        return "another process is using it; is a second daemon running with the same data directory?"
    if "full" in said:
        return f"free space on the disk that holds {path.parent}"
    return f"check that {path.parent} exists and that this user may write there"
