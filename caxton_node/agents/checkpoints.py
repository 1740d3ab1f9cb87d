"""What an instance leaves for its successor, and the one place that decides whether a successor may have it.

    guest   what its own `caxton_checkpoint` wrote: fits every version that can restore it
    image   its memory and globals: fits the same module in the same kind of engine

A checkpoint is kept when an agent stops, when the node stops, and as often as its manifest asks for. A
successor that does not take it, or begins without it, starts afresh and the checkpoint is dropped: one that
is broken cannot keep an agent from ever starting, and none comes back after a version that knew none of it.
"""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass
from enum import StrEnum

from caxton_node.observability.logs import get_logger
from caxton_node.storage import Database

_PUT = (
    "INSERT OR REPLACE INTO checkpoints (agent, kind, version, module_sha256, data, taken_unix_ms) "
    "VALUES (?, ?, ?, ?, ?, ?)"
)
_FIND = "SELECT kind, version, module_sha256, data, taken_unix_ms FROM checkpoints WHERE agent = ?"

_log = get_logger("agents")


class Kind(StrEnum):
    """Who made it."""

    GUEST = "guest"
    IMAGE = "image"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of one instance.

    Attributes:
        kind: Who made it.
        version: Of the agent that left it.
        module_sha256: Of its module.
        data: What the guest wrote, or a packed image.
        taken_unix_ms: When.
    """

    kind: Kind
    version: str
    module_sha256: str
    data: bytes
    taken_unix_ms: int

    def fits(self, module_sha256: str, *, can_restore: bool) -> bool:
        """Return whether an instance of this module could take it."""
        return can_restore if self.kind is Kind.GUEST else module_sha256 == self.module_sha256


class CheckpointStore:
    """SQL of checkpoints; the latest of each agent is kept."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def put(self, agent: str, checkpoint: Checkpoint) -> None:
        """Keep a checkpoint of an agent (`tenant/name`) in place of an earlier one."""
        values = (
            agent,
            checkpoint.kind.value,
            checkpoint.version,
            checkpoint.module_sha256,
            await asyncio.to_thread(_pack, checkpoint),
            checkpoint.taken_unix_ms,
        )
        await self._database.write(_PUT, values)

    async def find(self, agent: str) -> Checkpoint | None:
        """Return the latest checkpoint of an agent; one that cannot be read is as good as none."""
        rows = await self._database.read(_FIND, (agent,))
        try:
            return await asyncio.to_thread(_read_row, rows[0]) if rows else None
        except (zlib.error, ValueError) as err:
            _log.warning("a checkpoint cannot be read", agent=agent, reason=str(err))
            return None

    async def drop(self, agent: str) -> None:
        """Forget the checkpoint of an agent."""
        await self._database.write("DELETE FROM checkpoints WHERE agent = ?", (agent,))


def _pack(checkpoint: Checkpoint) -> bytes:
    """Return the bytes to keep; an image is compressed already."""
    return checkpoint.data if checkpoint.kind is Kind.IMAGE else zlib.compress(checkpoint.data, 1)


def _read_row(row: tuple[object, ...]) -> Checkpoint:
    kind, version, sha256, packed, at = row
    data = bytes(packed) if isinstance(packed, bytes) else b""
    if Kind(str(kind)) is Kind.GUEST:
        data = zlib.decompress(data)
    return Checkpoint(Kind(str(kind)), str(version), str(sha256), data, int(str(at)))
