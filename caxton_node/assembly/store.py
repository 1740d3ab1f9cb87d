"""First, since everything later reads what it kept; and a corrupt file must stop the node early."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from caxton_node import __version__
from caxton_node.assembly.ground import Ground
from caxton_node.cluster.joining import DATABASE
from caxton_node.cluster.store import ClusterStore
from caxton_node.operations.components import StorageCheck, check_disk
from caxton_node.security import Tokens
from caxton_node.settings import change_log_of
from caxton_node.storage import Database, owned
from caxton_node.storage.backups import Maker
from caxton_node.storage.service import StorageService


@dataclass(frozen=True, slots=True)
class Store:
    """The database, and what is read of it at once.

    Attributes:
        database: Of this node.
        storage: Its backups and checks.
        tokens: Of clients and newcomers.
        members: The last view of the cluster.
        epoch: Boot counter of this node.
    """

    database: Database
    storage: StorageService
    tokens: Tokens
    members: ClusterStore
    epoch: int

    @classmethod
    async def open(cls, ground: Ground) -> Self:
        """Take the data directory for this process alone, and open what is in it.

        Raises:
            CaxtonError: Another node has it, the database is damaged, or it belongs to another node.
        """
        files, stack = ground.files, ground.stack
        data_dir = ground.config.data.dir
        stack.enter_context(owned(data_dir))
        change_log = change_log_of(ground.config)
        opened = await Database.open(data_dir / DATABASE, change_log=change_log)
        database = await stack.enter_async_context(opened)
        await stack.enter_async_context(ground.last)
        ground.health.add({"storage": StorageCheck(database), "disk": check_disk(data_dir)})
        members = ClusterStore(database)
        await members.claim(files.node_id, files.cluster)
        maker = Maker(files.node_id, files.cluster, __version__)
        storage = StorageService(database.path, data_dir, maker, change_log)
        await storage.open()
        stack.push_async_callback(storage.close)
        # Seconds since 1970 at least, so that a store restored from a backup cannot bring an old epoch back.
        epoch = await members.raise_epoch(ground.clock.unix_us() // 1_000_000)
        return cls(database, storage, Tokens(database, ground.clock), members, epoch)
