"""The checks: how each part of a node is, in one function for each.

Failed is what keeps the node from doing its work, and what another node would do better. What a restart or
another node would not mend, such as the smaller side of a split or an agent that traps, is degraded: whoever
runs the cluster should look, and nobody should be sent away.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable
from pathlib import Path
from time import monotonic

from caxton_node.agents.service import AgentService
from caxton_node.cluster.partitions import PartitionView
from caxton_node.cluster.service import Cluster
from caxton_node.operations.findings import Finding, State
from caxton_node.operations.service import Check
from caxton_node.runtime.scheduler import Scheduler
from caxton_node.storage import Database
from caxton_node.trust.expiry import Expiry

MIB = 1024 * 1024
DISK_FAILED_BYTES = 32 * MIB
DISK_LOW_BYTES = 256 * MIB
WRITE_EVERY_S = 10.0
LAG_S = 0.25
NAMES_MAX = 5

_TOUCH = "UPDATE boot SET epoch = epoch WHERE id = 1"


class StorageCheck:
    """Whether the database can be read and written, and is still there.

    A write each second would wear disks for nothing, so one is made every `WRITE_EVERY_S`; between them the
    outcome of the node's own latest write counts, which says more: on a full disk a small one may still fit.

    Args:
        database: Of this node.
        now: Monotonic time in seconds.
    """

    def __init__(self, database: Database, now: Callable[[], float] = monotonic) -> None:
        self._database = database
        self._now = now
        self._inode = database.path.stat().st_ino
        self._write_at = now() + WRITE_EVERY_S

    async def __call__(self) -> Finding:
        """Look at it."""
        if gone := await asyncio.to_thread(self._why_gone):
            return Finding("storage", State.FAILED, gone)
        await self._database.read("SELECT 1")
        if self._now() >= self._write_at:
            self._write_at = self._now() + WRITE_EVERY_S
            await self._database.write(_TOUCH)
        trouble = self._database.counts.trouble
        return Finding("storage", State.FAILED if trouble else State.OK, trouble or str(self._database.path))

    def _why_gone(self) -> str:
        path = self._database.path
        try:
            inode = path.stat().st_ino
        except OSError as err:
            return f"{path} is gone ({err.strerror}): what is written now is lost when the node stops"
        return "" if inode == self._inode else f"{path} is another file than this node has open"


def check_disk(folder: Path) -> Check:
    """Return the check of the space that is left for a folder."""

    async def look() -> Finding:
        free = (await asyncio.to_thread(shutil.disk_usage, folder)).free
        detail = f"{free / MIB:,.0f} MiB free for {folder}"
        if free < DISK_FAILED_BYTES:
            return Finding("disk", State.FAILED, detail)
        return Finding("disk", State.DEGRADED if free < DISK_LOW_BYTES else State.OK, detail)

    return look


def check_audit(trouble: Callable[[], str]) -> Check:
    """Return the check of the audit log; a node that cannot write it goes on, and counts what it loses."""

    async def look() -> Finding:
        reason = trouble()
        return Finding("audit", State.DEGRADED if reason else State.OK, reason or "is written")

    return look


def check_loop(lag_s: Callable[[], float]) -> Check:
    """Return the check of how late the event loop is."""

    async def look() -> Finding:
        lag = lag_s()
        return Finding(
            "event_loop", State.DEGRADED if lag >= LAG_S else State.OK, f"{lag * 1000:.0f} ms late"
        )

    return look


def check_cluster(cluster: Cluster) -> Check:
    """Return the check of which side of a split this is, if the cluster is split."""

    async def look() -> Finding:
        at = cluster.sides.standpoint
        detail = f"{at.view}, {len(at.alive)} members alive"
        if at.view is PartitionView.MAJORITY:
            return Finding("cluster", State.OK, detail)
        return Finding("cluster", State.DEGRADED, f"{detail}, not seen: {_some(at.lost)}")

    return look


def check_mesh(cluster: Cluster) -> Check:
    """Return the check of the links to members that are alive."""

    async def look() -> Finding:
        others = [node for node in cluster.alive_nodes() if node != cluster.node_id]
        linked = cluster.linked()
        missing = [node for node in others if node not in linked]
        if missing:
            return Finding("mesh", State.DEGRADED, f"no link to {_some(missing)}")
        return Finding("mesh", State.OK, f"{len(others)} links")

    return look


def check_agents(agents: AgentService) -> Check:
    """Return the check of the agents; those that come back are waited for, a failed one is its owner's."""

    async def look() -> Finding:
        if awaited := list(agents.awaited()):
            return Finding("agents", State.STARTING, f"waiting for the modules of {_some(awaited)}")
        if failed := list(agents.failed()):
            return Finding("agents", State.DEGRADED, f"failed: {_some(failed)}")
        return Finding("agents", State.OK, "none failed")

    return look


def check_workers(scheduler: Scheduler) -> Check:
    """Return the check of the threads that run agents."""

    async def look() -> Finding:
        alive, total = scheduler.workers_alive()
        if alive < total:
            return Finding(
                "workers", State.FAILED, f"{total - alive} of {total} threads have died", is_fatal=True
            )
        return Finding("workers", State.OK, f"{total} threads")

    return look


def check_certificate(expiry: Expiry) -> Check:
    """Return the check of this node's certificate."""

    async def look() -> Finding:
        found = expiry.health()
        if found.is_ok:
            return Finding("certificate", State.OK, found.detail)
        return Finding("certificate", State.FAILED if found.is_void else State.DEGRADED, found.detail)

    return look


def _some(names: list[str] | tuple[str, ...]) -> str:
    """Name a few."""
    more = len(names) - NAMES_MAX
    return ", ".join(names[:NAMES_MAX]) + (f" and {more} more" if more > 0 else "")
