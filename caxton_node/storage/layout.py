"""Where the store keeps what in a data directory."""

from __future__ import annotations

from pathlib import Path

DATABASE = "caxton.db"
BACKUPS = "backups"
CHANGES = "changes"
MANIFEST = "manifest.json"


def backups_of(data_dir: Path) -> Path:
    """Return the folder of a node's backups: one folder each, and the change log beside them."""
    return data_dir / BACKUPS


def changes_of(backups: Path) -> Path:
    """Return the folder of the change log that belongs to these backups."""
    return backups / CHANGES
