"""Changing an agent that is there: its bounds while it runs, anything else by another instance of it."""

from __future__ import annotations

from dataclasses import replace

from caxton_node.agents.admission import Admission
from caxton_node.agents.change import Change
from caxton_node.agents.charge import Charge, Roster
from caxton_node.agents.compiling import Compiling
from caxton_node.agents.hot_reload import HotReload, Successor
from caxton_node.agents.instance import Instance, Plant
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest, check_module_size
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.store import Deployed
from caxton_node.core.errors import CaxtonError, StateError
from caxton_node.core.ids import Address
from caxton_node.observability.logs import get_logger

_log = get_logger("agents")


class Updater:
    """Makes changes; the caller holds the lock of the agent.

    Args:
        plant: What instances share.
        roster: Knows the instances.
        admission: Asked before anything grows.
        shelf: Where deployments are kept.
        hot_reload: Replaces an instance that runs.
        compiling: Makes modules ready.
    """

    def __init__(
        self,
        *,
        plant: Plant,
        roster: Roster,
        admission: Admission,
        shelf: Shelf,
        hot_reload: HotReload,
        compiling: Compiling,
    ) -> None:
        self._compiling = compiling
        self._plant = plant
        self._roster = roster
        self._admission = admission
        self._shelf = shelf
        self._hot_reload = hot_reload

    async def update(self, charge: Charge, change: Change, drain_s: float) -> None:
        """Make a change; see `AgentService.update`."""
        manifest = change.apply(charge.row.manifest)
        if change.needs_reload:
            await self._reload(charge, change, manifest, drain_s)
        else:
            await self._set_bounds(charge, manifest)

    async def _set_bounds(self, charge: Charge, manifest: Manifest) -> None:
        """Hold an agent to other limits, in the middle of its work."""
        memory_bytes = manifest.limits.memory_bytes
        with self._admission.exchange(charge.name, memory_bytes, side_by_side=False):
            row = replace(charge.row, manifest=manifest)
            await self._shelf.rewrite(row, self._now_ms())
            charge.instance.manifest = manifest
            self._roster.set_row(charge, row)
            await charge.instance.apply(charge.degradation.pace(self._plant.clock.now()))
        _log.info("agent changed", agent=charge.instance.id)

    async def _reload(self, charge: Charge, change: Change, manifest: Manifest, drain_s: float) -> None:
        """Let an instance with another manifest or module take over."""
        if charge.instance.is_in(State.DRAINING):
            hint = "try again when it has stopped"
            raise StateError(f"agent {Address(charge.name)} is draining", hint=hint)
        if change.module:
            check_module_size(change.module)
            binary, module = await self._compiling.new(change.module, manifest)
        else:
            binary, module = await self._compiling.kept(charge.row, manifest)
        await self._hot_reload.finish(charge)  # what an earlier reload left under way
        old, row = charge.instance, charge.row
        number = row.number + 1 if manifest.version == row.manifest.version else 1
        desired = State.RUNNING if row.desired is State.FAILED else row.desired
        new_row = Deployed(manifest, module.sha256, module.size, desired, self._now_ms(), number, tie=row.tie)
        new = Successor(Instance(self._plant, manifest, number), module, new_row)
        wanted, both = manifest.limits.memory_bytes, not _is_still(old)
        with self._admission.exchange(charge.name, wanted, side_by_side=both):
            await self._shelf.keep(new_row, binary, module.imports, self._now_ms())
            try:
                if _is_still(old):
                    self._swap(charge, new)
                else:
                    await self._hot_reload.replace(charge, new, drain_s)
            except BaseException:
                await self._take_back(row, module.sha256)
                raise
        if charge.retiring is not None:  # both live until that ends
            self._admission.resize(charge.name, wanted + row.manifest.limits.memory_bytes)
            charge.retiring.on_end = lambda: self._admission.resize(charge.name, wanted)
        await self._drop_unused(row.module_sha256)
        _log.info("agent reloaded", agent=charge.instance.id, before=old.id, module=module.sha256[:12])

    async def _take_back(self, row: Deployed, module_sha256: str) -> None:
        """Keep the old version again after a reload that failed; its error is what the operator is to see."""
        try:
            await self._shelf.rewrite(row, self._now_ms())
        except CaxtonError as err:
            name = row.manifest.name
            _log.error("the store has the version that did not start", agent=name, reason=str(err))
        await self._drop_unused(module_sha256)

    async def _drop_unused(self, module_sha256: str) -> None:
        try:
            await self._shelf.drop_unused(module_sha256)
        except CaxtonError as err:
            _log.warning("a module that nobody uses was not removed", module=module_sha256, reason=str(err))

    def _swap(self, charge: Charge, new: Successor) -> None:
        """Replace an instance that does not run by one that does not either."""
        old, successor = charge.instance, new.instance
        successor.module, successor.state = new.module, old.state
        self._roster.replace(charge, successor, new.row)
        self._roster.forget(old.id)
        self._roster.announce_in_place_of(old.id, charge)

    def _now_ms(self) -> int:
        return self._plant.clock.unix_us() // 1000


def _is_still(instance: Instance) -> bool:
    """Return whether nobody expects it to run; one that failed is to run again, with what is better."""
    return not instance.is_in(State.RUNNING, State.FAILED)
