"""When things happen: each node looks at what should run on it, and does the next step for each deployment.

It looks when something has changed (a deployment, an instance anywhere, a member, the side of a split), a few
times a second for what only time changes, and at everything twice a minute.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable, Collection, Iterable

from caxton_node.agents.module_announcing import KIND as MODULE
from caxton_node.agents.service import AgentService
from caxton_node.cluster.changes import Change, MemberChanged
from caxton_node.cluster.partitions import PartitionChanged
from caxton_node.core.clock import Clock
from caxton_node.core.events import EventBus
from caxton_node.deployment import reports, spec_form
from caxton_node.deployment.attempts import Attempts
from caxton_node.deployment.book import Book
from caxton_node.deployment.changing import Changes
from caxton_node.deployment.foreman import Foreman
from caxton_node.deployment.module_holder import ModuleHolder
from caxton_node.deployment.module_keeping import Wanted
from caxton_node.deployment.performing import Performer
from caxton_node.deployment.ports import ClusterPort
from caxton_node.deployment.readiness import Readiness
from caxton_node.deployment.reports import Reports
from caxton_node.deployment.scene import Scene
from caxton_node.deployment.settings import Settings
from caxton_node.deployment.slices import Slices
from caxton_node.deployment.spec import DeploymentSpec
from caxton_node.deployment.status import DeploymentStatus, status_of
from caxton_node.deployment.telling import Teller
from caxton_node.deployment.viewpoint import Viewpoint
from caxton_node.deployment.workshop import Workshop
from caxton_node.observability import Board, Reading
from caxton_node.observability.board import reading
from caxton_node.observability.logs import get_logger
from caxton_node.registry import Registry
from caxton_node.registry.entry import Entry

TURN_S = 0.25
SETTLE_S = 0.02
"""Changes mostly come in several pieces; what is decided after the last one need not be decided again."""
EVERYTHING_EVERY_S = 30.0
MODULES_EVERY_S = 1.0

_log = get_logger("deployment")

Listener = Callable[[Collection[str]], None]


class DeploymentService:
    """Runs on this node what of the cluster's deployments falls to it.

    Args:
        cluster: Who is there.
        registry: What is wanted, and who runs what.
        agents: The agents of this node.
        bus: Tells of members and splits.
        board: Where steps are counted.
        clock: Time.
        settings: When things happen.

    Attributes:
        book: The deployments, as this node knows them.
        changes: Creates, changes and deletes deployments.
    """

    def __init__(
        self,
        *,
        cluster: ClusterPort,
        registry: Registry,
        agents: AgentService,
        bus: EventBus,
        board: Board,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.book = Book()
        self._reports = Reports()
        self.changes = Changes(self.book, self._reports, registry, agents, clock)
        self._registry = registry
        self._agents = agents
        self._clock = clock
        self._view = Viewpoint(
            cluster=cluster,
            registry=registry,
            agents=agents,
            reports=self._reports,
            clock=clock,
            settings=settings,
        )
        self._readiness = Readiness(cluster, registry, clock, alone_s=settings.alone_s)
        attempts = self._attempts = Attempts(settings)
        endings = self._endings = Attempts(settings)
        self._teller = Teller(registry, self._reports, cluster.node_id, clock)
        self._workshop = Workshop(
            performer=Performer(agents, settings),
            teller=self._teller,
            attempts=attempts,
            endings=endings,
            board=board,
            clock=clock,
            on_end=lambda name: self._note({name}),
            may_rise=self._may_rise,
        )
        self._foreman = Foreman(
            book=self.book,
            attempts=attempts,
            endings=endings,
            teller=self._teller,
            workshop=self._workshop,
            clock=clock,
        )
        self._holder = ModuleHolder(
            agents.modules, registry, cluster.node_id, needs=self.book.needs, clock=clock
        )
        self._had_lease = False
        self._dirty: set[str] = set()
        self._is_all_dirty = True
        self._wake = asyncio.Event()
        self._looked_at = clock.now()
        self._held_at = float("-inf")
        self._is_settled = False
        self._listeners: tuple[Listener, ...] = ()
        self._task: asyncio.Task[None] | None = None
        registry.watch(spec_form.KIND, lambda entries: self._note(self.book.take(entries)))
        registry.watch(reports.KIND, lambda entries: self._note(self._reports.take(entries)))
        registry.watch(MODULE, self._note_modules)
        registry.subscribe(self._note_known)
        bus.subscribe(MemberChanged, self._handle_member)
        bus.subscribe(PartitionChanged, lambda _changed: self._note_all())
        board.collect_from(self._collect)

    def start(self) -> None:
        """Begin to look; not before the node gossips, so that it is not alone for long."""
        self.book.take(self._registry.entries(spec_form.KIND))
        self._reports.take(self._registry.entries(reports.KIND))
        self._readiness.begin()
        self._view.beating.start()
        self._task = asyncio.create_task(self._run(), name="deployments")

    async def close(self) -> None:
        """Stop looking, and let the steps under way come to an end."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)
        await self._workshop.close()
        await self._view.beating.close()
        await self._holder.close()

    # -- what can be told -----------------------------------------------------------------------------------

    def status(self, name: str) -> DeploymentStatus | None:
        """Return how a deployment (`tenant/name`) is, as this node knows; None if there is none."""
        spec = self.book.find(name)
        return None if spec is None else self._status(spec, self._view.scene())

    async def statuses(self) -> AsyncIterator[DeploymentStatus]:
        """Yield how all deployments are, by name; others get their turns in between."""
        scene, slices = self._view.scene(), Slices(self._clock)
        for spec in self.book:
            if slices.is_over:
                await slices.rest()
                scene = self._view.scene()
            yield self._status(spec, scene)

    def follow(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` with deployments that may have changed, until the returned function is called."""
        self._listeners = (*self._listeners, listener)

        def unfollow() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unfollow

    def _status(self, spec: DeploymentSpec, scene: Scene) -> DeploymentStatus:
        instances = self._registry.instances(spec.name)
        said = self._reports.of(spec.name)
        return status_of(spec, scene.place(spec), said, instances, alive=scene.alive)

    # -- what happens ---------------------------------------------------------------------------------------

    def _handle_member(self, changed: MemberChanged) -> None:
        node, now = changed.member.node_id, self._clock.now()
        match changed.change:
            case Change.DIED:
                self._view.absences.note_died(node, now)
            case Change.LEFT:
                self._view.absences.note_left(node, now)
            case Change.JOINED:
                self._view.absences.note_back(node, now)
            case Change.SUSPECTED | Change.REFUTED:
                return
        self._note_all()

    def _note_known(self, names: Collection[str]) -> None:
        self._note({name for name in names if self.book.find(name) is not None})

    def _note_modules(self, _entries: Iterable[Entry]) -> None:
        self._holder.is_due = True

    def _note(self, names: Collection[str]) -> None:
        if names:
            self._dirty.update(names)
            self._wake.set()

    def _note_all(self) -> None:
        self._is_all_dirty = True
        self._wake.set()

    # -- turns ----------------------------------------------------------------------------------------------

    async def _run(self) -> None:
        while True:
            try:
                async with asyncio.timeout(TURN_S):
                    await self._wake.wait()
                await asyncio.sleep(SETTLE_S)
            except TimeoutError:
                pass
            self._wake.clear()
            try:
                await self._turn()
            except Exception:  # noqa: BLE001 - one bad turn must not end all that follow
                _log.exception("a turn of the deployments failed")

    async def _turn(self) -> None:
        now = self._clock.now()
        self._dirty.update(self._attempts.take_due(now) + self._endings.take_due(now))
        is_due = now - self._looked_at >= EVERYTHING_EVERY_S
        if self._view.absences.take_due(now) or is_due:
            self._is_all_dirty = True
        if not self._may_begin():
            return
        self._mind_lease()
        names = self._take_dirty(now)
        await self._look(names)
        if names or is_due:  # a module may have been taken in for a deployment that did not come about
            self._holder.is_due = True
        await self._mind_modules(now)

    async def _look(self, names: Collection[str]) -> None:
        scene, slices = self._view.scene(), Slices(self._clock)
        for name in names:
            if slices.is_over:
                scene = await self._rest(slices)
            self._foreman.look(name, scene)
        changed = frozenset(names)
        for listener in self._listeners if changed else ():
            listener(changed)

    async def _mind_modules(self, now: float) -> None:
        """Look after modules, now and then: that takes the placement of every deployment."""
        if not self._holder.is_due or now - self._held_at < MODULES_EVERY_S:
            return
        self._held_at = now
        wanted: list[Wanted] = []
        scene, slices = self._view.scene(), Slices(self._clock)
        for spec in self.book:
            if slices.is_over:
                scene = await self._rest(slices)
            placement = scene.place(spec)
            wanted.append(Wanted(spec.module_sha256, frozenset((*placement.chosen, *placement.spares))))
        self._view.placements.forget_others(self.book)
        self._holder.look(wanted, scene.alive)

    async def _rest(self, slices: Slices) -> Scene:
        """Let others have a turn in a long round; a lease lost meanwhile does not wait."""
        await slices.rest()
        scene = self._view.scene()
        if self._mind_lease():
            for name in sorted(self._foreman.leased - self.book.unreadable):
                self._foreman.look(name, scene)
        return scene

    def _mind_lease(self) -> bool:
        """Tell whether this node has got the lease or lost it, and look again at what is consistent then."""
        self._view.beating.need(is_needed=bool(self._foreman.leased))
        has_lease = self._view.has_lease
        has_changed = has_lease != self._had_lease
        if has_changed:
            self._had_lease = has_lease
            self._dirty |= self._foreman.leased
        return has_changed

    def _may_rise(self, spec: DeploymentSpec) -> bool:
        """Tell whether a deployment is still wanted just so, and may be run on this side of a split."""
        return self.book.find(spec.name) == spec and (
            not spec.is_consistent or self._view.scene().is_majority
        )

    def _take_dirty(self, now: float) -> list[str]:
        names, self._dirty = self._dirty, set()
        if self._is_all_dirty:
            self._is_all_dirty, self._looked_at = False, now
            names |= {spec.name for spec in self.book}
            names |= {found.manifest.name for found in self._agents.replicas()}
        return sorted(names - self.book.unreadable)

    def _may_begin(self) -> bool:
        if not self._is_settled and self._readiness.is_there:
            self._is_settled = True
            self._teller.withdraw_unless({spec.name for spec in self.book})
        return self._is_settled

    def _collect(self) -> list[Reading]:
        states = Counter(found.state.value for found in self._agents.replicas())
        return [
            reading("caxton_deployments", len(self.book)),
            *(
                reading("caxton_deployment_replicas", states[state], state=state.lower())
                for state in ("Running", "Stopped", "Failed")
            ),
        ]
