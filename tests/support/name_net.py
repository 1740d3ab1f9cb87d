"""Nodes with a real registry each whose agents are only rows: enough for who has which name, and quick."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.agents.announcing import RegistryAnnouncer
from caxton_node.agents.lifecycle import State
from caxton_node.agents.loss import Loss
from caxton_node.agents.manifest import Manifest, OnConflict
from caxton_node.agents.name_conflicts import NameConflicts, Settings
from caxton_node.agents.store import Deployed
from caxton_node.agents.views import AgentView
from caxton_node.core.clock import SystemClock
from caxton_node.core.events import EventBus
from caxton_node.fipa import Envelope
from caxton_node.registry.conflict_book import ConflictBook
from tests.support.registry_net import Net, Node, until

_TURNS = itertools.count(1)


@dataclass
class Cast:
    """The agents of one node as rows; implements `name_conflicts.AgentsPort`.

    Attributes:
        up: What runs, by `tenant/name`.
        down: What was stopped.
        lost: Names that agents were told to have lost, with whether they were to stop.
    """

    node_id: str
    announcer: RegistryAnnouncer
    up: dict[str, Deployed] = field(default_factory=dict)
    down: dict[str, Deployed] = field(default_factory=dict)
    lost: list[tuple[str, bool]] = field(default_factory=list)

    def deploy(self, name: str, version: str, on_conflict: OnConflict = OnConflict.STOP) -> None:
        """Deploy a version, or let it take the place of the one that is here."""
        row = Deployed(
            Manifest(name, version, on_conflict=on_conflict), f"sha-{version}", 1, State.RUNNING, next(_TURNS)
        )
        before = self.up.get(row.manifest.name) or self.down.pop(row.manifest.name, None)
        self.up[row.manifest.name] = row
        view = self._view(row)
        self.announcer.replace(self._view(before).instance if before else view.instance, view)
        self.announcer.claim(view)

    def start(self, name: str) -> None:
        """Start what was stopped."""
        row = self.down.pop(name)
        self.up[name] = row
        self.announcer.announce(self._view(row))
        self.announcer.claim_again(self._view(row))

    def remove(self, name: str) -> None:
        """Remove an agent, whether it runs or not; nothing happens if there is none."""
        for rows in (self.up, self.down):
            row = rows.pop(name, None)
            if row is not None:
                self.announcer.withdraw(self._view(row))

    def views(self) -> Sequence[AgentView]:
        return [self._view(row) for row in self.up.values()]

    def find_up(self, name: str) -> Deployed | None:
        return self.up.get(name)

    async def give_way(self, name: str, loss: Loss, *, notice_s: float, drain_s: float) -> bool:
        if not loss.holds():
            return False
        loss.tell()
        self.lost.append((name, loss.stops))
        if loss.stops:
            self.down[name] = self.up.pop(name)
        return True

    def _view(self, row: Deployed) -> AgentView:
        return AgentView(
            manifest=row.manifest,
            instance=f"{row.manifest.name}#{row.manifest.version}.1@{self.node_id}",
            number=1,
            node=self.node_id,
            state=State.RUNNING if row.manifest.name in self.up else State.STOPPED,
            module_sha256=row.module_sha256,
            module_bytes=1,
            capabilities=(),
            deployed_unix_ms=row.deployed_unix_ms,
            restarts=0,
            last_error="",
            failure=None,
            waiting=0,
            memory_bytes=0,
        )


class NameNode:
    """One node: a registry on a network that can be cut, and rows for agents."""

    def __init__(self, net: Net, node_id: str) -> None:
        self.node = Node(net, node_id)
        self.node_id = node_id
        self.told: list[Envelope] = []
        self.cast: Cast
        self.book: ConflictBook
        self.names: NameConflicts

    async def start(self) -> None:
        """Open the registry and watch names; agents of an earlier life are still there."""
        registry = await self.node.start()
        announcer = RegistryAnnouncer(registry, self.node_id)
        earlier = self.cast if hasattr(self, "cast") else Cast(self.node_id, announcer)
        self.cast = Cast(self.node_id, announcer, earlier.up, earlier.down, earlier.lost)
        self.book = ConflictBook(self.node.database, SystemClock())
        registry.on_overruled(self.book.note)
        self.names = NameConflicts(
            agents=self.cast,
            claims=announcer.claims,
            registry=registry,
            book=self.book,
            submit=self.told.append,
            node_id=self.node_id,
            bus=EventBus(),
            settings=Settings(notice_s=1.0, drain_s=1.0),
        )
        await self.names.open()

    async def stop(self) -> None:
        """Close the node as its end does."""
        await self.names.close()
        await self.book.close()
        await self.node.stop()

    @property
    def root(self) -> str:
        """Return the digest of its copy of the registry."""
        return self.node.registry.holding().root

    def version(self, name: str) -> str:
        """Return the version of an agent that runs here, empty if none does."""
        row = self.cast.up.get(name)
        return row.manifest.version if row else ""


class NameNet:
    """Several such nodes."""

    def __init__(self, folder: Path, names: Sequence[str]) -> None:
        self.net = Net(folder)
        self.nodes = {name: NameNode(self.net, name) for name in names}

    async def start(self) -> None:
        """Start all."""
        for node in self.nodes.values():
            await node.start()

    async def stop(self) -> None:
        """Stop all."""
        for node in self.nodes.values():
            await node.stop()

    def split(self, *sides: Sequence[str]) -> None:
        """Cut the network."""
        self.net.split(*sides)

    async def heal(self) -> None:
        """Join the network, and wait until all is settled."""
        self.net.heal()
        await self.settled()

    async def settled(self, within_s: float = 20.0) -> None:
        """Wait until all that can talk hold the same, twice in a row with everybody judged in between."""
        await until(self._is_settled, within_s)

    def _is_settled(self) -> bool:
        groups: dict[int | None, set[str]] = {}
        for name, node in self.nodes.items():
            if name in self.net.doors:
                groups.setdefault(self.net.groups.get(name), set()).add(node.root)
        busy = any(node.names.is_busy for node in self.nodes.values() if node.node_id in self.net.doors)
        return not busy and all(len(roots) == 1 for roots in groups.values())

    async def later(self) -> None:
        """Wait until what is written now is written later than what was, by any node's clock."""
        clock = SystemClock()
        began_ms = clock.unix_us() // 1000
        await until(lambda: clock.unix_us() // 1000 > began_ms + 1)

    def versions(self, name: str) -> dict[str, str]:
        """Return which version of an agent runs where."""
        return {node: found for node, one in self.nodes.items() if (found := one.version(name))}
