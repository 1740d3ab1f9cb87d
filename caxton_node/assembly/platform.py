"""The platform agents that serve agents: between their service, to which `ams` gives commands, and them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from caxton_node import __version__
from caxton_node.agents.service import AgentService
from caxton_node.ams import AMS, AgentManagement, Platform, Timers
from caxton_node.assembly.company import Company
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.knowledge import Knowledge
from caxton_node.assembly.mail import Mail
from caxton_node.assembly.store import Store
from caxton_node.kv import KEYS, Keys
from caxton_node.settings import key_settings


@dataclass(frozen=True, slots=True)
class PlatformAgents:
    """Those that need more than messages; `df` comes with the mail.

    Attributes:
        keys: Answers to `kv`.
        ams: Answers to `ams`.
    """

    keys: Keys
    ams: AgentManagement

    @classmethod
    async def open(
        cls,
        *,
        ground: Ground,
        store: Store,
        company: Company,
        knowledge: Knowledge,
        mail: Mail,
        agents: AgentService,
    ) -> Self:
        """Let them answer; agents ask as soon as they run."""
        keys = Keys(
            node_id=ground.node_id,
            submit=mail.router.submit,
            database=store.database,
            registry=knowledge.registry,
            clock=ground.clock,
            settings=key_settings(ground.config),
            pace=mail.pace,
        )
        mail.router.add_platform_agent(KEYS, keys.handle)
        ground.stack.push_async_callback(keys.close)
        ground.board.collect_from(keys.collect)
        ams = AgentManagement(
            platform=Platform(ground.node_id, ground.files.cluster, __version__, company.cluster.alive_nodes),
            office=mail.router,
            database=store.database,
            registry=knowledge.registry,
            agents=agents,
            bus=ground.bus,
            clock=ground.clock,
            pace=mail.pace,
            timers=Timers(each_max=ground.config.agents.timers_max),
        )
        await ams.open()
        mail.router.add_platform_agent(AMS, ams.handle)
        ground.board.collect_from(ams.collect)
        return cls(keys, ams)
