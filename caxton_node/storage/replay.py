"""Which changes lead from a backup to a moment, and their replay."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from caxton_node.core.clock import utc_text
from caxton_node.storage.change_record import Change
from caxton_node.storage.change_segments import Segment
from caxton_node.storage.errors import BackupUnusable, MomentUnreachable
from caxton_node.storage.manifest import Manifest

_CHANGES_PER_COMMIT = 512


@dataclass(slots=True)
class Replayed:
    """How far a replay came.

    Attributes:
        changes: Groups that were run.
        sequence: Of the last one, or of the backup.
        at_unix_us: When that one was committed, or the backup made.
    """

    changes: int
    sequence: int
    at_unix_us: int


def changes_until(segments: Iterable[Segment], base: Manifest, to_unix_us: int) -> Iterator[Change]:
    """Yield what was committed after a backup and not after a moment, in order.

    Raises:
        MomentUnreachable: Something between the two is not in the log.
    """
    sequence, at_unix_us = base.sequence, base.created_unix_us
    for segment in segments:
        if segment.head.after > sequence and at_unix_us < to_unix_us:
            raise _gap(at_unix_us, segment.head.opened_unix_us, to_unix_us)
        for change in segment.changes():
            if change.at_unix_us > to_unix_us:
                return
            if change.sequence > sequence:
                yield change
                sequence, at_unix_us = change.sequence, change.at_unix_us


def replay(path: Path, base: Manifest, changes: Iterable[Change]) -> Replayed:
    """Run changes on a copy of a backup.

    Raises:
        BackupUnusable: A change does not fit; the copy is to be thrown away.
        MomentUnreachable: As of `changes_until`.
    """
    done = Replayed(0, base.sequence, base.created_unix_us)
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.execute("PRAGMA synchronous = OFF")  # the file is synced when it is complete
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("BEGIN")
        for change in changes:
            _run(connection, change)
            done = Replayed(done.changes + 1, change.sequence, change.at_unix_us)
            if done.changes % _CHANGES_PER_COMMIT == 0:
                connection.execute("COMMIT")
                connection.execute("BEGIN")
        connection.execute("COMMIT")
    return done


def _run(connection: sqlite3.Connection, change: Change) -> None:
    try:
        for sql, parameters in change.statements():
            connection.execute(sql, parameters)
    except (sqlite3.Error, ValueError, TypeError) as err:
        raise BackupUnusable(
            f"change {change.sequence} of {utc_text(change.at_unix_us)} cannot be run on this backup",
            why=str(err),
            hint=f"restore to the moment before it: --to {utc_text(change.at_unix_us - 1)}",
        ) from err


def _gap(from_unix_us: int, until_unix_us: int, to_unix_us: int) -> MomentUnreachable:
    wanted = "its end" if to_unix_us >= 2**62 else utc_text(to_unix_us)
    return MomentUnreachable(
        f"the change log does not lead to {wanted}",
        why=f"it says nothing of the time between {utc_text(from_unix_us)} and {utc_text(until_unix_us)}",
        hint=f"the last moment before that can be had: --to {utc_text(from_unix_us)}",
    )
