"""Steps carried out: from what was decided to the commands of the node's agents."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from typing import Any

from caxton_node.agents.change import Change
from caxton_node.agents.service import AgentService
from caxton_node.agents.views import Glance
from caxton_node.core.errors import NotFound, StateError
from caxton_node.deployment.decide import Deploy, Remove, Rest, Start, Step, Update
from caxton_node.deployment.settings import Settings
from caxton_node.deployment.spec import DeploymentSpec

# What `Change` can say, apart from module, version and limits; the rest needs another deployment.
TOLD_BY_CHANGE = (
    "config", "capabilities", "cpu", "wasm_features", "keeping", "checkpoint_every_s", "batching",
    "protocols", "on_conflict", "manages",
)  # fmt: skip


class Performer:
    """Does to the agents of this node what was decided.

    Args:
        agents: The agents of this node.
        settings: How long drains may take.
    """

    def __init__(self, agents: AgentService, settings: Settings) -> None:
        self._agents = agents
        self._settings = settings

    async def perform(self, step: Step, name: str, spec: DeploymentSpec | None, local: Glance | None) -> None:
        """Carry one step out; when this returns the agent is as it was to be.

        Raises:
            CaxtonError: What went wrong; the agent is as it was before, or gone.
        """
        match step:
            case Deploy() if spec is not None:
                await self._deploy(spec)
            case Update() if spec is not None and local is not None:
                await self._update(spec, local)
            case Start():
                await self._agents.start(name)
            case Rest():
                with suppress(StateError):  # it has stopped meanwhile
                    await self._agents.stop(name, drain_s=self._settings.rest_drain_s)
            case Remove():
                with suppress(NotFound):  # somebody else has removed it
                    await self._agents.undeploy(name, drain_s=self._settings.drain_s)

    async def _deploy(self, spec: DeploymentSpec) -> None:
        async with self._agents.modules.lend(spec.module_sha256) as module:
            # Fetching and compiling may outlast a lease: what is consistent is started by a step of its own.
            start = not spec.is_consistent
            await self._agents.deploy(spec.manifest, module, start=start, tie=spec.consistency.tie)

    async def _update(self, spec: DeploymentSpec, local: Glance) -> None:
        """Make an agent what is wanted: marks and limits in place, anything else by a hot reload."""
        if local.manifest.world != spec.manifest.world:  # its time cannot be continued in another world
            await self._agents.undeploy(spec.name, drain_s=self._settings.drain_s)
            await self._deploy(spec)
            return
        if local.tie is not spec.consistency.tie:
            await self._agents.tie(spec.name, spec.consistency.tie)
        given = _differences(spec, local)
        if local.module_sha256 != spec.module_sha256:
            async with self._agents.modules.lend(spec.module_sha256) as module:
                change = Change(module=module, **given)
                await self._agents.update(spec.name, change, drain_s=self._settings.drain_s)
        elif given:
            await self._agents.update(spec.name, Change(**given), drain_s=self._settings.drain_s)


def _differences(spec: DeploymentSpec, local: Glance) -> dict[str, Any]:
    """Return what a `Change` has to say, apart from the module."""
    old, new = local.manifest, spec.manifest
    given = {name: getattr(new, name) for name in TOLD_BY_CHANGE if getattr(new, name) != getattr(old, name)}
    if new.version != old.version:
        given["version"] = new.version
    before = asdict(old.limits)
    limits = {name: value for name, value in asdict(new.limits).items() if before[name] != value}
    return given | ({"limits": limits} if limits else {})
