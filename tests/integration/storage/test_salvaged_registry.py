"""What a salvage lost of the registry comes back from a peer, and is not deleted there."""

from __future__ import annotations

from pathlib import Path

import pytest

from caxton_node.registry.replica import Replica
from caxton_node.registry.store import RegistryStore
from caxton_node.registry.tombstones import TOMBSTONE_KEPT_US
from caxton_node.storage import Database
from caxton_node.storage.layout import DATABASE
from caxton_node.storage.salvage import salvage
from tests.support.replicas import compare
from tests.support.stores import overwrite_page, pages_of

pytestmark = pytest.mark.story("004")

NOW_US = 1_700_000_000_000_000
WRITTEN_US = NOW_US - 3 * TOMBSTONE_KEPT_US  # long ago: what is missing now passes for deleted and forgotten
ENTRIES = 1_000


async def test_a_peer_keeps_and_gives_back_what_a_damaged_page_held(tmp_path: Path) -> None:
    peer, node = Replica("peer"), Replica("node")
    for number in range(ENTRIES):
        peer.put("deployment", f"default/agent-{number}", b"x" * 60, WRITTEN_US)
    peer.context.caught_up = True
    compare(node, peer, NOW_US, learns=True)
    await keep(tmp_path, node)
    overwrite_page(tmp_path / DATABASE, pages_of(tmp_path / DATABASE, "registry_entries")[5])
    salvage(tmp_path)
    back = await load(tmp_path)
    assert len(back) < ENTRIES
    compare(back, peer, NOW_US, learns=True)
    assert (len(peer), len(back)) == (ENTRIES, ENTRIES)


async def keep(data_dir: Path, replica: Replica) -> None:
    async with await Database.open(data_dir / DATABASE) as database:
        store = RegistryStore(database)
        await store.save(list(replica.entries()))
        await store.save_context(replica.context.stamps)


async def load(data_dir: Path) -> Replica:
    async with await Database.open(data_dir / DATABASE) as database:
        store, replica = RegistryStore(database), Replica("node")
        replica.load(await store.load(), NOW_US, context=await store.load_context())
        return replica
