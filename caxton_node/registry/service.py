"""The registry of a node: read and write at once, in memory; the others and the disk learn it behind.

The pure files say what happens; this one and `background.py` say when.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec

from caxton_node.core.clock import Clock
from caxton_node.observability import Histogram, HistogramValue, Reading
from caxton_node.observability.board import reading
from caxton_node.observability.instruments import BY_NAME
from caxton_node.registry.background import Settings, Tally, run_forever
from caxton_node.registry.capabilities import Directory, R
from caxton_node.registry.desk import Desk
from caxton_node.registry.discovery.offers import OfferIndex
from caxton_node.registry.entry import Entry
from caxton_node.registry.hlc import stamp_us
from caxton_node.registry.holding import Holding
from caxton_node.registry.overruled import Overruled
from caxton_node.registry.patch import EntryNotFound, patch
from caxton_node.registry.ports import ClusterPort
from caxton_node.registry.records import CapabilityRecord, InstanceRecord
from caxton_node.registry.replica import Replica
from caxton_node.registry.saver import Saver
from caxton_node.registry.spreader import Spreader
from caxton_node.registry.store import RegistryStore
from caxton_node.registry.syncer import Syncer
from caxton_node.storage import Database

OWNED_KINDS = frozenset({InstanceRecord.KIND, CapabilityRecord.KIND, "module", "replica"})

Listener = Callable[[frozenset[str]], None]
KindListener = Callable[[Sequence[Entry]], None]


class Registry:
    """What this node knows about the cluster's agents.

    Args:
        cluster: The other nodes.
        database: For the durable copy.
        clock: Time.
        settings: When things happen.
        rng: For the choice of neighbours.

    Attributes:
        tally: Counters of comparisons and failures.
    """

    def __init__(
        self,
        *,
        cluster: ClusterPort,
        database: Database,
        clock: Clock,
        settings: Settings,
        rng: random.Random,
    ) -> None:
        self.tally = Tally()
        self._cluster = cluster
        self._clock = clock
        self._store = RegistryStore(database)
        self._replica = Replica(cluster.node_id, owned_kinds=OWNED_KINDS)
        self._directory = Directory()
        self._convergence = Histogram(BY_NAME["caxton_registry_convergence_seconds"].bounds)
        self._listeners: list[Listener] = []
        self._watchers: dict[str, list[KindListener]] = {}
        self._overruled: list[Callable[[Overruled], None]] = []
        self._replica.on_overruled = self._tell_overruled
        self._announced = False
        self._spreader = Spreader(cluster, settings, self.tally, rng)
        self._saver = Saver(self._store, settings)
        self._syncer = Syncer(
            cluster=cluster, replica=self._replica, saver=self._saver, settings=settings,
            tally=self.tally, clock=clock, rng=rng, take=self._take_remote, drop=self._drop,
        )  # fmt: skip
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Load the durable copy, then answer other nodes and begin to spread, store and compare.

        Raises:
            CorruptStore: The database is damaged.
        """
        loaded, context = await self._store.load(), await self._store.load_context()
        self._replica.load(loaded, self._now_us(), context=context)
        names = set[str]().union(*(self._directory.apply(entry) for entry in loaded))
        desk = Desk(self._replica, self._clock, self.tally, take=self._take_remote, drop=self._drop)
        desk.open(self._cluster)
        for part in (self._spreader, self._saver, self._syncer):
            task = asyncio.create_task(run_forever(part.turn), name=f"registry-{type(part).__name__.lower()}")
            self._tasks.append(task)
        self._notify(names)

    async def close(self) -> None:
        """Stop, and store what is not stored yet; safe to call twice."""
        tasks, self._tasks = self._tasks, []
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._spreader.close()
        await self._saver.flush()

    # -- writing --------------------------------------------------------------------------------------------

    def put_instance(self, record: InstanceRecord) -> None:
        """Publish an instance of this node, or its new state; repeating the same reaches only listeners here.

        Raises:
            ResourceLimit: The record is too large.
            InvalidArgument: Its address is too long.
        """
        self.put_entry(InstanceRecord.KIND, record.key, msgspec.msgpack.encode(record))

    def remove_instance(self, key: str) -> None:
        """Withdraw an instance by its address; nothing happens if it is not there."""
        self.remove_entry(InstanceRecord.KIND, key)

    def put_capability(self, record: CapabilityRecord) -> None:
        """Publish what an agent on this node can do; as `put_instance`."""
        self.put_entry(CapabilityRecord.KIND, record.key, msgspec.msgpack.encode(record))

    def remove_capability(self, key: str) -> None:
        """Withdraw a capability by its key; nothing happens if it is not there."""
        self.remove_entry(CapabilityRecord.KIND, key)

    def remove_capabilities_of(self, agent: str) -> None:
        """Withdraw everything that an agent on this node can do."""
        for record in self.capabilities_of(agent):
            self.remove_capability(record.key)

    def put_entry(self, kind: str, key: str, value: bytes) -> None:
        """Write an entry of any kind; what `put_instance` and `put_capability` do with a record.

        Raises:
            ResourceLimit: The value is too large.
            InvalidArgument: The key is empty or too long.
        """
        before = self._replica.find(kind, key)
        entry = self._replica.put(kind, key, value, self._now_us())
        if entry is before:
            self._notify(self._directory.apply(entry))
        else:
            self._take([entry])

    def remove_entry(self, kind: str, key: str) -> None:
        """Delete an entry of any kind; nothing happens if it is not there."""
        tombstone = self._replica.delete(kind, key, self._now_us())
        if tombstone is not None:
            self._take([tombstone])

    def update_entry(self, kind: str, key: str, changes: Mapping[str, object]) -> None:
        """Change some fields of an entry whose value is a MessagePack map; the others stay as they are.

        Args:
            kind: Kind of the entry.
            key: Its key.
            changes: New values by field; None takes a field out.

        Raises:
            EntryNotFound: There is no such entry.
            InvalidArgument: Its value is no map.
            ResourceLimit: It would become too large.
        """
        entry = self._replica.find(kind, key)
        if entry is None:
            raise EntryNotFound(f"there is no {kind} {key}", hint="it may have been deleted elsewhere")
        self.put_entry(kind, key, patch(entry, changes))

    def own_entries(self) -> list[Entry]:
        """Return the instances and capabilities that this node has published, in this boot or before.

        Whoever starts agents withdraws those that no longer exist.
        """
        return self._replica.own_entries()

    # -- reading --------------------------------------------------------------------------------------------

    def instances(self, name: str | None = None) -> list[InstanceRecord]:
        """Return the instances of an agent, or all, on nodes that are alive.

        Args:
            name: `tenant/name`, or None for all.
        """
        index = self._directory.instances
        return self._alive(index.all() if name is None else index.find(name))

    def has_instances(self, name: str) -> bool:
        """Tell whether any node has an instance of an agent (`tenant/name`), the dead ones included."""
        return bool(self._directory.instances.find(name))

    def find_capability(self, name: str) -> list[CapabilityRecord]:
        """Return who can do something, on nodes that are alive; empty if nobody can."""
        return self._alive(self._directory.find_capability(name))

    def capabilities(self) -> list[CapabilityRecord]:
        """Return everything that anybody on an alive node can do."""
        return self._alive(self._directory.capabilities())

    def capabilities_of(self, agent: str) -> list[CapabilityRecord]:
        """Return what an agent (`tenant/name`) can do on this node, by name."""
        return self._directory.capabilities_of(agent, self._cluster.node_id)

    @property
    def offers(self) -> OfferIndex:
        """Return the index of capabilities, for searches."""
        return self._directory.offers

    def find_entry(self, kind: str, key: str) -> Entry | None:
        """Return an entry as it is, that of a dead node included; None if it is not there."""
        return self._replica.find(kind, key)

    def was_deleted(self, kind: str, key: str) -> bool:
        """Tell whether an entry was deleted not long ago: its tombstone is here."""
        return self._replica.was_deleted(kind, key)

    def entries(self, kind: str) -> list[Entry]:
        """Return the entries of a kind as they are, those of dead nodes included."""
        return list(self._replica.entries(kind))

    def holding(self) -> Holding:
        """Return what this copy holds, in numbers that two nodes can compare."""
        replica = self._replica
        live = {kind: count for kind, count in sorted(replica.live.items()) if count}
        return Holding(live, replica.tombstones, replica.buckets.root().hex())

    def watch(self, kind: str, listener: KindListener) -> None:
        """Call `listener` with the entries of a kind that changed here or elsewhere, tombstones included.

        It runs on the event loop right after the change and must not raise.
        """
        self._watchers.setdefault(kind, []).append(listener)

    def on_overruled(self, listener: Callable[[Overruled], None]) -> None:
        """Call `listener` with each version that lost to one whose writer did not know of it.

        It is told where the loser was held or is heard of, so more than one node may tell of the same. It
        runs while the registry merges: note it, and do what follows later.
        """
        self._overruled.append(listener)

    def subscribe(self, listener: Listener) -> None:
        """Call `listener` with the agent names whose instances changed, appeared or vanished on any node.

        It runs on the event loop right after the change and must not raise.
        """
        self._listeners.append(listener)

    # -- what happens outside -------------------------------------------------------------------------------

    def handle_member_joined(self, node: str) -> None:
        """Show the node's entries again, and compare with a neighbour soon."""
        if not self._announced:  # first company since this node started: tell what it runs
            self._announced = True
            self._spreader.add(self._replica.own_entries())
        self._syncer.hurry()
        self._notify(self._names_on(node))

    def handle_member_gone(self, node: str) -> None:
        """Hide the entries of a node that died or left."""
        self._notify(self._names_on(node))

    def count_conflicts(self) -> int:
        """Return how many concurrent updates were settled since the node started."""
        return self._replica.conflicts

    def collect(self) -> list[Reading]:
        """Return readings for the metrics; safe on any thread."""
        live, tally, cell = self._replica.live, self.tally, self._convergence
        counts = {kind: live[kind] for kind in sorted(OWNED_KINDS)}
        counts["other"] = sum(list(live.values())) - sum(counts.values())
        outcomes = {"same": tally.equal, "differed": tally.differed, "failed": tally.failed}
        convergence = HistogramValue(cell.bounds, tuple(cell.counts), cell.total)
        return [
            *(reading("caxton_registry_entries", count, kind=kind) for kind, count in counts.items()),
            reading("caxton_registry_tombstones", self._replica.tombstones),
            reading("caxton_registry_conflicts_total", self._replica.conflicts),
            *(
                reading("caxton_registry_syncs_total", count, outcome=name)
                for name, count in outcomes.items()
            ),
            reading("caxton_registry_convergence_seconds", convergence),
        ]

    # -- changes --------------------------------------------------------------------------------------------

    def _take_remote(self, changed: Sequence[Entry]) -> None:
        now_us = self._now_us()
        for entry in changed:
            self._convergence.observe(max(0, now_us - stamp_us(entry.stamp)) / 1e6)
        self._take(changed)
        self._syncer.note(len(changed))

    def _take(self, changed: Sequence[Entry]) -> None:
        self._saver.add(changed)
        self._spreader.add(entry for entry in changed if entry.origin == self._cluster.node_id)
        self._show(changed)

    def _drop(self, forgotten: Sequence[Entry]) -> None:
        """Let entries go that were deleted long ago, while this node was away."""
        self._saver.drop(forgotten)
        self._show([msgspec.structs.replace(entry, value=b"", deleted=True) for entry in forgotten])

    def _show(self, changed: Sequence[Entry]) -> None:
        names: set[str] = set()
        for entry in changed:
            names |= self._directory.apply(entry)
        self._notify(names)
        self._tell_watchers(changed)

    def _tell_watchers(self, changed: Sequence[Entry]) -> None:
        for kind, listeners in self._watchers.items():
            mine = [entry for entry in changed if entry.kind == kind]
            for listener in listeners if mine else ():
                listener(mine)

    def _tell_overruled(self, overruled: Overruled) -> None:
        for listener in self._overruled:
            listener(overruled)

    def _notify(self, names: Collection[str]) -> None:
        if names:
            for listener in self._listeners:
                listener(frozenset(names))

    def _alive(self, records: list[R]) -> list[R]:
        return [record for record in records if self._cluster.is_alive(record.node)]

    def _names_on(self, node: str) -> set[str]:
        return {record.name for record in self._directory.instances.all() if record.node == node}

    def _now_us(self) -> int:
        return self._clock.unix_us()
