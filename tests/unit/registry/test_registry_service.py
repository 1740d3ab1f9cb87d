"""The registry service: several nodes in one process, real databases, a network that can be cut."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from caxton_node.core.errors import InvalidArgument, ResourceLimit, Unavailable
from caxton_node.observability import Board, configure_logs
from caxton_node.registry import CapabilityRecord, InstanceRecord, Registry
from caxton_node.registry.background import TOPIC
from caxton_node.registry.entry import Entry
from caxton_node.registry.overruled import Overruled
from caxton_node.registry.patch import EntryNotFound
from caxton_node.registry.replica import Replica
from caxton_node.registry.saver import Saver
from caxton_node.registry.store import RegistryStore
from caxton_node.storage import Database
from tests.support.registry_net import QUICK, Net, Node, until

pytestmark = pytest.mark.story("026")


def instance(name: str, node: str, state: str = "running") -> InstanceRecord:
    return InstanceRecord(name=f"default/{name}", version="1.0.0", number=1, node=node, state=state)


def lose_database(folder: Path, node: str) -> None:
    for path in folder.glob(f"{node}.db*"):
        path.unlink()


class Three:
    """Three nodes, started."""

    def __init__(self, folder: Path) -> None:
        self.net = Net(folder)
        self.nodes = {name: Node(self.net, name) for name in ("alpha", "beta", "gamma")}

    def __getitem__(self, name: str) -> Registry:
        return self.nodes[name].registry

    def all_see(self, name: str, *nodes: str) -> bool:
        return all(
            {found.node for found in self[node].instances(f"default/{name}")} == set(nodes)
            for node in self.net.doors
        )


@pytest.fixture
async def three(tmp_path: Path) -> AsyncIterator[Three]:
    three = Three(tmp_path)
    for node in three.nodes.values():
        await node.start()
    yield three
    for node in three.nodes.values():
        await node.stop()


async def test_an_instance_is_seen_here_at_once_and_everywhere_soon(three: Three) -> None:
    three["alpha"].put_instance(instance("echo", "alpha"))
    assert [found.node for found in three["alpha"].instances("default/echo")] == ["alpha"]
    await until(lambda: three.all_see("echo", "alpha"))
    three["alpha"].remove_instance("default/echo#1.0.0.1@alpha")
    await until(lambda: three.all_see("echo"))


async def test_a_single_change_leaves_by_gossip_and_a_burst_by_pages(three: Three) -> None:
    three["alpha"].put_instance(instance("echo", "alpha"))
    await until(lambda: three.all_see("echo", "alpha"))
    assert three.net.broadcasts == 1
    for number in range(2000):
        three["beta"].put_instance(instance(f"agent-{number}", "beta"))
    await until(lambda: all(len(three[node].instances()) == 2001 for node in three.nodes))
    assert three.net.broadcasts == 1


async def test_capabilities_are_found_from_every_node_until_withdrawn(three: Three) -> None:
    record = CapabilityRecord("price", "2", "default/shop", "gamma", {"type": "object"})
    three["gamma"].put_capability(record)
    await until(lambda: three["alpha"].find_capability("price") == [record])
    assert three["alpha"].capabilities() == [record]
    three["gamma"].remove_capabilities_of("default/shop")
    await until(lambda: three["alpha"].find_capability("price") == [])


async def test_a_record_too_large_for_gossip_arrives_too(three: Three) -> None:
    schema = {"description": "x" * 5000}
    three["alpha"].put_capability(CapabilityRecord("big", "1", "default/shop", "alpha", schema))
    await until(lambda: bool(three["gamma"].find_capability("big")))
    assert "registry.push" in three.net.requests


async def test_entries_of_a_dead_node_are_hidden_and_come_back_with_it(three: Three) -> None:
    heard: list[frozenset[str]] = []
    three["beta"].subscribe(heard.append)
    three["alpha"].put_instance(instance("echo", "alpha"))
    await until(lambda: three.all_see("echo", "alpha"))
    three.net.split(["alpha"], ["beta", "gamma"])
    assert three["beta"].instances("default/echo") == three["beta"].instances() == []
    three.net.heal()
    assert three["beta"].instances("default/echo") == [instance("echo", "alpha")]
    assert heard == [frozenset({"default/echo"})] * 3


async def test_both_sides_of_a_split_agree_after_it(three: Three) -> None:
    three["alpha"].put_instance(instance("old", "alpha"))
    await until(lambda: three.all_see("old", "alpha"))
    three.net.split(["alpha"], ["beta", "gamma"])
    three["alpha"].put_instance(instance("left", "alpha"))
    three["alpha"].remove_instance("default/old#1.0.0.1@alpha")
    three["beta"].put_instance(instance("right", "beta"))
    for node, value in (("alpha", b"a"), ("beta", b"b")):
        three[node].put_entry("route", "default/x", value)
    await until(lambda: bool(three["gamma"].instances("default/right")))
    three.net.heal()
    await until(
        lambda: three.all_see("left", "alpha") and three.all_see("right", "beta") and three.all_see("old")
    )
    await until(lambda: len({three[node]._replica.buckets.root() for node in three.nodes}) == 1)
    settled = three["alpha"].find_entry("route", "default/x")
    assert settled is not None
    assert settled.value in {b"a", b"b"}
    assert sum(three[node]._replica.conflicts for node in three.nodes) >= 1


async def test_a_restarted_node_remembers_and_is_remembered(three: Three) -> None:
    three["alpha"].put_instance(instance("echo", "alpha"))
    three["beta"].put_instance(instance("other", "beta"))
    await until(lambda: three.all_see("echo", "alpha") and three.all_see("other", "beta"))
    await three.nodes["alpha"].stop()
    assert three["beta"].instances("default/echo") == []
    three["beta"].put_instance(instance("other", "beta", "draining"))
    await three.nodes["alpha"].start()
    assert [entry.key for entry in three["alpha"].own_entries()] == ["default/echo#1.0.0.1@alpha"]
    assert three["gamma"].instances("default/echo") == [instance("echo", "alpha")]
    await until(lambda: three["alpha"].instances("default/other") == [instance("other", "beta", "draining")])
    three["alpha"].remove_instance("default/echo#1.0.0.1@alpha")
    await until(lambda: three.all_see("echo"))


async def test_a_node_that_lost_its_database_does_not_get_its_ghosts_back(
    three: Three, tmp_path: Path
) -> None:
    three["alpha"].put_instance(instance("ghost", "alpha"))
    three["beta"].put_instance(instance("other", "beta"))
    await until(lambda: three.all_see("ghost", "alpha") and three.all_see("other", "beta"))
    await three.nodes["alpha"].stop()
    lose_database(tmp_path, "alpha")
    await three.nodes["alpha"].start()
    await until(lambda: three.all_see("ghost") and three.all_see("other", "beta"))


async def test_what_was_known_is_stored_before_closing(three: Three) -> None:
    three["alpha"].put_instance(instance("echo", "alpha"))
    await three.nodes["alpha"].stop()
    await three.nodes["alpha"].start()
    rows = await three.nodes["alpha"].database.read("SELECT kind, key, deleted FROM registry_entries")
    assert rows == [("instance", "default/echo#1.0.0.1@alpha", 0)]


async def test_listeners_hear_of_loaded_and_of_repeated_entries(three: Three) -> None:
    three["alpha"].put_instance(instance("echo", "alpha"))
    await until(lambda: three.all_see("echo", "alpha"))
    heard: list[frozenset[str]] = []
    three["alpha"].subscribe(heard.append)
    three["alpha"].put_instance(instance("echo", "alpha"))
    assert heard == [frozenset({"default/echo"})]
    assert three.net.broadcasts == 1


async def test_a_broadcast_that_cannot_be_read_is_dropped_and_counted(three: Three) -> None:
    configure_logs(level="error", format="json")
    three.net.doors["alpha"].topics[TOPIC]("beta", b"\xc1nonsense")
    assert three["alpha"].tally.malformed == 1
    configure_logs(level="warning", format="json")


async def test_a_peer_that_breaks_off_is_counted_and_the_others_still_agree(three: Three) -> None:
    async def refuse(_peer: str, _payload: bytes) -> bytes:
        raise Unavailable("not now")

    for method in ("registry.digest", "registry.push"):
        three.net.doors["gamma"].methods[method] = refuse
    for number in range(500):
        three["alpha"].put_instance(instance(f"agent-{number}", "alpha"))
    await until(lambda: three["alpha"].tally.failed > 0 and three["alpha"].tally.pushes_failed > 0)
    await until(lambda: all(len(three[node].instances()) == 500 for node in three.nodes))


async def test_gossip_without_room_is_counted_and_the_others_still_agree(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_topic: str, _payload: bytes) -> None:
        raise ResourceLimit("too many are waiting")

    monkeypatch.setattr(three.net.doors["alpha"], "broadcast", refuse)
    three["alpha"].put_instance(instance("echo", "alpha"))
    await until(lambda: three["alpha"].tally.broadcasts_failed == 1)
    await until(lambda: three.all_see("echo", "alpha"))


async def test_the_registry_goes_on_after_a_disk_that_failed(three: Three) -> None:
    configure_logs(level="error", format="json")
    await three.nodes["alpha"].database.write("ALTER TABLE registry_entries RENAME TO hidden")
    three["alpha"].put_instance(instance("echo", "alpha"))
    await until(lambda: three.nodes["alpha"].database.counts.refused > 0)
    await three.nodes["alpha"].database.write("ALTER TABLE hidden RENAME TO registry_entries")
    await three["alpha"]._saver.flush()
    assert await three.nodes["alpha"].database.read("SELECT count(*) FROM registry_entries") == [(1,)]
    await until(lambda: three.all_see("echo", "alpha"))


async def test_old_tombstones_leave_memory_and_disk(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caxton_node.registry.syncer.COLLECT_EVERY_S", 0.0)
    three["alpha"].put_instance(instance("echo", "alpha"))
    await until(lambda: three.all_see("echo", "alpha"))
    three["alpha"].remove_instance("default/echo#1.0.0.1@alpha")
    await until(lambda: three.all_see("echo"))
    await three["alpha"]._saver.flush()
    for limit in ("TOMBSTONE_KEPT_US", "TOMBSTONE_KEPT_MAX_US"):
        monkeypatch.setattr(f"caxton_node.registry.tombstones.{limit}", -1)
    await until(lambda: three["alpha"]._replica.tombstones == 0)
    await until(lambda: three["beta"]._replica.tombstones == 0)
    await three.nodes["alpha"].stop()
    await three.nodes["alpha"].start()
    assert len(three["alpha"]._replica) == 0


async def test_what_a_node_missed_for_days_is_deleted_in_its_memory_and_on_its_disk(
    three: Three, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody has the tombstone any more; what they have seen tells them that the entry is no news."""
    monkeypatch.setattr("caxton_node.registry.syncer.COLLECT_EVERY_S", 0.0)
    for node in ("alpha", "beta", "gamma"):
        three[node]._replica.context.caught_up = True
    three["alpha"].put_entry("route", "default/x", b"r")
    await until(lambda: all(three[node].find_entry("route", "default/x") for node in ("beta", "gamma")))
    await until(lambda: all(len(three[node]._replica.context) == 3 for node in ("alpha", "beta", "gamma")))
    await three.nodes["gamma"].stop()
    three["alpha"].remove_entry("route", "default/x")
    await until(lambda: three["beta"]._replica.tombstones == 1)
    monkeypatch.setattr("caxton_node.registry.tombstones.TOMBSTONE_KEPT_US", -1)  # days later
    monkeypatch.setattr("caxton_node.registry.tombstones.TOMBSTONE_KEPT_MAX_US", -1)
    await until(lambda: not three["alpha"]._replica.tombstones and not three["beta"]._replica.tombstones)
    gone: list[Entry] = []
    await three.nodes["gamma"].start()
    assert three["gamma"].find_entry("route", "default/x") is not None
    three["gamma"].watch("route", gone.extend)
    await until(lambda: bool(gone))
    assert [(entry.key, entry.deleted) for entry in gone] == [("default/x", True)]
    await three["gamma"]._saver.flush()
    assert await three.nodes["gamma"].database.read("SELECT key FROM registry_entries") == []
    assert three["alpha"].find_entry("route", "default/x") is None


async def test_a_peer_that_hangs_holds_up_nobody_else(three: Three, monkeypatch: pytest.MonkeyPatch) -> None:
    """A burst is pushed to each peer; the next change must not wait for one that never answers."""
    hanging = asyncio.Event()

    async def hang(_peer: str, _payload: bytes) -> bytes:
        await hanging.wait()
        return b""

    monkeypatch.setitem(three.net.doors["gamma"].methods, "registry.push", hang)
    for number in range(200):
        three["alpha"].put_instance(instance(f"agent-{number}", "alpha"))
    await until(lambda: len(three["beta"].instances()) == 200)
    three["alpha"].put_instance(instance("late", "alpha"))
    await until(lambda: bool(three["beta"].instances("default/late")), within_s=1.5)  # a push may take 2 s
    hanging.set()


async def test_what_was_seen_is_on_the_disk_after_all_that_it_speaks_of(tmp_path: Path) -> None:
    replica = Replica("alpha")
    entries = [replica.put("route", f"r{number}", b"r", 1_700_000_000_000_000) for number in range(3000)]
    async with await Database.open(tmp_path / "alpha.db") as database:
        store = RegistryStore(database)
        saver = Saver(store, QUICK)
        saver.add(entries)
        first = asyncio.create_task(saver.flush())
        await asyncio.sleep(0)  # it has taken what there was, and stores it in several transactions
        saver.keep_seen({"beta": 7})
        await saver.flush()
        assert (len(await store.load()), await store.load_context()) == (3000, {"beta": 7})
        assert first.done()


async def test_entries_are_watched_by_kind_wherever_they_change(three: Three) -> None:
    seen: list[Entry] = []
    three["beta"].watch("route", seen.extend)
    three["alpha"].put_entry("route", "default/x", b"r")
    three["alpha"].put_entry("other", "default/y", b"o")
    await until(lambda: three["beta"].find_entry("other", "default/y") is not None)
    three["alpha"].remove_entry("route", "default/x")
    await until(lambda: len(seen) == 2)
    assert [(entry.key, entry.deleted) for entry in seen] == [("default/x", False), ("default/x", True)]
    assert [entry.key for entry in three["beta"].entries("other")] == ["default/y"]


async def test_a_partial_update_changes_what_it_names_and_nothing_else(three: Three) -> None:
    value = msgspec.msgpack.encode({"replicas": 2, "zone": "a", "from the future": [1]})
    three["alpha"].put_entry("deployment", "default/x", value)
    await until(lambda: three["beta"].find_entry("deployment", "default/x") is not None)
    three["beta"].update_entry("deployment", "default/x", {"replicas": 3, "zone": None})
    await until(lambda: _fields(three["alpha"]) == {"replicas": 3, "from the future": [1]})
    three["beta"].put_entry("deployment", "default/y", b"\x01")
    with pytest.raises(InvalidArgument, match="by field"):
        three["beta"].update_entry("deployment", "default/y", {"replicas": 3})
    with pytest.raises(EntryNotFound):
        three["beta"].update_entry("deployment", "default/z", {"replicas": 3})


def _fields(registry: Registry) -> dict[str, object]:
    entry = registry.find_entry("deployment", "default/x")
    assert entry is not None
    fields: dict[str, object] = msgspec.msgpack.decode(entry.value)
    return fields


async def test_whoever_held_what_was_overruled_is_told(three: Three) -> None:
    told: list[Overruled] = []
    for node in ("alpha", "beta", "gamma"):
        three[node].on_overruled(told.append)
    three.net.split(["alpha"], ["beta", "gamma"])
    three["alpha"].put_entry("route", "default/x", b"one")
    three["beta"].put_entry("route", "default/x", b"two")
    await until(lambda: three["gamma"].find_entry("route", "default/x") is not None)
    three.net.heal()
    await until(
        lambda: len({three[node]._replica.buckets.root() for node in ("alpha", "beta", "gamma")}) == 1
    )
    assert {(each.loser.value, each.winner.value) for each in told} <= {(b"one", b"two"), (b"two", b"one")}
    assert len({each.winner.value for each in told}) == 1


async def test_the_metrics_show_what_is_held(three: Three) -> None:
    three["alpha"].put_instance(instance("echo", "alpha"))
    three["alpha"].put_entry("route", "default/x", b"r")
    await until(lambda: three.all_see("echo", "alpha"))
    board = Board()
    board.collect_from(three["beta"].collect)
    found = {(one.name, one.labels): one.value for one in board.read()}
    assert found["caxton_registry_entries", ("instance",)] == 1
    assert found["caxton_registry_entries", ("other",)] == 1
    assert sum(found["caxton_registry_convergence_seconds", ()].counts) == 2


async def test_a_lookup_is_quick_among_ten_thousand(tmp_path: Path) -> None:
    node = Node(Net(tmp_path), "alpha")
    registry = await node.start()
    for number in range(10_000):
        registry.put_instance(instance(f"agent-{number}", "alpha"))
    started = time.perf_counter()
    for _ in range(1000):
        assert len(registry.instances("default/agent-5000")) == 1
    assert (time.perf_counter() - started) / 1000 < 0.001  # about 1 us on a quiet core
    await node.stop()
