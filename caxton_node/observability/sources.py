"""Readings of packages that lie below this one and so cannot name their own metrics."""

from __future__ import annotations

from collections.abc import Callable

from caxton_node.observability.board import Reading, reading
from caxton_node.storage import Database


def database_source(database: Database) -> Callable[[], list[Reading]]:
    """Return a pull function over a database's counters."""

    def pull() -> list[Reading]:
        counts = database.counts
        return [
            reading("caxton_sqlite_writes_total", counts.statements),
            reading("caxton_sqlite_refused_total", counts.refused),
            reading("caxton_sqlite_commits_total", counts.groups),
            reading("caxton_sqlite_commit_seconds_total", counts.commit_s),
        ]

    return pull
