"""SQL for what the cluster keeps: the boot counter, the members that were seen last, and who counts."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence

from caxton_node.cluster.agreement import Line
from caxton_node.core.errors import InvalidConfig
from caxton_node.storage import Database
from swim import Address, Member, MemberState

MEMBERS_MAX = 256

# Who is dead was last seen when it was last kept as alive.
_KEEP = """
INSERT INTO members (node_id, host, port, state, incarnation, epoch, metadata, seen_unix_ms)
VALUES (:node_id, :host, :port, :state, :incarnation, :epoch, :metadata, :seen_unix_ms)
ON CONFLICT (node_id) DO UPDATE SET
    host = excluded.host, port = excluded.port, state = excluded.state,
    incarnation = excluded.incarnation, epoch = excluded.epoch, metadata = excluded.metadata,
    seen_unix_ms = iif(excluded.state = 'dead', seen_unix_ms, excluded.seen_unix_ms)
"""
_DROP = "DELETE FROM members WHERE node_id = ?"
_TRIM = """
DELETE FROM members WHERE node_id NOT IN
    (SELECT node_id FROM members ORDER BY seen_unix_ms DESC, state != 'alive', node_id LIMIT ?)
"""
_WRITE = "INSERT OR REPLACE INTO agreed (node_id, turn, counts, settled) VALUES (?, ?, ?, ?)"
_UNWRITE = "DELETE FROM agreed WHERE node_id = ?"


class ClusterStore:
    """The tables `boot`, `members` and `agreed` of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._saved_lines: dict[str, Line] | None = None
        self._saving = asyncio.Lock()

    async def claim(self, node_id: str, cluster: str) -> None:
        """Write down whose database this is, or make sure that it is this node's.

        Raises:
            InvalidConfig: It is another node's; nothing was changed.
        """
        insert = "INSERT INTO cluster (key, value) VALUES (?, ?) ON CONFLICT (key) DO NOTHING"
        await self._database.write_many([(insert, ("node", node_id)), (insert, ("cluster", cluster))])
        owner = dict(await self._database.read("SELECT key, value FROM cluster"))
        if (owner["node"], owner["cluster"]) != (node_id, cluster):
            raise InvalidConfig(
                f"{self._database.path} belongs to node {owner['node']} of cluster {owner['cluster']}",
                why=f"this is node {node_id} of cluster {cluster}",
                hint="put back this node's own; without one it starts as one that must be told who counts",
            )

    async def raise_epoch(self, at_least: int) -> int:
        """Raise the boot counter above its last value and to at least `at_least`, durably; return it."""
        await self._database.write("UPDATE boot SET epoch = MAX(epoch + 1, ?) WHERE id = 1", (at_least,))
        ((epoch,),) = await self._database.read("SELECT epoch FROM boot WHERE id = 1")
        return int(epoch)

    async def save_members(self, members: Sequence[Member], now_unix_ms: int) -> None:
        """Keep what is known of these members, at most `MEMBERS_MAX` in all, and drop those that left.

        Others that were kept before stay, those seen last for longest: a node that comes up alone knows
        nobody yet, and must not forget on disk whom to ask.
        """
        gone = [(_DROP, (member.node_id,)) for member in members if member.state is MemberState.LEFT]
        kept = [
            (_KEEP, _row(member, now_unix_ms)) for member in members if member.state is not MemberState.LEFT
        ]
        await self._database.write_many([*gone, *kept[:MEMBERS_MAX], (_TRIM, (MEMBERS_MAX,))])

    async def read_addresses(self) -> list[Address]:
        """Return where the members kept were reached, those seen alive first, the latest of them before."""
        rows = await self._database.read(
            "SELECT host, port FROM members ORDER BY state != 'alive', seen_unix_ms DESC, node_id LIMIT ?",
            (MEMBERS_MAX,),
        )
        return [(str(host), int(port)) for host, port in rows]

    async def read_known(self) -> list[tuple[str, Address]]:
        """Return the members kept with where they were reached, in the order of `read_addresses`."""
        rows = await self._database.read(
            "SELECT node_id, host, port FROM members "
            "ORDER BY state != 'alive', seen_unix_ms DESC, node_id LIMIT ?",
            (MEMBERS_MAX,),
        )
        return [(str(node_id), (str(host), int(port))) for node_id, host, port in rows]

    async def save_book(self, lines: Mapping[str, Line]) -> None:
        """Keep the book of who counts, in place of the former one; only what is new in it is written."""
        async with self._saving:
            saved = await self.read_book() if self._saved_lines is None else self._saved_lines
            kept = dict(lines)
            gone = [(_UNWRITE, (node,)) for node in saved.keys() - kept.keys()]
            new = [(_WRITE, (node, *line)) for node, line in kept.items() if line != saved.get(node)]
            if gone or new:
                await self._database.write_many([*gone, *new])
            self._saved_lines = kept

    async def read_book(self) -> dict[str, Line]:
        """Return the book of who counts; empty if this node has never been told."""
        rows = await self._database.read("SELECT node_id, turn, counts, settled FROM agreed")
        return {
            str(node): Line(int(turn), bool(counts), bool(settled)) for node, turn, counts, settled in rows
        }


def _row(member: Member, now_unix_ms: int) -> dict[str, object]:
    host, port = member.address
    return {
        "node_id": member.node_id, "host": host, "port": port, "state": member.state.value,
        "incarnation": member.incarnation, "epoch": member.epoch, "metadata": member.metadata,
        "seen_unix_ms": now_unix_ms,
    }  # fmt: skip
