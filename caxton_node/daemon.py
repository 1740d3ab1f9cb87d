"""What a node is made of: built in the order of need, closed in reverse.

    files -> store -> cluster -> registry -> messages -> agents -> tasks -> API -> gossip

Each block says why it comes where it does. There is no logic here: whoever looks for a rule finds it in the
package that the block opens. `settings.py` translates configuration, `vitals.py` reads the numbers.
"""

from __future__ import annotations

import asyncio
import gc
import random
import resource
import signal
import sys
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import AsyncExitStack
from typing import Any

import uvloop

from caxton_node import __version__
from caxton_node.agents.admission import Quota
from caxton_node.agents.announcing import RegistryAnnouncer, RouteKeeper
from caxton_node.agents.chronicle import Chronicle
from caxton_node.agents.grants import Grants
from caxton_node.agents.instance import Plant
from caxton_node.agents.module_sources import ModuleSources
from caxton_node.agents.relay import TrapRelay
from caxton_node.agents.service import AgentService
from caxton_node.agents.validation import TrialSettings, Validator
from caxton_node.api.grpc.server import GrpcServer
from caxton_node.api.grpc.server import Settings as GrpcSettings
from caxton_node.api.pipeline import Pipeline
from caxton_node.api.services import Check, Services
from caxton_node.client.endpoint import SOCKET_NAME
from caxton_node.cluster.addresses import advertised_address, resolve
from caxton_node.cluster.agreement import Book
from caxton_node.cluster.changes import Change, MemberChanged, PeerLost
from caxton_node.cluster.diary import Diary
from caxton_node.cluster.facts import NodeFacts
from caxton_node.cluster.files import NodeFiles, read_node_files
from caxton_node.cluster.joining import DATABASE
from caxton_node.cluster.keys import GossipKeys
from caxton_node.cluster.rotation import Rotation
from caxton_node.cluster.service import Cluster
from caxton_node.cluster.sponsor import Sponsor
from caxton_node.cluster.store import ClusterStore
from caxton_node.config import Config
from caxton_node.core.clock import SystemClock
from caxton_node.core.errors import CaxtonError
from caxton_node.core.events import EventBus
from caxton_node.messaging import Clients, Outbound, Router, RouteTable
from caxton_node.messaging.conversation_store import ConversationStore
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.dead_letter_office import DeadLetterOffice
from caxton_node.messaging.directory import DIRECTORY, Directory
from caxton_node.messaging.durable.post import DurablePost
from caxton_node.messaging.exchange import Exchange
from caxton_node.messaging.receipts import Receipts
from caxton_node.messaging.recollection import Recollection
from caxton_node.messaging.store import DeadLetterStore
from caxton_node.messaging.traces import Traces
from caxton_node.observability import Board, configure_logs, get_logger
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.exporters.prometheus import PrometheusExporter
from caxton_node.observability.sources import database_source
from caxton_node.observability.systemd import Systemd
from caxton_node.registry import Registry
from caxton_node.registry import Settings as RegistrySettings
from caxton_node.registry.shared_tokens import SharedTokens
from caxton_node.runtime.code_cache import CodeCache
from caxton_node.runtime.compiler import ChildCompiler
from caxton_node.runtime.engine import Engine, EngineSettings
from caxton_node.runtime.pool import Pool
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S, Scheduler
from caxton_node.security import Tokens
from caxton_node.settings import (
    compile_limits,
    durable_settings,
    gossip_encryption,
    guest_memory_bytes,
    keeping_settings,
    mesh_settings,
    pool_settings,
    swim_settings,
    trust_settings,
)
from caxton_node.storage import Database, owned
from caxton_node.tasks import Settings as TaskSettings
from caxton_node.tasks import TaskService, TaskStore
from caxton_node.trust import TrustService
from caxton_node.vitals import Vitals
from swim import Identity, Keyring, Membership

TICK_S = 0.25
SAVE_MEMBERS_S = 5.0

_log = get_logger("daemon")


def run(config: Config) -> int:
    """Run the node until SIGTERM or SIGINT; return the exit code.

    Raises:
        CaxtonError: The node could not start; nothing is left open.
    """
    configure_logs(level=config.log.level, format=config.log.format)
    # Workers and the loop share one interpreter lock; Python's default of 5 ms would starve the loop.
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    _allow_all_descriptors()
    return uvloop.run(_serve(config))


async def _serve(config: Config) -> int:
    async with AsyncExitStack() as stack:
        node = Daemon(config, stack)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, node.leave)
        await node.open()
        gc.freeze()  # what a node is made of lives as long as it does; full collections need not look at it
        systemd = Systemd()
        systemd.ready(f"{node.files.node_id} of cluster {node.files.cluster}")
        _log.info("node is up", node=node.files.node_id, cluster=node.files.cluster, **node.listening())
        node.in_background(systemd.keep_watchdog_fed(), "watchdog")
        await node.stop.wait()
        systemd.stopping()
        _log.info("node is going down", node=node.files.node_id)
    return 0


class Daemon:
    """The parts of one running node; implements `api.services.DaemonPort`.

    Args:
        config: Its settings.
        stack: Closes what was opened, in reverse.
    """

    def __init__(self, config: Config, stack: AsyncExitStack) -> None:
        self.config = config
        self.stop = asyncio.Event()
        self.files: NodeFiles = read_node_files(config.data.dir)
        self._stack = stack
        self._clock = SystemClock()
        self._bus = EventBus()
        self._board = Board()
        self._listening: dict[str, str] = {}
        self._started_at = self._clock.now()

    async def open(self) -> None:
        """Open everything; when this returns the node serves.

        Raises:
            CaxtonError: What is wrong; the stack closes what was opened before.
        """
        await self._open_store()
        await self._open_cluster()
        await self._open_registry()
        await self._open_messages()
        await self._open_agents()
        await self._open_tasks()
        await self._open_api()
        self._open_metrics()
        await self._start_gossip()

    async def _open_store(self) -> None:
        """First, since everything later reads what it kept; and a corrupt file must stop the node early."""
        data_dir = self.config.data.dir
        self._stack.enter_context(owned(data_dir))
        self._database = await self._stack.enter_async_context(await Database.open(data_dir / DATABASE))
        # Closed after all that opens later: until the last link is down, messages die.
        self._last = await self._stack.enter_async_context(AsyncExitStack())
        self._tokens = Tokens(self._database, self._clock)
        self._members = ClusterStore(self._database)
        await self._members.claim(self.files.node_id, self.files.cluster)
        # Seconds since 1970 at least, so that a store restored from a backup cannot bring an old epoch back.
        self._epoch = await self._members.raise_epoch(self._clock.unix_us() // 1_000_000)

    async def _open_cluster(self) -> None:
        """The port, so that a taken one is known before any agent starts; nothing is sent yet."""
        files, mesh = self.files, self.config.mesh
        self._cluster = Cluster(
            credentials=files.credentials,
            settings=mesh_settings(self.config),
            epoch=self._epoch,
            clock=self._clock,
            bus=self._bus,
        )
        self._stack.push_async_callback(self._cluster.close)
        port = await self._cluster.open(mesh.host, mesh.port)
        address = advertised_address(mesh.host, port, mesh.advertise)
        facts = NodeFacts("", __version__, files.authority is not None)
        identity = Identity(files.node_id, address, self._epoch, facts.pack())
        encryption = gossip_encryption(self.config)
        keyring = Keyring(files.cluster, files.gossip_keys, encryption=encryption)
        rng = random.Random()  # noqa: S311  probes and gossip need no secret chance
        swim = swim_settings(self.config)
        core = Membership(identity, swim, keyring, rng)
        book = Book(await self._members.read_book())
        self._cluster.take(core, book, probe_interval_s=swim.probe_interval_s)
        self._keys = GossipKeys(
            keyring=keyring,
            data_dir=self.config.data.dir,
            cluster=self._cluster,
            known=[*files.sponsor, *await self._members.read_known()],
            rng=rng,
        )
        self._rotation = Rotation(self._cluster, self._keys)
        self._trust = TrustService(
            files=files,
            data_dir=self.config.data.dir,
            cluster=self._cluster,
            rotation=self._rotation,
            bus=self._bus,
            clock=self._clock,
            settings=trust_settings(self.config),
            rng=rng,
        )
        self._trust.revoking.void_join_tokens = self._tokens.void_join_tokens
        self._keys.before_take_over = self._trust.compare_with
        self._stack.push_async_callback(self._trust.close)
        self._cluster.sides.keep = self._members.save_book
        self._diary = Diary(self._database, self._bus, self._clock, files.node_id)
        self._stack.push_async_callback(self._diary.close)
        self._listening["mesh"] = f"{address[0]}:{port}"

    async def _open_registry(self) -> None:
        """Before messages, whose routes come from it."""
        settings = RegistrySettings(sync_interval_s=self.config.registry.sync_interval_s)
        self._registry = Registry(
            cluster=self._cluster,
            database=self._database,
            clock=self._clock,
            settings=settings,
            rng=random.Random(),  # noqa: S311  a choice of neighbours
        )
        await self._registry.open()
        self._stack.push_async_callback(self._registry.close)
        self._board.collect_from(self._registry.collect)
        self._cluster.sides.count_conflicts = self._registry.count_conflicts
        shared = SharedTokens(self._registry)
        await shared.publish(self._tokens)
        self._tokens.find_elsewhere = shared.find

    async def _open_messages(self) -> None:
        """Before agents, which send with their first breath; what they were amid is taken up before that."""
        loop = asyncio.get_running_loop()
        node_id = self.files.node_id
        routes, messaging = RouteTable(), self.config.messaging
        outbound = Outbound(loop, self._cluster.send)
        RouteKeeper(self._registry, routes)
        self._router = Router(
            node_id=node_id,
            routes=routes,
            clock=self._clock,
            loop=loop,
            remote=outbound,
            conversations=Conversations(
                messages_max=messaging.conversation_messages_max,
                idle_us=round(messaging.conversation_idle_s * 1e6),
            ),
            traces=Traces(messaging.trace_share),
            receipts=Receipts(messaging.receipts_max),
        )
        self._dead_letters = DeadLetterOffice(
            letters=self._router.dead_letters,
            store=DeadLetterStore(self._database),
            resend=self._router.resend,
            clock=self._clock,
            settings=keeping_settings(self.config),
        )
        await self._dead_letters.open()
        self._last.push_async_callback(self._dead_letters.close)
        self._durable = DurablePost(
            self._router.office,
            database=self._database,
            node_id=node_id,
            clock=self._clock,
            settings=durable_settings(self.config),
            peers=self._cluster,
        )
        self._durable.keep_letters_by(self._dead_letters.flush)
        self._router.keep_durable(self._durable)
        await self._durable.open()
        self._last.push_async_callback(self._durable.close)
        recollection = Recollection(self._router, ConversationStore(self._database), self._clock)
        await recollection.open()
        self._last.push_async_callback(recollection.close)
        self._clearing = self._router.fence_moves(self._cluster, self._board)
        self._grants = Grants(self._registry)
        directory = Directory(node_id, self._grants, self._router.submit)
        self._router.add_platform_agent(DIRECTORY, directory.handle)
        self._stack.push_async_callback(Exchange(self._cluster, outbound, self._router).close)
        self._bus.subscribe(MemberChanged, self._handle_member)
        self._bus.subscribe(PeerLost, lambda lost: self._router.handle_node_died(lost.node, lost.undelivered))
        self.in_background(self._tick(), "router-tick")

    async def _open_agents(self) -> None:
        """Engine and workers, then every agent that was deployed, in the state in which it was."""
        settings = EngineSettings(module_bytes_max=self.config.agents.module_bytes_max)
        compiler = ChildCompiler(settings, compile_limits(self.config))
        self._stack.callback(compiler.close)
        codes = CodeCache(
            self.config.data.dir / "code", settings, bytes_max=self.config.runtime.code_bytes_max
        )
        engine = Engine(settings, compiler=compiler, codes=codes)
        self._stack.callback(engine.close)
        relay = TrapRelay()
        self._scheduler = Scheduler(self._router, relay, self.config.runtime.workers or None)
        self._stack.callback(self._scheduler.close)
        self._pool = Pool(engine, pool_settings(self.config))
        self._stack.callback(self._pool.close)
        trials = TrialSettings(memory_bytes_max=guest_memory_bytes(self.config))
        self._validator = Validator(engine, self.files.node_id, self._clock, trials)
        self._stack.push_async_callback(self._validator.close)
        chronicle = Chronicle(self._database, self._bus, self._clock)
        self._agents = AgentService(
            plant=Plant(
                node_id=self.files.node_id,
                engine=engine,
                scheduler=self._scheduler,
                router=self._router,
                pool=self._pool,
                chronicle=chronicle,
                clock=self._clock,
            ),
            relay=relay,
            database=self._database,
            data_dir=self.config.data.dir,
            bus=self._bus,
            board=self._board,
            announcer=RegistryAnnouncer(self._registry, self.files.node_id),
            whole=Quota(guest_memory_bytes(self.config), self.config.runtime.agents_max),
            peers=ModuleSources(self._cluster, self._registry),
        )
        self._grants.connect(self._agents.may_register)
        await self._agents.restore()
        self._durable.start()
        self._stack.push_async_callback(self._agents.close)
        self._stack.push_async_callback(self._clearing.close)  # what waits for a move goes before agents do
        self._vitals = Vitals(
            router=self._router,
            scheduler=self._scheduler,
            cluster=self._cluster,
            database=self._database,
            agents=self._agents,
            pool=self._pool,
            dead_letters=self._dead_letters,
            trust=self._trust,
        )

    async def _open_tasks(self) -> None:
        """After agents, who do the work; what an earlier life of this node left unfinished ends here."""
        settings = self.config.tasks
        self._tasks = TaskService(
            office=self._router,
            registry=self._registry,
            store=TaskStore(self._database, settings.kept_max),
            board=self._board,
            clock=self._clock,
            settings=TaskSettings(running_max=settings.running_max),
        )
        await self._tasks.open()
        self._stack.push_async_callback(self._tasks.close)

    async def _open_api(self) -> None:
        """After agents: a call that is answered is answered in full."""
        files = self.files
        sponsor = Sponsor(
            cluster_name=files.cluster,
            cluster=self._cluster,
            tokens=self._tokens,
            trust=self._trust.signing,
            gossip_keys=lambda: self._keys.ring.keys,
        )
        services = Services(
            cluster_name=files.cluster,
            started_at=self._started_at,
            clock=self._clock,
            config=self.config,
            board=self._board,
            bus=self._bus,
            tokens=self._tokens,
            sponsor=sponsor,
            keys=self._rotation,
            trust=self._trust,
            cluster=self._cluster,
            registry=self._registry,
            router=self._router,
            clients=Clients(self._router),
            dead_letters=self._dead_letters,
            tap=self._router.tap,
            agents=self._agents,
            validator=self._validator,
            tasks=self._tasks,
            diary=self._diary,
            daemon=self,
        )
        grpc = self.config.grpc
        socket_path = self.config.data.dir / SOCKET_NAME
        settings = GrpcSettings(
            socket_path=socket_path,
            host=grpc.host if grpc.enabled else "",
            port=grpc.port,
            key_pem=self._trust.held.bundle.key_pem,
            chain_pem=self._trust.held.chain_pem,
        )
        server = GrpcServer(Pipeline(services), files.node_id, settings)
        port = await server.open()
        self._stack.push_async_callback(server.close)
        self._trust.listen(lambda held: server.use_certificate(held.bundle.key_pem, held.chain_pem))
        self._listening["socket"] = f"unix:{socket_path}"
        if port:
            self._listening["grpc"] = f"{grpc.host}:{port}"

    def _open_metrics(self) -> None:
        """Late, since it reads from all of the above."""
        self._board.collect_from(self._vitals.readings)
        self._board.collect_from(self._trust.expiry.readings)
        self._board.collect_from(database_source(self._database))
        if self.config.metrics.enabled:
            checks = self._vitals.checks
            exporter = PrometheusExporter(self._board, health=checks, ready=checks)
            host = self.config.metrics.host
            self._listening["metrics"] = f"{host}:{exporter.open(host, self.config.metrics.port)}"
            self._stack.callback(exporter.close)

    async def _start_gossip(self) -> None:
        """Last: from here on others send us work."""
        remembered = await self._members.read_addresses()
        seeds = [*await resolve(self.files.seeds), *remembered]
        self._cluster.start(list(dict.fromkeys(seeds)))
        self._cluster.tell(self._facts())
        self._trust.listen(lambda _held: self._cluster.tell(self._facts()))
        self._trust.start()
        self._agents.mend()
        self._stack.push_async_callback(self._save_members)  # after the goodbye, which changes who counts
        self._stack.push_async_callback(self._cluster.leave)
        self.in_background(self._keep_members(), "members-saver")
        self.in_background(self._keys.watch(), "gossip-keys")

    # -- api.services.DaemonPort ----------------------------------------------------------------------------

    def listening(self) -> Mapping[str, str]:
        """Return what this node listens on: mesh, grpc, socket, metrics."""
        return dict(self._listening)

    def gossip_bytes(self) -> tuple[int, int]:
        """Return the bytes of gossip received and sent since the start."""
        statistics = self._cluster.membership.statistics
        return statistics.bytes_in, statistics.bytes_out

    def health_score(self) -> int:
        """Return SWIM's local health score; 0 is healthy."""
        return self._cluster.membership.health

    async def checks(self) -> Sequence[Check]:
        """Return the health of the node's parts."""
        await self._database.read("SELECT 1")
        return [Check(check.name, check.ok, check.detail) for check in self._vitals.checks()]

    def leave(self) -> None:
        """Begin to leave the cluster and stop; returns at once."""
        self.stop.set()

    # -- background -----------------------------------------------------------------------------------------

    def in_background(self, work: Coroutine[Any, Any, None], name: str) -> None:
        """Run something until the node closes; if a bug ends it before, that is logged."""
        task = asyncio.create_task(work, name=name)
        task.add_done_callback(tell_of_bug)
        self._stack.callback(task.cancel)

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(TICK_S)
            try:
                self._router.tick(self._clock.unix_us())
            except Exception:  # noqa: BLE001 - one bad turn must not end every deadline after it
                _log.exception("a turn of the router's clock failed")

    async def _keep_members(self) -> None:
        while True:
            await asyncio.sleep(SAVE_MEMBERS_S)
            self._cluster.warn_of_strangers()
            await self._save_members()

    async def _save_members(self) -> None:
        others = [member for member in self._cluster.members() if member.node_id != self.files.node_id]
        try:
            await self._members.save_members(others, self._clock.unix_us() // 1000)
            await self._members.save_book(self._cluster.sides.lines())
        except CaxtonError as err:  # a full disk passes; the next turn saves the same again
            _log.warning("the members were not saved", reason=str(err))

    def _handle_member(self, changed: MemberChanged) -> None:
        if changed.member.is_live:
            self._router.handle_node_alive(changed.member.node_id)
        member = changed.member
        self._durable.handle_member(member.node_id, member.epoch, is_live=member.is_live)
        if changed.change is Change.JOINED:
            self._registry.handle_member_joined(changed.member.node_id)
        elif changed.change in {Change.DIED, Change.LEFT}:
            self._registry.handle_member_gone(changed.member.node_id)

    def _facts(self) -> NodeFacts:
        return NodeFacts(self._listening.get("grpc", ""), __version__, self._trust.signs)


def _allow_all_descriptors() -> None:
    """Raise the soft limit of open files to the hard one; a soft 1024 is for programs that use select()."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
