"""SQL for what the cluster keeps: the boot counter and the members that were seen last."""

from __future__ import annotations

from collections.abc import Sequence

from caxton_node.core.errors import InvalidConfig
from caxton_node.storage import Database
from swim import Address, Member

MEMBERS_MAX = 256


class ClusterStore:
    """The tables `boot` and `members` of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

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
                hint="put back the database of this node, or move this one away to start with an empty one",
            )

    async def raise_epoch(self, at_least: int) -> int:
        """Raise the boot counter above its last value and to at least `at_least`, durably; return it."""
        await self._database.write("UPDATE boot SET epoch = MAX(epoch + 1, ?) WHERE id = 1", (at_least,))
        ((epoch,),) = await self._database.read("SELECT epoch FROM boot WHERE id = 1")
        return int(epoch)

    async def save_members(self, members: Sequence[Member], now_unix_ms: int) -> None:
        """Keep these members, at most `MEMBERS_MAX`, instead of those kept before."""
        insert = (
            "INSERT INTO members (node_id, host, port, state, incarnation, epoch, metadata, seen_unix_ms)"
            " VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
        )
        rows = [
            (m.node_id, *m.address, m.state.value, m.incarnation, m.epoch, m.metadata, now_unix_ms)
            for m in members[:MEMBERS_MAX]
        ]
        await self._database.write_many([("DELETE FROM members", ()), *((insert, row) for row in rows)])

    async def read_addresses(self) -> list[Address]:
        """Return where the members kept were reached, those seen alive first."""
        rows = await self._database.read(
            "SELECT host, port FROM members ORDER BY state != 'alive', node_id LIMIT ?", (MEMBERS_MAX,)
        )
        return [(str(host), int(port)) for host, port in rows]
