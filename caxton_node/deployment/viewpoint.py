"""From where this node looks: what it remembers between turns goes into the scene of each."""

from __future__ import annotations

from caxton_node.agents.service import AgentService
from caxton_node.core.clock import Clock
from caxton_node.deployment.absences import Absences
from caxton_node.deployment.beating import Beating
from caxton_node.deployment.lease import lease_s
from caxton_node.deployment.placements import Placements
from caxton_node.deployment.ports import ClusterPort
from caxton_node.deployment.reports import Reports
from caxton_node.deployment.scene import Scene
from caxton_node.deployment.settings import Settings
from caxton_node.registry import Registry


class Viewpoint:
    """Makes scenes.

    Args:
        cluster: Who is there.
        registry: Who runs what.
        agents: What runs here.
        reports: What others say of their replicas.
        clock: Time.
        settings: When things happen.

    Attributes:
        absences: Who is gone and still counted.
        beating: Keeps the lease of this node.
        placements: Those of earlier turns.
    """

    def __init__(
        self,
        *,
        cluster: ClusterPort,
        registry: Registry,
        agents: AgentService,
        reports: Reports,
        clock: Clock,
        settings: Settings,
    ) -> None:
        self.absences = Absences(
            restart_grace_s=settings.restart_grace_s,
            takeover_delay_s=settings.takeover_delay_s,
            return_settle_s=settings.return_settle_s,
        )
        self.beating = Beating(cluster, clock)
        self.placements = Placements()
        self._cluster = cluster
        self._registry = registry
        self._agents = agents
        self._reports = reports
        self._clock = clock
        self._settings = settings

    @property
    def has_lease(self) -> bool:
        """Return whether this node may run what is consistent, if it is on the majority's side."""
        return self.beating.lease.holds(self._clock.now(), self._cluster.sides.standpoint.agreed)

    def scene(self) -> Scene:
        """Return the world as it is now."""
        agreed = self._cluster.sides.standpoint.agreed
        self.absences.takeover_delay_s = lease_s(len(agreed)) + self._settings.takeover_delay_s
        return Scene(
            cluster=self._cluster,
            registry=self._registry,
            agents=self._agents,
            reports=self._reports,
            absences=self.absences,
            placements=self.placements,
            has_lease=self.has_lease,
            settings=self._settings,
            now=self._clock.now(),
        )
