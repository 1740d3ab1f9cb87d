"""What a node sees when it decides: who is there, who runs what, what others say."""

from __future__ import annotations

from collections.abc import Iterable

from caxton_node.agents.service import AgentService
from caxton_node.agents.views import Glance
from caxton_node.cluster.facts import facts_of
from caxton_node.cluster.partitions import PartitionView
from caxton_node.deployment.absences import Absences
from caxton_node.deployment.constraints import Candidate
from caxton_node.deployment.decide import Outlook
from caxton_node.deployment.placement import Placement
from caxton_node.deployment.placements import Placements
from caxton_node.deployment.ports import ClusterPort
from caxton_node.deployment.reports import ReplicaState, Reports, is_replica, refusals
from caxton_node.deployment.settings import Settings
from caxton_node.deployment.spec import DeploymentSpec
from caxton_node.deployment.spec_form import KIND
from caxton_node.registry import Registry

TOLD_OF_GENERATION = frozenset({ReplicaState.RUNNING, ReplicaState.STANDING_IN})


class Scene:
    """The world of one turn; members and labels are read once.

    Args:
        cluster: Who is there.
        registry: Who runs what.
        agents: What runs here.
        reports: What others say of their replicas.
        absences: Who is gone and still counted.
        placements: Those of earlier turns.
        has_lease: This node may run what is consistent.
        settings: Labels of this node.
        now: Monotonic.
    """

    def __init__(
        self,
        *,
        cluster: ClusterPort,
        registry: Registry,
        agents: AgentService,
        reports: Reports,
        absences: Absences,
        placements: Placements,
        has_lease: bool,
        settings: Settings,
        now: float,
    ) -> None:
        self._cluster = cluster
        self._registry = registry
        self._agents = agents
        self._reports = reports
        self._settings = settings
        self._placements = placements
        self._alive = frozenset(cluster.alive_nodes()) | {cluster.node_id}
        self._candidates = {
            is_consistent: placements.settle(
                self._gather(self._alive | absences.counted(now, is_consistent=is_consistent)),
                is_consistent=is_consistent,
            )
            for is_consistent in (False, True)
        }
        self._unsure = absences.unsure(now)
        self._has_compared = registry.tally.equal + registry.tally.differed > 0
        self.is_majority = has_lease and cluster.sides.standpoint.view is PartitionView.MAJORITY

    @property
    def alive(self) -> frozenset[str]:
        """Return the nodes that are alive, this one among them."""
        return self._alive

    def place(self, spec: DeploymentSpec) -> Placement:
        """Return where a deployment belongs."""
        refused = refusals(self._reports.of(spec.name), spec.generation)
        return self._placements.place(spec, self._candidates[spec.is_consistent], refused)

    def outlook(self, name: str, spec: DeploymentSpec | None) -> Outlook:
        """Return what is known of a deployment."""
        said = self._reports.of(name)
        found = self._registry.instances(name)
        me = self._cluster.node_id
        running = {each.node for each in found if is_replica(each, said.get(each.node))} - self._unsure
        return Outlook(
            me=me,
            placement=Placement(()) if spec is None else self.place(spec),
            is_majority=self.is_majority,
            running=frozenset(running),
            generations={
                node: report.generation for node, report in said.items() if report.state in TOLD_OF_GENERATION
            },
            refuses=me in said and said[me].state == ReplicaState.REFUSED,
            is_gone=spec is None and self._is_gone(name),
        )

    def _is_gone(self, name: str) -> bool:
        return self._has_compared or self._registry.was_deleted(KIND, name)

    def local(self, name: str) -> Glance | None:
        """Return the agent of a name on this node, None if there is none."""
        return self._agents.glance(name)

    def _gather(self, nodes: Iterable[str]) -> list[Candidate]:
        return [Candidate(node, self._labels(node)) for node in sorted(nodes)]

    def _labels(self, node: str) -> dict[str, str]:
        if node == self._cluster.node_id:
            return dict(self._settings.labels)
        member = self._cluster.find(node)
        return {} if member is None else dict(facts_of(member).labels)
