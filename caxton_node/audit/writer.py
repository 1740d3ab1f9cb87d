"""Puts records into files: chained, synchronous, and either whole or not at all. One thread at a time.

A file is only ever appended to. After a crash the half line at its end stays as it is; the next file begins
with a record that says how many bytes were torn, and their hash, so that a tear can be told from a cut.

When a log is opened that ends before its head, the chain goes on behind the head and not behind what is left:
the gap stays in the log whatever is written afterwards, and closes when the records are put back.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

from caxton_node.audit.chain import GENESIS, seal
from caxton_node.audit.files import (
    HEAD,
    Ending,
    Head,
    LogFile,
    ending_of,
    log_files,
    name_of,
    read_head,
    write_head,
)
from caxton_node.audit.record import BEGUN, CUT_SEQ, HEAD_GONE, REMOVED, AuditRecord, encode, time_text

DAY_CHARS = len("2026-11-26")
NAMED_MAX = 20


@dataclass(frozen=True, slots=True)
class AuditSettings:
    """Where the log is and how long it is kept.

    Attributes:
        folder: Its files.
        node: Who writes.
        file_bytes_max: A file that is as large is ended.
        retention_days: How long a file is kept after its last record.
    """

    folder: Path
    node: str
    file_bytes_max: int = 64 * 1024 * 1024
    retention_days: int = 90


class Writer:
    """Appends to the log of one node.

    Args:
        settings: Where, and how long.

    Attributes:
        damage: What was wrong with the log when it was opened; empty if nothing was.
    """

    def __init__(self, settings: AuditSettings) -> None:
        self.damage = ""
        self._settings = settings
        self._fd = -1
        self._day = ""
        self._size = 0
        self._seq = 0
        self._hash = ""

    def write(self, records: Sequence[AuditRecord], now_unix_us: int) -> None:
        """Append records in their order and return when they are on disk.

        Raises:
            OSError: The disk did not take them; none of them counts as written, and they may be given again.
        """
        now = time_text(now_unix_us)
        self._make_ready(now)
        self._append(records)
        with suppress(OSError):  # the records are on disk; an older head only sees less
            write_head(self._settings.folder, Head(self._seq, self._hash))

    def close(self) -> None:
        """Let go of the file; a later `write` opens it again."""
        fd, self._fd = self._fd, -1
        if fd >= 0:
            os.close(fd)

    def _make_ready(self, now: str) -> None:
        day = now[:DAY_CHARS]
        if self._fd < 0:
            self._open(now)
        elif os.fstat(self._fd).st_nlink == 0:  # somebody has removed the file that is written to
            self._begin(now, {"file_gone": "yes"})
        elif day > self._day or self._size >= self._settings.file_bytes_max:
            self._begin(now, {})

    def _open(self, now: str) -> None:
        """Go on where the log ends: in its last file, or in a new one if that is torn, full or old."""
        folder = self._settings.folder
        last, end = _last_whole(folder)
        self._seq, self._hash = end.seq, end.hash
        detail = {"torn_file": last.path.name, **end.torn_detail} if last and end.torn else {}
        detail |= self._compare_head(end)
        is_today = last is not None and last.day == now[:DAY_CHARS]
        if last is not None and is_today and not detail and end.whole_bytes < self._settings.file_bytes_max:
            self._fd = os.open(last.path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
            self._day, self._size = last.day, end.whole_bytes
        else:
            self._begin(now, detail)

    def _compare_head(self, end: Ending) -> dict[str, str]:
        """Go on behind the head if the log ends before it; tell what is to be written of that.

        The head is written when its record is on disk, so no crash leaves a log that ends before it.
        """
        head = read_head(self._settings.folder)
        if head is None:
            if end.seq == 0:
                return {}
            self.damage = f"{HEAD} is missing or unreadable, so that a cut at the end would not show"
            return {HEAD_GONE: "yes"}
        if end.seq > head.seq or (end.seq, end.hash) == (head.seq, head.hash):
            return {}
        self.damage = f"the log ends with record {end.seq:,}, and {head.seq:,} were written"
        if end.seq == head.seq:
            self.damage = f"record {end.seq:,} is another one than was written"
        self._seq, self._hash = head.seq, head.hash
        return {CUT_SEQ: str(end.seq), "cut_hash": end.hash}

    def _begin(self, now: str, detail: dict[str, str]) -> None:
        """Begin a file with a record that says what was before, and let files go that are old."""
        self.close()
        self._settings.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self._seq == 0:  # from the first record on, a head that is missing was taken away
            write_head(self._settings.folder, Head(0, GENESIS))
        day = now[:DAY_CHARS]
        path = self._settings.folder / name_of(self._seq + 1, day)
        self._fd = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        self._day, self._size = day, 0
        try:
            self._append([self._own_record(now, BEGUN, {"former": self._hash, **detail})])
        except OSError:
            self.close()
            path.unlink(missing_ok=True)
            raise
        self._sync_folder()
        self._let_go(now)

    def _append(self, records: Sequence[AuditRecord]) -> None:
        seq, hash_hex, lines = self._seq, self._hash, []
        for record in records:
            seq += 1
            record.seq = seq
            line, hash_hex = seal(hash_hex, encode(record))
            lines.append(line)
        data = b"".join(lines)
        try:
            _write_all(self._fd, data)
            os.fdatasync(self._fd)
        except OSError:
            self._take_back()
            raise
        self._seq, self._hash, self._size = seq, hash_hex, self._size + len(data)

    def _take_back(self) -> None:
        """Cut off what did not get whole; if even that fails the file is left as if the process had died."""
        try:
            os.ftruncate(self._fd, self._size)
        except OSError:
            self.close()

    def _let_go(self, now: str) -> None:
        """Remove files whose last record is older than the retention: each is older than the next file."""
        files = log_files(self._settings.folder)
        today = datetime.fromisoformat(now[:DAY_CHARS]).replace(tzinfo=UTC)
        oldest = (today - timedelta(days=self._settings.retention_days)).date().isoformat()
        gone = [file for file, following in pairwise(files) if following.day < oldest]
        if not gone:
            return
        through = files[len(gone)].first_seq - 1
        names = ", ".join(file.path.name for file in gone[:NAMED_MAX])
        detail = {"through": str(through), "files": str(len(gone)), "names": names}
        self._append([self._own_record(now, REMOVED, detail)])
        for file in gone:
            file.path.unlink(missing_ok=True)

    def _own_record(self, now: str, operation: str, detail: dict[str, str]) -> AuditRecord:
        return AuditRecord(0, now, operation, node=self._settings.node, detail=detail)

    def _sync_folder(self) -> None:
        fd = os.open(self._settings.folder, os.O_RDONLY | os.O_DIRECTORY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def _last_whole(folder: Path) -> tuple[LogFile | None, Ending]:
    """Return the last file with a record in it, and how it ends.

    A file that was torn before its first record was whole gives its name up, not its bytes.
    """
    for file in reversed(log_files(folder)):
        end = ending_of(file.path.read_bytes())
        if end.seq:
            return file, end
        file.path.replace(file.path.with_suffix(".torn"))
    return None, Ending()


def _write_all(fd: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(fd, view) :]
