"""Deploy, start, stop, restart and remove agents; bring them back when the node starts again.

Commands run on the event loop, one at a time for each agent, and to their end even if the caller hangs up
(`commands.py`); what compiles or runs a guest goes to a thread. What happens after a trap is `reviver.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from time import perf_counter

from caxton_node.agents.admission import Admission
from caxton_node.agents.charge import Announcer, Charge, Roster
from caxton_node.agents.commands import Commands, to_the_end
from caxton_node.agents.instance import Instance, Plant
from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.manifest import Manifest, check_module_size
from caxton_node.agents.modules import ModuleFolder
from caxton_node.agents.readings import read_numbers
from caxton_node.agents.relay import TrapRelay
from caxton_node.agents.reviver import Reviver
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.store import AgentStore, Deployed
from caxton_node.agents.supervision import RestartPolicy, Supervisor
from caxton_node.agents.views import AgentView
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.core.ids import full_name
from caxton_node.fipa import FailureReason
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.engine import CompiledModule, to_binary
from caxton_node.storage import Database

DRAIN_S = 30.0

_log = get_logger("agents")


class AgentService:
    """The agents of this node.

    Args:
        plant: Engine, scheduler and router.
        relay: Connected to this service; the scheduler of the plant tells it of traps.
        database: Where deployments are kept.
        data_dir: Modules are kept below it.
        clock: Time.
        board: Where agents are counted.
        announcer: Makes agents known to the cluster.
        memory_bytes_max: Memory that all agents together may be promised.
        policy: How patient supervision is.
        rng: Source of jitter.

    Attributes:
        commands: The commands under way.
    """

    def __init__(
        self,
        *,
        plant: Plant,
        relay: TrapRelay,
        database: Database,
        data_dir: Path,
        clock: Clock,
        board: Board,
        announcer: Announcer,
        memory_bytes_max: int,
        policy: RestartPolicy | None = None,
        rng: random.Random | None = None,
    ) -> None:
        self._plant = plant
        self._store = AgentStore(database)
        self._modules = ModuleFolder(data_dir / "modules")
        self._shelf = Shelf(self._store, self._modules)
        self.commands = Commands()
        self._clock = clock
        self._policy = policy or RestartPolicy()
        self._rng = rng or random.Random()  # noqa: S311  jitter is no secret
        self._roster = Roster(plant.node_id, announcer)
        self._admission = Admission(self._roster, plant.node_id, memory_bytes_max)
        loop = asyncio.get_running_loop()
        self._reviver = Reviver(roster=self._roster, router=plant.router, clock=clock, board=board, loop=loop)
        self._starts = board.histogram("caxton_agent_start_seconds", source="fresh")
        relay.connect(self._reviver)
        board.collect_from(lambda: read_numbers(self._roster))

    # -- what is there --------------------------------------------------------------------------------------

    def get(self, name: str) -> AgentView:
        """Return what can be told about an agent of this node.

        Raises:
            NotFound: This node has none of this name.
        """
        return self._roster.view(self._roster.get(full_name(name)))

    def views(self) -> list[AgentView]:
        """Return every agent of this node by name."""
        return [self._roster.view(charge) for charge in self._roster]

    def may_register(self, name: str, capability: str) -> bool:
        """Tell whether an agent may register a capability: its manifest grants it, or grants any."""
        if name not in self._roster:
            return False
        granted = self._roster.get(name).row.manifest.capabilities
        return not granted or capability in granted

    # -- commands -------------------------------------------------------------------------------------------

    @to_the_end
    async def deploy(self, manifest: Manifest, module: bytes, *, start: bool = True) -> AgentView:
        """Validate a module, start it as an agent, and keep both.

        Raises:
            InvalidModule: The module cannot be run by this node.
            AlreadyExists: This node has an agent of this name.
            ResourceLimit: Its memory limit does not fit into what this node may still promise.
            DeploymentFailed: The guest did not start. In every case nothing is left of it.
        """
        check_module_size(module)
        with self._admission.reserve(manifest):
            binary = await asyncio.to_thread(to_binary, module)
            compiled = await asyncio.to_thread(self._plant.engine.compile, binary)
            instance = Instance(self._plant, manifest)
            instance.load(compiled)
            desired = State.RUNNING if start else State.LOADED
            row = Deployed(manifest, compiled.sha256, compiled.size, desired, self._now_ms())
            charge = Charge(instance, row, self._supervisor())
            # In charge before it runs, so that a trap in its first message finds it.
            self._roster.add(charge)
            async with charge.lock:
                try:
                    if start:
                        await self._start(charge)
                    await self._shelf.keep(row, binary, compiled.imports)
                except BaseException:
                    await self._abandon(charge)
                    raise
        self._roster.announce(charge)
        _log.info("agent deployed", agent=instance.id, module=compiled.sha256[:12], state=str(instance.state))
        return self._roster.view(charge)

    @to_the_end
    async def start(self, name: str) -> AgentView:
        """Start an agent that is loaded, stopped or failed; its failures are forgotten.

        Raises:
            NotFound: This node has none of this name.
            StateError: It is running or draining.
            DeploymentFailed: The guest did not start; it is Failed.
        """
        async with self._command(name) as charge:
            await self._bring_up(charge)
            return self._roster.view(charge)

    @to_the_end
    async def stop(self, name: str, *, drain_s: float = DRAIN_S) -> tuple[AgentView, int]:
        """Drain an agent and stop it; it stays deployed and stays stopped when the node starts again.

        Returns:
            Its view, and how many messages went back to their senders.

        Raises:
            NotFound: This node has none of this name.
            StateError: It is not running.
        """
        async with self._command(name) as charge:
            returned = await self._bring_down(charge, drain_s)
            await self._store.set_desired(charge.name, State.STOPPED, self._now_ms())
            self._roster.announce(charge)
            return self._roster.view(charge), returned

    @to_the_end
    async def restart(self, name: str) -> AgentView:
        """Replace the sandbox by a fresh one; what waits in the mailbox is kept.

        Raises:
            NotFound: This node has none of this name.
            DeploymentFailed: The guest did not start; it is Failed.
        """
        async with self._command(name) as charge:
            if charge.instance.is_in(State.RUNNING):
                charge.instance.step(Event.DRAIN)
                await charge.instance.halt()
                if charge.instance.is_in(State.DRAINING):
                    charge.instance.step(Event.STOP)
            await self._bring_up(charge)
            return self._roster.view(charge)

    @to_the_end
    async def undeploy(self, name: str, *, drain_s: float = DRAIN_S) -> int:
        """Drain an agent and remove it; returns how many messages went back to their senders.

        Raises:
            NotFound: This node has none of this name.
        """
        async with self._command(name) as charge:
            returned = 0
            if not charge.instance.is_in(State.LOADED, State.STOPPED):
                returned = await self._bring_down(charge, drain_s)
            await self._shelf.forget(charge.row)
            charge.instance.step(Event.REMOVE)
            self._roster.remove(charge)
            self._roster.withdraw(charge)
            _log.info("agent removed", agent=charge.instance.id, returned=returned)
            return returned

    # -- with the node --------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Bring every agent back to where it was when the node stopped, and its waiting messages with it.

        An agent that cannot be brought back is Failed and says why; the node starts all the same.
        """
        for row in await self._store.read_all():
            state = State.STOPPED if row.desired is State.STOPPED else State.UNLOADED
            charge = Charge(Instance(self._plant, row.manifest, state=state), row, self._supervisor())
            self._roster.add(charge)
            try:
                if state is State.UNLOADED:
                    charge.instance.load(await self._module_of(charge))
                if row.desired is State.RUNNING:
                    await self._start(charge)
            except CaxtonError as err:
                self._fail(charge, err)
            self._roster.announce(charge)
        self._roster.withdraw_others()
        if spooled := await self._store.read_spool():
            self._plant.router.reroute([frame for _, frame in spooled], FailureReason.AGENT_STOPPED)
            await self._store.delete_spool(spooled[-1][0])

    async def close(self) -> None:
        """Stop every agent for the end of the node; what waits is kept for the next start."""
        await self._reviver.close()
        await self.commands.close()
        for charge in self._roster:
            async with charge.lock:
                await charge.instance.halt()
                left = charge.instance.close_mailbox()
                if left:
                    await self._store.spool(charge.name, left, self._now_ms())

    # -- parts of the commands ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _command(self, name: str) -> AsyncIterator[Charge]:
        charge = self._roster.get(full_name(name))
        async with charge.lock:
            self._roster.get(charge.name)  # it may have been removed while this command waited
            yield charge

    async def _bring_up(self, charge: Charge) -> None:
        charge.cancel_restart()
        charge.supervisor.reset()
        charge.restarts = 0
        instance = charge.instance
        if instance.is_in(State.STOPPED, State.FAILED):
            await instance.halt()
            module = await self._module_of(charge)
            instance.load(module)
        try:
            await self._start(charge)
        except CaxtonError as err:
            if instance.is_in(State.LOADED):
                self._fail(charge, err)
            raise
        finally:
            self._roster.announce(charge)
        await self._store.set_desired(charge.name, State.RUNNING, self._now_ms())

    async def _bring_down(self, charge: Charge, drain_s: float) -> int:
        charge.cancel_restart()
        instance = charge.instance
        if not instance.is_in(State.FAILED):
            instance.begin_drain()
            self._roster.announce(charge)  # first the route, then the drain
            await instance.wait_drained(drain_s)
        await instance.halt()
        if instance.is_in(State.DRAINING):
            instance.step(Event.STOP)
        return self._return_mail(charge)

    async def _start(self, charge: Charge) -> None:
        started_at = perf_counter()
        await charge.instance.start()
        self._starts.observe(perf_counter() - started_at)

    async def _abandon(self, charge: Charge) -> None:
        """Leave nothing of a deployment that failed."""
        charge.cancel_restart()
        await charge.instance.halt()
        self._return_mail(charge)
        self._roster.remove(charge)

    def _fail(self, charge: Charge, err: CaxtonError) -> None:
        charge.instance.step(Event.FAIL)
        charge.last_error = str(err)
        self._return_mail(charge)
        _log.error("agent did not start", agent=charge.instance.id, detail=str(err))

    def _return_mail(self, charge: Charge) -> int:
        left = charge.instance.close_mailbox()
        self._plant.router.reroute(left, FailureReason.AGENT_STOPPED)
        return len(left)

    async def _module_of(self, charge: Charge) -> CompiledModule:
        """Return an agent's machine code, compiled from its file if that was not needed before."""
        compiled = charge.instance.module
        if compiled is not None:
            return compiled
        return await asyncio.to_thread(self._compile_kept, charge.row.module_sha256)

    def _compile_kept(self, sha256: str) -> CompiledModule:
        return self._plant.engine.compile(self._modules.read(sha256))

    def _supervisor(self) -> Supervisor:
        return Supervisor(self._policy, self._rng)

    def _now_ms(self) -> int:
        return self._clock.unix_us() // 1000
