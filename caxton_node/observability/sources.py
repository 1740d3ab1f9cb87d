"""Readings of packages that lie below this one and so cannot name their own metrics."""

from __future__ import annotations

from collections.abc import Callable

from caxton_node.observability.board import Reading, reading
from caxton_node.resilience import Limits
from caxton_node.storage import Database
from caxton_node.storage.service import StorageService


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


def backup_source(service: StorageService) -> Callable[[], list[Reading]]:
    """Return a pull function over what is known of a node's backups and change log."""

    def pull() -> list[Reading]:
        counts = service.counts()
        return [
            reading("caxton_backup_made_timestamp_seconds", counts.made_unix_us / 1_000_000),
            reading("caxton_change_log_bytes_total", counts.logged_bytes),
            reading("caxton_change_log_dropped_total", counts.dropped_segments),
            reading("caxton_change_log_grounded", counts.is_grounded),
        ]

    return pull


def limits_source(limits: Limits) -> Callable[[], list[Reading]]:
    """Return a pull function over calls that were refused, and those under way."""

    def pull() -> list[Reading]:
        spent = list(limits.meters.refused.items())
        reasons = [*limits.occupancy.refused.items(), ("late", limits.shedder.refused)]
        return [
            *(reading("caxton_rate_limited_total", n, scope=scope, rate=rate) for (scope, rate), n in spent),
            *(reading("caxton_calls_refused_total", n, reason=reason) for reason, n in reasons),
            reading("caxton_calls_under_way", limits.occupancy.total),
            reading("caxton_loop_lag_seconds", limits.shedder.lag_s),
        ]

    return pull
