"""Deploy, start, stop, restart, change and remove agents; bring them back when the node starts again.

Commands run on the event loop, one at a time for each agent, and to their end even if the caller hangs up
(`commands.py`); what compiles or runs a guest goes to a thread. What happens after a trap is `reviver.py`,
how one version takes the place of another `hot_reload.py`.
"""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from caxton_node.agents.admission import Admission, Quota, Quotas
from caxton_node.agents.change import Change
from caxton_node.agents.charge import Announcer, Charge, Roster
from caxton_node.agents.checkpoints import CheckpointStore
from caxton_node.agents.chronicle import AgentMoved
from caxton_node.agents.commands import Commands, to_the_end
from caxton_node.agents.compiling import Compiling
from caxton_node.agents.draining import Drainer
from caxton_node.agents.failures import of_error
from caxton_node.agents.grants import is_granted
from caxton_node.agents.hot_reload import HotReload
from caxton_node.agents.instance import Instance, Plant
from caxton_node.agents.keeper import Keeper
from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.loss import Loss
from caxton_node.agents.manifest import Manifest, check_module_size
from caxton_node.agents.mending import Mender
from caxton_node.agents.module_announcing import Holdings
from caxton_node.agents.module_exchange import ModuleExchange, PeersPort
from caxton_node.agents.module_library import ModuleLibrary
from caxton_node.agents.module_uploads import ModuleUploads
from caxton_node.agents.modules import ModuleFolder
from caxton_node.agents.readings import read_numbers
from caxton_node.agents.relay import TrapRelay
from caxton_node.agents.reviver import Reviver
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.starting import Starter
from caxton_node.agents.store import AgentStore, Deployed, Tie
from caxton_node.agents.supervision import RestartPolicy, Supervisor
from caxton_node.agents.updating import Updater
from caxton_node.agents.views import AgentView, Glance
from caxton_node.agents.violations import ViolationBook
from caxton_node.core.errors import CaxtonError, CorruptStore, NotFound
from caxton_node.core.events import EventBus
from caxton_node.core.ids import full_name
from caxton_node.core.name_filter import read_filter
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger
from caxton_node.storage import Database

DRAIN_S = 30.0

_log = get_logger("agents")


class AgentService:
    """The agents of this node.

    Args:
        plant: What instances share.
        relay: Connected to this service; the scheduler of the plant tells it of traps.
        database: Where deployments are kept.
        data_dir: Modules are kept below it.
        bus: Where limits that were passed are published.
        board: Where agents are counted.
        announcer: Makes agents known to the cluster.
        whole: What all agents together may be promised.
        quotas: What each tenant may be promised; by default as much.
        policy: How patient supervision is.
        rng: Source of jitter.
        peers: Where modules that other nodes have come from; None on a node without a cluster.
        holdings: Makes known which modules are here; None tells nobody.

    Attributes:
        commands: The commands under way.
        modules: Lends modules by their digest.
    """

    def __init__(
        self,
        *,
        plant: Plant,
        relay: TrapRelay,
        database: Database,
        data_dir: Path,
        bus: EventBus,
        board: Board,
        announcer: Announcer,
        whole: Quota,
        quotas: Quotas | None = None,
        policy: RestartPolicy | None = None,
        rng: random.Random | None = None,
        peers: PeersPort | None = None,
        holdings: Holdings | None = None,
    ) -> None:
        self._plant = plant
        self._store = AgentStore(database)
        folder = ModuleFolder(data_dir / "modules")
        self._shelf = Shelf(self._store, folder, holdings)
        largest = plant.engine.settings.module_bytes_max
        self._exchange = None if peers is None else ModuleExchange(folder, peers, board, largest)
        self._mender = None if self._exchange is None else Mender(self._exchange, self._revive, self._give_up)
        uploads = ModuleUploads(folder, self._shelf, plant.clock, largest)
        self.modules = ModuleLibrary(self._shelf, self._exchange, plant.clock, uploads)
        self.commands = Commands()
        self._clock = clock = plant.clock
        self._policy = policy or RestartPolicy()
        self._rng = rng or random.Random()  # noqa: S311  jitter is no secret
        self._roster = Roster(plant.node_id, announcer)
        self._admission = Admission(plant.node_id, whole, quotas)
        self._violations = ViolationBook(bus, board)
        self._starter = Starter(CheckpointStore(database), board, self._violations, clock)
        self._hot_reload = HotReload(plant, self._roster, self._starter, board)
        self._drainer = Drainer(plant.router, self._roster, self._starter)
        self._compiling = Compiling(plant.engine, self._shelf, self._exchange)
        self._updater = Updater(
            plant=plant,
            roster=self._roster,
            admission=self._admission,
            shelf=self._shelf,
            hot_reload=self._hot_reload,
            compiling=self._compiling,
        )
        self._keeper = Keeper(
            plant=plant,
            roster=self._roster,
            store=self._store,
            admission=self._admission,
            starter=self._starter,
            hot_reload=self._hot_reload,
            violations=self._violations,
        )
        loop = asyncio.get_running_loop()
        self._reviver = Reviver(
            roster=self._roster,
            router=plant.router,
            starter=self._starter,
            store=self._store,
            violations=self._violations,
            clock=clock,
            board=board,
            loop=loop,
        )
        relay.connect(self._reviver)
        plant.router.on_violation(self._violations.note)
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

    def find_state(self, name: str) -> State | None:
        """Return where an agent (`tenant/name`) is in its life, None if it is not here."""
        return self._roster.get(name).instance.state if name in self._roster else None

    def replicas(self) -> list[Glance]:
        """Return the agents of this node that are replicas of deployments; any thread."""
        return [charge.glance() for charge in self._roster.replicas()]

    def glance(self, name: str) -> Glance | None:
        """Return what deployments are decided by of an agent (`tenant/name`), None if it is not here."""
        return self._roster.get(name).glance() if name in self._roster else None

    def failed(self) -> Iterator[str]:
        """Yield the instances that are Failed; any thread."""
        return (charge.instance.id for charge in self._roster if charge.instance.state is State.FAILED)

    def awaited(self) -> Iterator[str]:
        """Yield the agents that are to run and are being brought back; any thread."""
        patient = self._mender.patient if self._mender is not None else ()
        for charge in self._roster:
            is_new = charge.instance.state is State.UNLOADED and charge.row.desired is State.RUNNING
            if is_new or charge.name in patient:
                yield charge.instance.id

    async def history(self, name: str) -> list[AgentMoved]:
        """Return the latest moves of an agent, newest first.

        Raises:
            NotFound: This node has none of this name.
        """
        return await self._plant.chronicle.read(self._roster.get(full_name(name)).name)

    def may_register(self, name: str, capability: str) -> bool:
        """Tell whether an agent may register a capability: its manifest grants it, or grants any."""
        if name not in self._roster:
            return False
        return is_granted(self._roster.get(name).row.manifest.capabilities, capability)

    def may_manage(self, name: str, other: str) -> bool:
        """Tell whether an agent may start and stop another (`tenant/name` both): its manifest says so."""
        if name not in self._roster:
            return False
        return any(other in read_filter(text) for text in self._roster.get(name).row.manifest.manages)

    # -- commands -------------------------------------------------------------------------------------------

    @to_the_end
    async def deploy(
        self, manifest: Manifest, module: bytes, *, start: bool = True, tie: Tie = Tie.NONE
    ) -> AgentView:
        """Validate a module, start it as an agent, and keep both.

        Args:
            manifest: What is asked for.
            module: Binary or text.
            start: Leave it Running, else Loaded.
            tie: Whether it is a replica of a deployment.

        Raises:
            InvalidModule: The module cannot be run by this node.
            AlreadyExists: This node has an agent of this name.
            ResourceLimit: Its memory limit does not fit into what this node may still promise.
            DeploymentFailed: The guest did not start. In every case nothing is left of it.
        """
        check_module_size(module)
        with self._admission.reserve(manifest):
            binary, compiled = await self._compiling.new(module, manifest)
            instance = Instance(self._plant, manifest)
            instance.load(compiled)
            desired = State.RUNNING if start else State.LOADED
            row = Deployed(manifest, compiled.sha256, compiled.size, desired, self._now_ms(), tie=tie)
            charge = self._take_in_charge(instance, row)
            # In charge before it runs, so that a trap in its first message finds it.
            self._roster.add(charge)
            async with charge.lock:
                try:
                    if start:
                        await self._starter.start(charge, afresh=True)
                    await self._shelf.keep(row, binary, compiled.imports, self._now_ms())
                except BaseException:
                    await self._abandon(charge)
                    raise
        self._roster.announce(charge)
        self._roster.claim(charge)
        _log.info("agent deployed", agent=instance.id, module=compiled.sha256[:12], state=str(instance.state))
        return self._roster.view(charge)

    @asynccontextmanager
    async def taking_in(self, module: bytes, manifest: Manifest) -> AsyncIterator[str]:
        """Check a module and hold it for a deployment, whether this node is to run it or not.

        It gives the digest of the module's binary form; while the context lasts nobody lets the module go, so
        that there is time to write down who needs it.

        Raises:
            InvalidModule: It cannot be run.
            ResourceLimit: Compiling it takes too much.
        """
        check_module_size(module)
        binary, compiled = await self._compiling.new(module, manifest)
        with self.modules.spoken_for(compiled.sha256):
            held = self._shelf.hold(compiled.sha256, binary, compiled.imports, self._now_ms())
            await self.commands.finish(held)
            yield compiled.sha256

    @to_the_end
    async def update(self, name: str, change: Change, *, drain_s: float = DRAIN_S) -> AgentView:
        """Change an agent while it runs: its limits at once, anything else by a hot reload.

        Args:
            name: The agent.
            change: What shall be different.
            drain_s: How long an old version may finish what it began; it does so after this returns.

        Raises:
            NotFound: This node has none of this name.
            InvalidArgument: The change cannot be made; nothing was changed.
            InvalidModule: The module cannot be run by this node; nothing was changed.
            ResourceLimit: The new memory limit does not fit; nothing was changed.
            DeploymentFailed: The new version did not start, or not with the old one's state; that goes on.
        """
        async with self._command(name) as charge:
            await self._updater.update(charge, change, drain_s)
            if change.needs_reload:
                self._roster.claim(charge)
            return self._roster.view(charge)

    @to_the_end
    async def tie(self, name: str, tie: Tie) -> AgentView:
        """Mark a replica as one of the other consistency.

        Raises:
            NotFound: This node has none of this name.
        """
        async with self._command(name) as charge:
            row = replace(charge.row, tie=tie)
            await self._shelf.rewrite(row, self._now_ms())
            self._roster.set_row(charge, row)
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
            StateError: It neither runs nor waits for a restart.
        """
        async with self._command(name) as charge:
            if charge.timer is None:  # one that waits for its restart is left Failed
                charge.instance.check(Event.DRAIN)
            returned = await self._bring_down(charge, drain_s)
            return self._roster.view(charge), returned

    @to_the_end
    async def restart(self, name: str) -> AgentView:
        """Replace the sandbox by a fresh one; what waits in the mailbox is kept, what it knew is not.

        Raises:
            NotFound: This node has none of this name.
            DeploymentFailed: The guest did not start; it is Failed.
        """
        async with self._command(name) as charge:
            await self._hot_reload.finish(charge)
            if charge.instance.is_in(State.RUNNING):
                charge.instance.step(Event.DRAIN)
                await charge.instance.halt()
                if charge.instance.is_in(State.DRAINING):
                    charge.instance.step(Event.STOP)
            await self._starter.drop(charge.name)
            await self._bring_up(charge)
            return self._roster.view(charge)

    @to_the_end
    async def undeploy(self, name: str, *, drain_s: float = DRAIN_S) -> int:
        """Drain an agent and remove it; returns how many messages went back to their senders.

        Raises:
            NotFound: This node has none of this name.
        """
        async with self._command(name) as charge:
            await self._hot_reload.finish(charge)
            returned = 0
            if not charge.instance.is_in(State.LOADED, State.STOPPED):
                returned = await self._drainer.bring_down(charge, drain_s)
            await self._shelf.forget(charge.row)
            charge.instance.step(Event.REMOVE)
            self._roster.remove(charge)
            self._roster.withdraw(charge)
            self._admission.release(charge.name)
            await self._plant.chronicle.forget(charge.name)
            _log.info("agent removed", agent=charge.instance.id, returned=returned)
            return returned

    # -- names that were lost -------------------------------------------------------------------------------

    def find_up(self, name: str) -> Deployed | None:
        """Return what is deployed here by `tenant/name` and runs or is to run again; None if nothing is."""
        row = self._roster.get(name).row if name in self._roster else None
        return row if row is not None and row.desired is State.RUNNING else None

    @to_the_end
    async def give_way(self, name: str, loss: Loss, *, notice_s: float, drain_s: float) -> bool:
        """Tell an agent that it has lost its name, and stop it unless it is to go on all the same.

        Args:
            name: The agent.
            loss: What happened, judged again once no other command is under way.
            notice_s: How long it may take to handle what it is told, before it is drained.
            drain_s: How long it may drain.

        Returns:
            Whether it had lost its name.

        Raises:
            NotFound: This node has none of this name.
        """
        async with self._command(name) as charge:
            if not loss.holds():
                return False
            if charge.instance.is_in(State.RUNNING):
                charge.instance.step(Event.OVERRULED, loss.reason)
                loss.tell()
            if loss.stops:
                await self._drainer.wait_idle(charge.instance, notice_s)
                await self._bring_down(charge, drain_s)
            return True

    # -- with the node --------------------------------------------------------------------------------------

    async def restore(self) -> None:
        """Bring every agent back to where it was when the node stopped, and its waiting messages with it.

        An agent that cannot be brought back is Failed and says why; the node starts all the same.
        """
        await self._shelf.sweep()
        await self._keeper.restore(self._take_in_charge, self._bring_back)

    def mend(self) -> None:
        """Fetch modules that were lost, and bring their agents back; for when the node is among others."""
        if self._mender is not None:
            self._mender.start()

    async def close(self) -> None:
        """Stop every agent for the end of the node; what it knows and what waits is kept for the next."""
        if self._mender is not None and self._exchange is not None:
            await self._mender.close()
            await self._exchange.close()
        await self._keeper.stop()
        await self._reviver.close()
        await self.commands.close()
        await self._keeper.put_to_sleep()
        self._plant.threads.shutdown(wait=False)

    # -- parts of the commands ------------------------------------------------------------------------------

    @asynccontextmanager
    async def _command(self, name: str) -> AsyncIterator[Charge]:
        charge = self._roster.get(full_name(name))
        async with charge.lock:
            if self._roster.get(charge.name) is not charge:
                hint = "try again: another one of this name was deployed meanwhile"
                raise NotFound(f"the agent {name} has been removed", hint=hint)
            yield charge

    def _take_in_charge(self, instance: Instance, row: Deployed) -> Charge:
        return Charge(instance, row, Supervisor(self._policy, self._rng), failure=row.failure)

    async def _bring_back(self, charge: Charge) -> None:
        try:
            await self._load(charge)
            if charge.row.desired is State.RUNNING:
                await self._starter.start(charge)
        except CorruptStore as err:
            if self._mender is None:
                await self._fail(charge, err)
                return
            await self._reviver.note_failure(charge, of_error(err, self._now_ms()))
            self._mender.note(charge)
            _log.warning("agent waits for its module", agent=charge.instance.id, detail=str(err))
        except CaxtonError as err:
            await self._fail(charge, err)

    async def _revive(self, charge: Charge) -> None:
        """Bring an agent back whose module has come; the caller holds its lock."""
        try:
            await self._load(charge)
            if charge.row.desired is State.RUNNING:
                await self._starter.start(charge)
        except CaxtonError as err:
            if charge.instance.is_in(State.LOADED):
                await self._fail(charge, err)
            else:
                self._give_up(charge)
        else:
            charge.failure = None
            await self._store.set_failure(charge.name, None, self._now_ms())
            _log.info("agent brought back with a module of another node", agent=charge.instance.id)
        self._roster.announce(charge)

    def _give_up(self, charge: Charge) -> None:
        self._drainer.return_mail(charge.instance)
        _log.error("agent did not start: its module is lost", agent=charge.instance.id)

    async def _bring_down(self, charge: Charge, drain_s: float) -> int:
        """Drain and stop an agent for good; returns how many messages went back to their senders."""
        await self._hot_reload.finish(charge)
        # First, so that a node that dies meanwhile does not bring it back.
        running = charge.instance.is_in(State.RUNNING)
        await self._set_desired(charge, State.STOPPED if running else State.FAILED)
        returned = await self._drainer.bring_down(charge, drain_s)
        self._roster.announce(charge)
        return returned

    async def _bring_up(self, charge: Charge) -> None:
        charge.begin_anew()
        instance = charge.instance
        if instance.is_in(State.STOPPED, State.FAILED):
            await instance.halt()
            await self._load(charge)
        instance.check(Event.START)
        try:
            await self._starter.start(charge)
        except CaxtonError as err:
            if instance.is_in(State.LOADED):
                await self._fail(charge, err)
            raise
        finally:
            self._roster.announce(charge)
        self._roster.claim_again(charge)
        await self._set_desired(charge, State.RUNNING)
        await self._store.set_failure(charge.name, None, self._now_ms())

    async def _load(self, charge: Charge) -> None:
        """Load an agent's instance, from its file if its machine code was not needed before."""
        module = charge.instance.module
        if module is None:
            _, module = await self._compiling.kept(charge.row, charge.row.manifest)
        charge.instance.load(module)

    async def _set_desired(self, charge: Charge, state: State) -> None:
        await self._store.set_desired(charge.name, state, self._now_ms())
        charge.row = replace(charge.row, desired=state)

    async def _abandon(self, charge: Charge) -> None:
        """Leave nothing of a deployment that failed."""
        charge.cancel_restart()
        self._roster.remove(charge)
        await charge.instance.halt()
        self._drainer.return_mail(charge.instance)

    async def _fail(self, charge: Charge, err: CaxtonError) -> None:
        await self._reviver.note_failure(charge, of_error(err, self._now_ms()))
        self._drainer.return_mail(charge.instance)
        _log.error("agent did not start", agent=charge.instance.id, detail=str(err))

    def _now_ms(self) -> int:
        return self._clock.unix_us() // 1000
