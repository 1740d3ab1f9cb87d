"""The backups of a node: one folder each, complete as soon as it has its name.

    backups/20261126T100000Z/caxton.db, manifest.json
    backups/changes/...log                              the change log, which leads on from any of them

Everything here blocks; `service.py` calls it on a thread, the offline commands directly.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from caxton_node.core.shown import show
from caxton_node.storage import integrity, migrate
from caxton_node.storage.errors import BackupUnusable, NoSuchBackup, StoreFailed, failed
from caxton_node.storage.layout import CHANGES, DATABASE
from caxton_node.storage.manifest import BackupFile, Manifest, read_manifest, write_manifest
from caxton_node.storage.snapshot import copy_database, digest_of
from caxton_node.storage.swap import sync_file, sync_folder, told

_SPARE_BYTES = 16 * 1024 * 1024
_PART = ".part"


@dataclass(frozen=True, slots=True)
class Maker:
    """Who makes a backup; stands in its manifest."""

    node: str
    cluster: str
    caxton: str


def list_backups(folder: Path) -> list[Manifest]:
    """Return the backups of a folder, the oldest first; what cannot be read is left out."""
    found = []
    for entry in _entries(folder):
        try:
            found.append(read_manifest(entry))
        except BackupUnusable:
            continue
    return sorted(found, key=lambda each: each.created_unix_us)


def find_backup(folder: Path, wanted: str) -> tuple[Path, Manifest]:
    """Return where a backup is and what it says of itself.

    Args:
        folder: Of the backups.
        wanted: Id of one, or the path of its folder.

    Raises:
        BackupUnusable: There is no such backup.
    """
    if "/" not in wanted:
        return find_backup_of(folder, wanted)
    place = Path(wanted).absolute()
    return find_backup_of(place.parent, place.name)


def find_backup_of(folder: Path, backup_id: str) -> tuple[Path, Manifest]:
    """Return where a backup of this folder is and what it says of itself, for who may not name paths.

    Raises:
        NoSuchBackup: There is no such backup.
    """
    place = next((entry for entry in _entries(folder) if entry.name == backup_id), None)
    if place is None:
        known = ", ".join(each.id for each in list_backups(folder)) or "none"
        raise NoSuchBackup(f"there is no backup {show(backup_id)}", why=f"{folder} has {known}")
    return place, read_manifest(place)


def create_backup(
    database: Path, folder: Path, maker: Maker, is_stopped: Callable[[], bool] = lambda: False
) -> Manifest:
    """Make a backup of a database, which may be in use.

    Raises:
        CorruptStore: The database is damaged.
        StoreFailed: There is no room, or the folder cannot be written; nothing is left of it.
    """
    _check_room(database, folder)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part = folder / f".{datetime.now(UTC):%Y%m%dT%H%M%S%f}{_PART}"
        part.mkdir(mode=0o700)
        try:
            return _fill(database, part, maker, is_stopped)
        except BaseException:
            shutil.rmtree(part, ignore_errors=True)
            raise
    except OSError as err:
        raise failed(folder, err.strerror or str(err)) from err


def verify_backup(place: Path, manifest: Manifest) -> list[str]:
    """Read a backup from end to end; return what is wrong with it, nothing if it is whole."""
    findings = [finding for file in manifest.files for finding in _compare(place / file.name, file)]
    if findings:
        return findings
    return _inspect(place / DATABASE, manifest)


def remove_unfinished(folder: Path) -> None:
    """Remove what is left of backups that were interrupted."""
    with told(folder):
        if folder.is_dir():
            for entry in folder.iterdir():
                if entry.name.startswith(".") and entry.name.endswith(_PART):
                    shutil.rmtree(entry, ignore_errors=True)


def _entries(folder: Path) -> list[Path]:
    with told(folder):
        return sorted(
            entry
            for entry in (folder.iterdir() if folder.is_dir() else ())
            if entry.is_dir() and not entry.name.startswith(".") and entry.name != CHANGES
        )


def _check_room(database: Path, folder: Path) -> None:
    place = folder if folder.exists() else folder.parent
    needed = database.stat().st_size + _SPARE_BYTES
    free = shutil.disk_usage(place).free
    if free < needed:
        raise StoreFailed(
            f"there is no room for a backup in {folder}",
            why=f"it needs {needed // 2**20} MiB, and {free // 2**20} MiB are free",
            hint="remove old backups there, or free space on that disk",
        )


def _fill(database: Path, part: Path, maker: Maker, is_stopped: Callable[[], bool]) -> Manifest:
    target = part / DATABASE
    copied = copy_database(database, target, is_stopped)
    sync_file(target)
    place = _free_place(part.parent, copied.at_unix_us)
    manifest = Manifest(
        id=place.name,
        node=maker.node,
        cluster=maker.cluster,
        caxton=maker.caxton,
        schema=copied.schema,
        created_unix_us=copied.at_unix_us,
        sequence=copied.sequence,
        files=(BackupFile(DATABASE, target.stat().st_size, digest_of(target)),),
    )
    write_manifest(part, manifest)
    for path in part.iterdir():
        sync_file(path)
    sync_folder(part)
    part.rename(place)
    sync_folder(place.parent)
    return manifest


def _free_place(folder: Path, at_unix_us: int) -> Path:
    stamp = f"{datetime.fromtimestamp(at_unix_us // 1_000_000, UTC):%Y%m%dT%H%M%SZ}"
    place, number = folder / stamp, 1
    while place.exists():
        number += 1
        place = folder / f"{stamp}-{number}"
    return place


def _compare(path: Path, file: BackupFile) -> list[str]:
    if not path.is_file():
        return [f"{file.name} is missing"]
    if path.stat().st_size != file.size_bytes:
        return [f"{file.name} has {path.stat().st_size} bytes and should have {file.size_bytes}"]
    if digest_of(path) != file.sha256:
        return [f"{file.name} is not what was written: its SHA-256 differs"]
    return []


def _inspect(path: Path, manifest: Manifest) -> list[str]:
    with closing(integrity.connect_immutable(path)) as connection:
        findings = integrity.find_damage(connection)
        if findings:
            return findings
        schema = len(migrate.read_ledger(connection))
    if schema != manifest.schema:
        return [f"{path.name} has schema {schema}, and the manifest says {manifest.schema}"]
    return []
