"""What nodes do together with agents: deployments, which outlive nodes, and tasks, which agents bid for.

After agents, who do the work; what an earlier life of this node left unfinished ends here.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

from caxton_node.assembly.company import Company
from caxton_node.assembly.crew import Crew
from caxton_node.assembly.ground import Ground
from caxton_node.assembly.knowledge import Knowledge
from caxton_node.assembly.mail import Mail
from caxton_node.assembly.store import Store
from caxton_node.deployment import DeploymentService
from caxton_node.settings import deployment_settings
from caxton_node.tasks import Settings as TaskSettings
from caxton_node.tasks import TaskService, TaskStore


@dataclass(frozen=True, slots=True)
class Work:
    """Deployments and tasks.

    Attributes:
        deployments: Begins when there is gossip, since nodes place together.
        tasks: Of this node's clients.
    """

    deployments: DeploymentService
    tasks: TaskService

    @classmethod
    async def open(
        cls, *, ground: Ground, store: Store, company: Company, knowledge: Knowledge, mail: Mail, crew: Crew
    ) -> Self:
        """Read what there is to do."""
        deployments = DeploymentService(
            cluster=company.cluster,
            registry=knowledge.registry,
            agents=crew.agents,
            bus=ground.bus,
            board=ground.board,
            clock=ground.clock,
            settings=deployment_settings(ground.config),
        )
        settings = ground.config.tasks
        tasks = TaskService(
            office=mail.router,
            registry=knowledge.registry,
            store=TaskStore(store.database, settings.kept_max),
            board=ground.board,
            clock=ground.clock,
            settings=TaskSettings(running_max=settings.running_max),
        )
        await tasks.open()
        ground.stack.push_async_callback(tasks.close)
        return cls(deployments, tasks)

    def start(self, ground: Ground) -> None:
        """Begin to do what falls to this node; it ends before the goodbye, which is no split."""
        self.deployments.start()
        ground.stack.push_async_callback(self.deployments.close)
