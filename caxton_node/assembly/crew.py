"""Engine and workers, then every agent that was deployed, in the state in which it was."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from caxton_node.agents.admission import Quota
from caxton_node.agents.announcing import RegistryAnnouncer
from caxton_node.agents.chronicle import Chronicle
from caxton_node.agents.instance import Plant
from caxton_node.agents.module_announcing import ModuleAnnouncer
from caxton_node.agents.module_sources import ModuleSources
from caxton_node.agents.name_conflicts import NameConflicts
from caxton_node.agents.relay import TrapRelay
from caxton_node.agents.service import AgentService
from caxton_node.agents.validation import TrialSettings, Validator
from caxton_node.assembly.company import Company
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.knowledge import Knowledge
from caxton_node.assembly.mail import Mail
from caxton_node.assembly.platform import PlatformAgents
from caxton_node.assembly.store import Store
from caxton_node.operations.components import check_agents, check_workers
from caxton_node.runtime.code_cache import CodeCache
from caxton_node.runtime.compiler import ChildCompiler
from caxton_node.runtime.engine import Engine, EngineSettings
from caxton_node.runtime.pool import Pool
from caxton_node.runtime.scheduler import Scheduler
from caxton_node.settings import compile_limits, guest_memory_bytes, name_settings, pool_settings


@dataclass(frozen=True, slots=True)
class Machinery:
    """What runs guests.

    Attributes:
        engine: Compiles and instantiates.
        relay: Tells of traps.
        scheduler: The workers.
        pool: Instances that wait to be used.
        validator: Tries modules.
    """

    engine: Engine
    relay: TrapRelay
    scheduler: Scheduler
    pool: Pool
    validator: Validator

    @classmethod
    def open(cls, ground: Ground, mail: Mail) -> Self:
        """Start the workers."""
        config, stack = ground.config, ground.stack
        settings = EngineSettings(module_bytes_max=config.agents.module_bytes_max)
        compiler = ChildCompiler(settings, compile_limits(config))
        stack.callback(compiler.close)
        codes = CodeCache(config.data.dir / "code", settings, bytes_max=config.runtime.code_bytes_max)
        engine = Engine(settings, compiler=compiler, codes=codes)
        stack.callback(engine.close)
        relay = TrapRelay()
        scheduler = Scheduler(mail.router, relay, config.runtime.workers or None)
        stack.callback(scheduler.close)
        pool = Pool(engine, pool_settings(config))
        stack.callback(pool.close)
        trials = TrialSettings(memory_bytes_max=guest_memory_bytes(config))
        validator = Validator(engine, ground.node_id, ground.clock, trials)
        stack.push_async_callback(validator.close)
        return cls(engine, relay, scheduler, pool, validator)


@dataclass(frozen=True, slots=True)
class Crew:
    """The agents of this node.

    Attributes:
        machinery: Runs them.
        agents: Deploys, starts, stops, supervises them.
        platform: What they ask.
    """

    machinery: Machinery
    agents: AgentService
    platform: PlatformAgents

    @classmethod
    async def open(
        cls, ground: Ground, store: Store, company: Company, knowledge: Knowledge, mail: Mail
    ) -> Self:
        """Bring back what was deployed."""
        stack = ground.stack
        machinery = Machinery.open(ground, mail)
        announcer = RegistryAnnouncer(knowledge.registry, ground.node_id)
        agents = AgentService(
            plant=_make_plant(ground, store, mail, machinery),
            relay=machinery.relay,
            database=store.database,
            data_dir=ground.config.data.dir,
            bus=ground.bus,
            board=ground.board,
            announcer=announcer,
            whole=Quota(guest_memory_bytes(ground.config), ground.config.runtime.agents_max),
            peers=ModuleSources(company.cluster, knowledge.registry),
            holdings=ModuleAnnouncer(knowledge.registry, ground.node_id),
        )
        ground.health.add({"workers": check_workers(machinery.scheduler), "agents": check_agents(agents)})
        mail.grants.connect(agents.may_register)
        platform = await PlatformAgents.open(
            ground=ground, store=store, company=company, knowledge=knowledge, mail=mail, agents=agents
        )
        await agents.restore()
        mail.durable.start()
        platform.ams.start()
        stack.push_async_callback(agents.close)
        stack.push_async_callback(platform.ams.close)
        names = NameConflicts(
            agents=agents,
            claims=announcer.claims,
            registry=knowledge.registry,
            book=knowledge.conflicts,
            submit=mail.router.submit,
            node_id=ground.node_id,
            bus=ground.bus,
            settings=name_settings(ground.config),
        )
        await names.open()
        stack.push_async_callback(names.close)
        stack.push_async_callback(mail.clearing.close)  # what waits for a move goes before agents do
        return cls(machinery, agents, platform)


def _make_plant(ground: Ground, store: Store, mail: Mail, machinery: Machinery) -> Plant:
    return Plant(
        node_id=ground.node_id,
        engine=machinery.engine,
        scheduler=machinery.scheduler,
        router=mail.router,
        pool=machinery.pool,
        chronicle=Chronicle(store.database, ground.bus, ground.clock),
        clock=ground.clock,
    )
