"""What a running node does with its store besides using it: check it, back it up, sync its change log.

All of it happens on one thread of its own and through connections of its own, so neither the event loop nor
the writer waits. There is one check or backup at a time, and few may wait: each reads the whole file.
"""

from __future__ import annotations

import asyncio
import sqlite3
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path
from threading import Event
from typing import TypeVar

from caxton_node.core.errors import CaxtonError
from caxton_node.storage import integrity
from caxton_node.storage.backups import (
    Maker,
    create_backup,
    find_backup_of,
    list_backups,
    remove_unfinished,
    verify_backup,
)
from caxton_node.storage.change_log import ChangeLog
from caxton_node.storage.change_segments import prune_before
from caxton_node.storage.errors import StoreBusy, StoreFailed, translate
from caxton_node.storage.layout import backups_of, changes_of
from caxton_node.storage.manifest import Manifest
from caxton_node.storage.snapshot import Stopped

SYNC_INTERVAL_S = 1.0
RETRY_S = 60.0
ASKED_MAX = 4

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check has found.

    Attributes:
        findings: What is wrong, at most 100; nothing if all is well.
        size_bytes: Of the database, its write-ahead log not counted.
        took_s: How long it took.
    """

    findings: tuple[str, ...]
    size_bytes: int
    took_s: float


@dataclass(frozen=True, slots=True)
class BackupCounts:
    """What is known of backups and change log without looking at the disk.

    Attributes:
        made_unix_us: When the newest backup was made; 0: there is none.
        logged_bytes: Bytes written to the change log.
        dropped_segments: Segments of it that went for want of room.
        is_grounded: A backup leads into the log as it is now.
    """

    made_unix_us: int
    logged_bytes: int
    dropped_segments: int
    is_grounded: bool


class StorageService:
    """Use `open` and `close`; every other method may be called in between.

    Args:
        path: The database file.
        data_dir: Where the backups go.
        maker: Stands in the manifests.
        change_log: Of the database; None: none is kept.

    Attributes:
        trouble: Why the backup that the change log needs could not be made; empty if it could.
    """

    def __init__(self, path: Path, data_dir: Path, maker: Maker, change_log: ChangeLog | None = None) -> None:
        self.trouble = ""
        self._path = path
        self._folder = backups_of(data_dir)
        self._maker = maker
        self._log = change_log
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="storage")
        self._stopping = Event()
        self._turn = asyncio.Lock()
        self._asked = 0
        self._checking: sqlite3.Connection | None = None
        self._newest: Manifest | None = None
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Clear away what was interrupted; see that the change log is synced and has a backup to stand on."""
        await self._run(self._clear)
        if self._log is not None:
            self._tasks.append(asyncio.create_task(self._keep_synced(self._log), name="change-log-sync"))
            self._tasks.append(asyncio.create_task(self._ground(), name="change-log-ground"))

    async def close(self) -> None:
        """Break off what is under way."""
        self._stopping.set()
        if self._checking is not None:
            self._checking.interrupt()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await asyncio.to_thread(self._thread.shutdown)

    async def check(self) -> Checked:
        """Read the whole database and compare every index with its table.

        Raises:
            StoreBusy: Too many wait for a check or a backup already.
            StoreFailed: It cannot be read, or this node is shutting down.
        """
        return await self._alone(self._check)

    async def create_backup(self) -> Manifest:
        """Make a backup, and drop what the change log has from before the oldest one.

        Raises:
            StoreBusy: Too many wait for a check or a backup already.
            CorruptStore: The database is damaged.
            StoreFailed: There is no room, or this node is shutting down.
        """
        return await self._alone(self._create)

    async def list_backups(self) -> list[Manifest]:
        """Return the backups of this node, the oldest first."""
        return await asyncio.to_thread(list_backups, self._folder)

    async def verify_backup(self, wanted: str) -> tuple[Manifest, list[str]]:
        """Read a backup from end to end; return what is wrong with it.

        Raises:
            BackupUnusable: There is no such backup.
            StoreBusy: Too many wait for a check or a backup already.
        """
        return await self._alone(lambda: self._verify(wanted))

    def counts(self) -> BackupCounts:
        """Return what is known of backups and change log; any thread may ask."""
        log, newest = self._log, self._newest
        made_unix_us, reached = (newest.created_unix_us, newest.sequence) if newest else (0, -1)
        if log is None:
            return BackupCounts(made_unix_us, 0, 0, is_grounded=False)
        grounded = reached >= log.begins
        return BackupCounts(made_unix_us, log.written_bytes, log.dropped_segments, is_grounded=grounded)

    async def _alone(self, work: Callable[[], T]) -> T:
        if self._asked >= ASKED_MAX:
            raise StoreBusy(
                "the store is busy", why="others wait for a check or a backup", hint="try again soon"
            )
        self._asked += 1
        try:
            async with self._turn:
                return await self._run(work)
        except (Stopped, RuntimeError) as err:
            raise StoreFailed("it was broken off", why="this node is shutting down") from err
        except (OSError, sqlite3.Error) as err:
            raise translate(self._path, err) from err
        finally:
            self._asked -= 1

    async def _run(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    def _clear(self) -> None:
        remove_unfinished(self._folder)
        self._newest = next(reversed(list_backups(self._folder)), None)

    def _check(self) -> Checked:
        started_at = time.perf_counter()
        try:
            with closing(integrity.connect_read_only(self._path, any_thread=True)) as connection:
                self._checking = connection
                findings = integrity.find_damage(connection)
        except sqlite3.Error as err:
            if self._stopping.is_set():
                raise Stopped from err
            raise translate(self._path, err) from err
        finally:
            self._checking = None
        return Checked(tuple(findings), self._path.stat().st_size, time.perf_counter() - started_at)

    def _create(self) -> Manifest:
        made = create_backup(self._path, self._folder, self._maker, self._stopping.is_set)
        self._newest = made
        oldest = list_backups(self._folder)[0]
        prune_before(changes_of(self._folder), oldest.sequence)
        return made

    def _verify(self, wanted: str) -> tuple[Manifest, list[str]]:
        place, manifest = find_backup_of(self._folder, wanted)
        return manifest, verify_backup(place, manifest)

    async def _keep_synced(self, log: ChangeLog) -> None:
        while True:
            await asyncio.sleep(SYNC_INTERVAL_S)
            with suppress(OSError):  # the next write meets the same trouble and tells its writer
                await asyncio.to_thread(log.sync)

    async def _ground(self) -> None:
        """Make the backup that the newest chain of the log stands on, once there is room for it."""
        while True:
            try:
                if not self.counts().is_grounded:
                    await self.create_backup()
            except CaxtonError as err:
                self.trouble = str(err)
            else:
                self.trouble = ""
                return
            await asyncio.sleep(RETRY_S)
