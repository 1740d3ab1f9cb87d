"""The agents of a modelled node: commands take time, and what is deployed outlives the process."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

import msgspec

from caxton_node.agents.change import Change
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.module_announcing import ModuleAnnouncer
from caxton_node.agents.store import Tie
from caxton_node.agents.views import Glance
from caxton_node.core.errors import AlreadyExists, InvalidModule, NotFound
from caxton_node.registry import InstanceRecord
from tests.support.deployment_world.registry import SimRegistry


@dataclass
class Row:
    """One agent."""

    glance: Glance
    number: int = 1


class SimAgents:
    """What the deployment service needs of `agents.service.AgentService`, and of its modules.

    Args:
        node_id: This node.
        registry: Where instances are announced.
        rows: What is deployed, as an earlier life left it.
        held: Modules on disk.
        can_run: Tells whether this node can run a module.
        has_module: Tells whether anybody within reach has a module.
        rng: For how long things take.
    """

    def __init__(
        self,
        node_id: str,
        registry: SimRegistry,
        rows: dict[str, Row],
        held: set[str],
        *,
        can_run: Callable[[str], bool],
        has_module: Callable[[str], bool],
        rng: random.Random,
    ) -> None:
        self.rows = rows
        self.modules = self
        self.is_dead = False
        self._node_id = node_id
        self._registry = registry
        self._disk = held
        self._can_run = can_run
        self._has_module = has_module
        self._rng = rng
        self._holdings = ModuleAnnouncer(registry, node_id)  # type: ignore[arg-type]  # as much of it as it needs

    def restore(self) -> None:
        """Bring back what was deployed, as a node that starts does."""
        for row in self.rows.values():
            seen = row.glance
            is_up = seen.state in {State.RUNNING, State.DRAINING} and seen.tie is not Tie.CONSISTENT
            row.glance = replace(seen, state=State.RUNNING if is_up else State.STOPPED)
            self._announce(row)
        keys = {self._key(row) for row in self.rows.values()}
        for entry in self._registry.own_entries():
            if entry.kind == InstanceRecord.KIND and entry.key not in keys:
                self._registry.remove_entry(entry.kind, entry.key)
        self._holdings.settle(dict.fromkeys(self._disk, 1))

    # -- looking --------------------------------------------------------------------------------------------

    def glance(self, name: str) -> Glance | None:
        """Look at one agent."""
        return self.rows[name].glance if name in self.rows else None

    def replicas(self) -> list[Glance]:
        """Look at all replicas."""
        return [row.glance for row in self.rows.values() if row.glance.tie]

    # -- commands -------------------------------------------------------------------------------------------

    async def deploy(
        self, manifest: Manifest, module: str, *, start: bool = True, tie: Tie = Tie.NONE
    ) -> None:
        """Deploy an agent whose module is called by its digest."""
        if manifest.name in self.rows:
            raise AlreadyExists(manifest.name)
        await self._take(0.05, 1.0)
        if not self._can_run(module):
            raise InvalidModule("this node cannot run it")
        row = Row(Glance(manifest, module, State.RUNNING if start else State.LOADED, tie))
        self.rows[manifest.name] = row
        self._announce(row)

    async def update(self, name: str, change: Change, *, drain_s: float) -> None:
        """Change an agent by a hot reload."""
        row = self._get(name)
        await self._take(0.05, 0.5)
        module = change.module or row.glance.module_sha256
        if not self._can_run(module):  # type: ignore[arg-type]  # modules are called by their digests
            raise InvalidModule("this node cannot run it")
        self._withdraw(row)
        row.glance = replace(
            row.glance,
            manifest=change.apply(row.glance.manifest),
            module_sha256=module,  # type: ignore[arg-type]
        )
        row.number += 1
        self._announce(row)

    async def tie(self, name: str, tie: Tie) -> None:
        """Mark a replica."""
        self._move(self._get(name), tie=tie)

    async def start(self, name: str) -> None:
        """Start an agent."""
        await self._take(0.01, 0.2)
        self._move(self._get(name), state=State.RUNNING)

    async def stop(self, name: str, *, drain_s: float) -> None:
        """Drain an agent and stop it."""
        self._move(self._get(name), state=State.DRAINING)
        await self._take(0.01, drain_s)
        self._move(self._get(name), state=State.STOPPED)

    async def undeploy(self, name: str, *, drain_s: float) -> None:
        """Drain an agent and remove it."""
        row = self._get(name)
        if row.glance.state is State.RUNNING:
            self._move(row, state=State.DRAINING)
            await self._take(0.01, drain_s)
        if not self.is_dead:
            self.rows.pop(name, None)
        self._withdraw(row)

    # -- modules --------------------------------------------------------------------------------------------

    @asynccontextmanager
    async def taking_in(self, module: str, _manifest: Manifest) -> AsyncIterator[str]:
        """Keep a module that was handed in."""
        self._keep(module)
        yield module

    @asynccontextmanager
    async def lend(self, sha256: str) -> AsyncIterator[str]:
        """Give a module from this node's disk or somebody else's."""
        if sha256 not in self._disk:
            await self._take(0.05, 0.5)
            if not self._has_module(sha256):
                raise NotFound("no node has it")
        yield sha256

    async def hold(self, sha256: str) -> None:
        """Keep a module."""
        async with self.lend(sha256):
            self._keep(sha256)

    async def let_go(self, sha256: str) -> None:
        """Keep a module no longer."""
        self._disk.discard(sha256)
        self._holdings.drop(sha256)

    async def held(self) -> set[str]:
        """List what is kept."""
        return set(self._disk)

    # -- inside ---------------------------------------------------------------------------------------------

    def _keep(self, sha256: str) -> None:
        self._disk.add(sha256)
        self._holdings.hold(sha256, 1)

    async def _take(self, least_s: float, most_s: float) -> None:
        await asyncio.sleep(self._rng.uniform(least_s, most_s))
        if self.is_dead:
            raise asyncio.CancelledError

    def _get(self, name: str) -> Row:
        if name not in self.rows:
            raise NotFound(name)
        return self.rows[name]

    def _move(self, row: Row, **changes: object) -> None:
        if not self.is_dead:
            row.glance = replace(row.glance, **changes)  # type: ignore[arg-type]  # its own fields
            self._announce(row)

    def _announce(self, row: Row) -> None:
        manifest = row.glance.manifest
        record = InstanceRecord(
            name=manifest.name,
            version=manifest.version,
            number=row.number,
            node=self._node_id,
            state=row.glance.state.value,
            module_sha256=row.glance.module_sha256,
        )
        self._registry.put_entry(InstanceRecord.KIND, record.key, msgspec.msgpack.encode(record))

    def _withdraw(self, row: Row) -> None:
        self._registry.remove_entry(InstanceRecord.KIND, self._key(row))

    def _key(self, row: Row) -> str:
        manifest = row.glance.manifest
        return f"{manifest.name}#{manifest.version}.{row.number}@{self._node_id}"
