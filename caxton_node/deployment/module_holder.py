"""Holds and lets go of modules behind the turns of the service; `module_keeping.py` says which.

What was planned is old when it is done: fetches take seconds, and meanwhile deployments are created. So a
module is let go only if two plans in a row, some seconds apart, found that nobody needs it, and if that still
holds at that moment.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Sequence

from caxton_node.agents.module_announcing import ModuleHolders
from caxton_node.agents.module_library import ModuleLibrary
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.deployment.module_keeping import Plan, Wanted, plan
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.registry import Registry

LET_GO_AFTER_S = 2.0

_log = get_logger("deployment")


class ModuleHolder:
    """Keeps this node's disk in step with what deployments need of it.

    Args:
        modules: The modules of this node and the way to others.
        registry: Who has which.
        node_id: This node.
        needs: Tells whether any deployment needs a module at this moment.
        clock: Time.

    Attributes:
        is_due: Something has changed that may matter.
    """

    def __init__(
        self,
        modules: ModuleLibrary,
        registry: Registry,
        node_id: str,
        *,
        needs: Callable[[str], bool],
        clock: Clock,
    ) -> None:
        self.is_due = False
        self._modules = modules
        self._holders = ModuleHolders(registry)
        self._node_id = node_id
        self._needs = needs
        self._clock = clock
        self._idle_since: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    def look(self, wanted: Sequence[Wanted], alive: Collection[str]) -> None:
        """Begin to fetch and to let go what the placement asks for, unless that is under way."""
        if self._task is not None:
            self.is_due = True
            return
        self.is_due = False
        self._task = asyncio.create_task(self._keep(wanted, frozenset(alive)), name="deployment-modules")
        self._task.add_done_callback(tell_of_bug)
        self._task.add_done_callback(self._end)

    async def close(self) -> None:
        """Break off what is under way; what has come is kept."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    def _end(self, _task: asyncio.Task[None]) -> None:
        self._task = None

    async def _keep(self, wanted: Sequence[Wanted], alive: Collection[str]) -> None:
        held = await self._modules.held()
        holders = [
            (sha256, node)
            for sha256 in {each.sha256 for each in wanted} | held
            for node in self._holders.of(sha256)
            if node in alive
        ]
        found = plan(self._node_id, wanted, held, holders)
        await self._fetch(found)
        await self._let_go(found, {each.sha256 for each in wanted})

    async def _fetch(self, found: Plan) -> None:
        for sha256 in sorted(found.fetch):
            try:
                await self._modules.hold(sha256)
            except CaxtonError as err:  # the next look tries again
                _log.warning("a module of a deployment is not here", module=sha256[:12], reason=str(err))

    async def _let_go(self, found: Plan, planned: Collection[str]) -> None:
        now = self._clock.now()
        self._idle_since = {sha256: self._idle_since.get(sha256, now) for sha256 in found.let_go}
        for sha256, since in sorted(self._idle_since.items()):
            if self._needs(sha256) and sha256 not in planned:
                continue  # a deployment needs it since the plan was made, or none that can be read does
            if now - since < LET_GO_AFTER_S:
                self.is_due = True
            else:
                await self._modules.let_go(sha256)
