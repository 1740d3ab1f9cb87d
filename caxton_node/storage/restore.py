"""Put a backup in the place of a database, brought forward by the change log to any moment since.

Done offline, by the command that holds the data directory. The new file is complete and checked before the
old one is touched, and the old one is kept beside it.
"""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from caxton_node.core.clock import utc_text
from caxton_node.storage import integrity
from caxton_node.storage.backups import find_backup, list_backups, verify_backup
from caxton_node.storage.change_segments import Segment, list_segments
from caxton_node.storage.change_sequence import leave_behind
from caxton_node.storage.claims import void_join_tokens
from caxton_node.storage.errors import BackupUnusable, MomentUnreachable, StoreOccupied, failed, translate
from caxton_node.storage.layout import DATABASE, backups_of, changes_of
from caxton_node.storage.manifest import Manifest
from caxton_node.storage.ownership import owned
from caxton_node.storage.replay import Replayed, changes_until, replay
from caxton_node.storage.swap import discard, finish_half_done, put_in_place

FOREVER_UNIX_US = 2**62


@dataclass(frozen=True, slots=True)
class Order:
    """What to restore.

    Attributes:
        data_dir: Where to.
        backups: Folder of the backups; None: that of the data directory.
        backup: Id of a backup, or the path of its folder; empty: whichever is best.
        to_unix_us: The moment; None: as late as possible, or the backup as it is when one is named.
        force: Replace the database that is there.
    """

    data_dir: Path
    backups: Path | None = None
    backup: str = ""
    to_unix_us: int | None = None
    force: bool = False


@dataclass(frozen=True, slots=True)
class Restored:
    """What was restored.

    Attributes:
        manifest: The backup.
        replayed: How far the change log led on from it.
        kept: Where the database is now that was there; None if there was none.
        skipped: Newer backups that were not whole, and why.
        voided: Join tokens that are void now, since they may have been used up meanwhile.
    """

    manifest: Manifest
    replayed: Replayed
    kept: Path | None
    skipped: tuple[str, ...]
    voided: int


def restore(order: Order) -> Restored:
    """Restore a database.

    Raises:
        StoreOccupied: There is a database, and nobody said that it may be replaced.
        BackupUnusable: The backup is not there or not whole.
        MomentUnreachable: Nothing leads to that moment.
        StoreFailed: A node runs with this data directory, or it cannot be written.
    """
    try:
        order.data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as err:
        raise failed(order.data_dir, err.strerror or str(err)) from err
    with owned(order.data_dir):
        path = order.data_dir / DATABASE
        finish_half_done(path)
        if path.exists() and not order.force:
            raise StoreOccupied(
                f"{path} is there already", hint="say --force to replace it; it is kept beside the new one"
            )
        return _restore(order, path)


def _restore(order: Order, path: Path) -> Restored:
    folder = order.backups or backups_of(order.data_dir)
    place, manifest, skipped = _choose(order, folder)
    made = path.with_name(f".{path.name}.restoring")
    changes = changes_of(place.parent)
    try:
        discard(made)  # of a restore that was killed
        _copy(place / DATABASE, made)
        replayed = _bring_forward(made, manifest, list_segments(changes), order)
        voided = _finish(made, changes, changes_of(backups_of(order.data_dir)))
        kept = put_in_place(made, path, because="replaced")
    finally:
        discard(made)
    return Restored(manifest, replayed, kept, tuple(skipped), voided)


def _choose(order: Order, folder: Path) -> tuple[Path, Manifest, list[str]]:
    """Return the backup that was named, or the newest whole one that is not later than the moment."""
    to_unix_us = FOREVER_UNIX_US if order.to_unix_us is None else order.to_unix_us
    if order.backup:
        place, manifest = find_backup(folder, order.backup)
        if findings := verify_backup(place, manifest):
            raise BackupUnusable(f"the backup {manifest.id} is not whole", why="; ".join(findings))
        if manifest.created_unix_us > to_unix_us:
            raise MomentUnreachable(f"the backup {manifest.id} is later than {utc_text(to_unix_us)}")
        return place, manifest, []
    known = list_backups(folder)
    skipped: list[str] = []
    for manifest in reversed([each for each in known if each.created_unix_us <= to_unix_us]):
        findings = verify_backup(folder / manifest.id, manifest)
        if not findings:
            return folder / manifest.id, manifest, skipped
        skipped.append(f"{manifest.id}: {'; '.join(findings)}")
    raise _nothing(folder, known, skipped)


def _nothing(folder: Path, known: list[Manifest], skipped: list[str]) -> BackupUnusable | MomentUnreachable:
    if skipped:
        return BackupUnusable(f"no backup in {folder} is whole", why="; ".join(skipped))
    if known:
        earliest = utc_text(known[0].created_unix_us)
        return MomentUnreachable(
            "no backup is old enough", why=f"the oldest is of {earliest}", hint=f"--to {earliest} or later"
        )
    return BackupUnusable(f"there is no backup in {folder}", hint="name another folder with --backups DIR")


def _copy(source: Path, target: Path) -> None:
    try:
        target.touch(mode=0o600)
        shutil.copyfile(source, target)
    except OSError as err:
        raise failed(target.parent, err.strerror or str(err)) from err


def _bring_forward(made: Path, manifest: Manifest, segments: Iterable[Segment], order: Order) -> Replayed:
    if order.backup and order.to_unix_us is None:
        return Replayed(0, manifest.sequence, manifest.created_unix_us)
    to_unix_us = FOREVER_UNIX_US if order.to_unix_us is None else order.to_unix_us
    try:
        return replay(made, manifest, changes_until(segments, manifest, to_unix_us))
    except sqlite3.Error as err:
        raise translate(made, err) from err


def _finish(made: Path, *logs: Path) -> int:
    """Check the file, make void what may be used up, and leave behind what was ever logged.

    Args:
        made: The file.
        logs: The log that was replayed, and that of the data directory, which is the one that goes on.
    """
    try:
        with closing(sqlite3.connect(made, isolation_level=None)) as connection:
            integrity.check(connection, made)
            leave_behind(connection, *logs)
            return void_join_tokens(connection)
    except sqlite3.Error as err:
        raise translate(made, err) from err
