"""The daemon: opens the parts of a node in the order of need, waits, and closes them in reverse.

    store -> company -> knowledge -> mail -> crew -> work -> API -> metrics -> gossip

`assembly/` has the parts, one file each, which says why it comes where it does; `settings.py` translates
configuration, `vitals.py` reads the numbers.
"""

from __future__ import annotations

import asyncio
import gc
import resource
import signal
import sys
from collections.abc import Mapping
from contextlib import AsyncExitStack

import uvloop

from caxton_node.api.services import Services
from caxton_node.assembly.callers import make_identity
from caxton_node.assembly.company import Company
from caxton_node.assembly.crew import Crew
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.judgement import Judgement
from caxton_node.assembly.knowledge import Knowledge
from caxton_node.assembly.mail import Mail
from caxton_node.assembly.store import Store
from caxton_node.assembly.surface import open_api, open_metrics
from caxton_node.assembly.vigil import begin_vigil
from caxton_node.assembly.work import Work
from caxton_node.cluster.files import NodeFiles
from caxton_node.cluster.sponsor import Sponsor
from caxton_node.config import Config
from caxton_node.messaging import Clients
from caxton_node.observability import configure_logs, get_logger
from caxton_node.observability.systemd import Systemd
from caxton_node.operations import Health, Phase, Report
from caxton_node.registry.shared_limits import SharedLimits
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from caxton_node.vitals import Vitals

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
        node.ground.health.listen(systemd.show)
        _log.info("node is up", node=node.files.node_id, cluster=node.files.cluster, **node.listening())
        node.ground.in_background(systemd.keep_watchdog_fed(node.is_alive), "watchdog")
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
        self.ground = Ground(config, stack)
        self.stop = asyncio.Event()
        self.store: Store
        self.company: Company
        self.knowledge: Knowledge
        self.judgement: Judgement
        self.mail: Mail
        self.crew: Crew
        self.work: Work
        self.vitals: Vitals

    @property
    def files(self) -> NodeFiles:
        """Return who this node is."""
        return self.ground.files

    async def open(self) -> None:
        """Open everything; when this returns the node serves.

        Raises:
            CaxtonError: What is wrong; the stack closes what was opened before.
        """
        ground = self.ground
        begin_vigil(ground)
        self.store = store = await Store.open(ground)
        self.company = company = await Company.open(ground, store)
        self.knowledge = knowledge = await Knowledge.open(ground, store, company)
        self.judgement = Judgement.open(ground, knowledge)
        self.mail = mail = await Mail.open(ground, store, company, knowledge)
        self.crew = crew = await Crew.open(ground, store, company, knowledge, mail)
        self.work = await Work.open(
            ground=ground, store=store, company=company, knowledge=knowledge, mail=mail, crew=crew
        )
        self.vitals = self._gather_vitals()
        await open_api(ground, store, company, self._gather_services())
        open_metrics(ground, store, company, self.vitals)
        await company.start()
        crew.agents.mend()
        self.work.start(ground)
        await ground.health.enter(Phase.SERVING)

    # -- api.services.DaemonPort ----------------------------------------------------------------------------

    def listening(self) -> Mapping[str, str]:
        """Return what this node listens on: mesh, grpc, socket, metrics."""
        return dict(self.ground.listening)

    def gossip_bytes(self) -> tuple[int, int]:
        """Return the bytes of gossip received and sent since the start."""
        statistics = self.company.cluster.membership.statistics
        return statistics.bytes_in, statistics.bytes_out

    def health_score(self) -> int:
        """Return SWIM's local health score; 0 is healthy."""
        return self.company.cluster.membership.health

    @property
    def health(self) -> Health:
        """Return the latest report on this node, for probes."""
        return self.ground.health.health

    def is_alive(self) -> bool:
        """Return whether this process can go on."""
        return self.health.report().is_alive

    async def look(self) -> Report:
        """Look at every part of the node now; in less than a second."""
        return await self.ground.health.look()

    def leave(self) -> None:
        """Begin to leave the cluster and stop; returns at once."""
        self.ground.health.leave()
        self.stop.set()

    # -- what reads from all parts --------------------------------------------------------------------------

    def _gather_vitals(self) -> Vitals:
        return Vitals(
            router=self.mail.router,
            scheduler=self.crew.machinery.scheduler,
            cluster=self.company.cluster,
            database=self.store.database,
            agents=self.crew.agents,
            pool=self.crew.machinery.pool,
            dead_letters=self.mail.dead_letters,
            trust=self.company.trust,
        )

    def _gather_services(self) -> Services:
        ground, company = self.ground, self.company
        sponsor = Sponsor(
            cluster_name=self.files.cluster,
            cluster=company.cluster,
            tokens=self.store.tokens,
            trust=company.trust.signing,
            gossip_keys=lambda: company.keys.ring.keys,
        )
        return Services(
            cluster_name=self.files.cluster,
            started_at=ground.started_at,
            clock=ground.clock,
            config=ground.config,
            board=ground.board,
            bus=ground.bus,
            tokens=self.store.tokens,
            api_keys=self.knowledge.api_keys,
            identity=make_identity(ground, company, self.knowledge),
            access=self.judgement.access,
            roles=self.judgement.roles,
            audit=self.judgement.audit,
            limits=ground.limits,
            shared_limits=SharedLimits(self.knowledge.registry, ground.limits.use),
            sponsor=sponsor,
            keys=company.rotation,
            trust=company.trust,
            cluster=company.cluster,
            registry=self.knowledge.registry,
            finder=self.knowledge.finder,
            watches=self.knowledge.watches,
            conflicts=self.knowledge.conflicts,
            router=self.mail.router,
            clients=Clients(self.mail.router),
            dead_letters=self.mail.dead_letters,
            tap=self.mail.router.tap,
            agents=self.crew.agents,
            agent_keys=self.crew.platform.keys,
            validator=self.crew.machinery.validator,
            tasks=self.work.tasks,
            deployments=self.work.deployments,
            diary=company.diary,
            storage=self.store.storage,
            daemon=self,
        )


def _allow_all_descriptors() -> None:
    """Raise the soft limit of open files to the hard one; a soft 1024 is for programs that use select()."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
