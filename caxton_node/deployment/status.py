"""How a deployment is, put together on any node from what the registry knows."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum

from caxton_node.deployment.placement import Placement
from caxton_node.deployment.reports import ReplicaState, Report, is_replica
from caxton_node.deployment.spec import EVERYWHERE, DeploymentSpec
from caxton_node.registry import InstanceRecord


class Phase(StrEnum):
    """How a deployment is as a whole."""

    DEPLOYING = "deploying"  # replicas are on their way
    RUNNING = "running"  # as many as wanted run, in the generation that is wanted
    FAILED = "failed"  # something keeps it from getting there, and the replicas say what


@dataclass(frozen=True, slots=True)
class ReplicaStatus:
    """One node and how it stands to a deployment.

    Attributes:
        node: Its id.
        state: How it stands to it.
        reason: Why it is not simply running.
        generation: Generation that it has taken; 0: none yet.
        instance: The instance there; empty if there is none.
        agent_state: State of that instance.
        since_unix_ms: Since when the node has said so; 0 if it has said nothing.
        is_placed: It falls to this node.
    """

    node: str
    state: ReplicaState
    reason: str = ""
    generation: int = 0
    instance: str = ""
    agent_state: str = ""
    since_unix_ms: int = 0
    is_placed: bool = True


@dataclass(frozen=True, slots=True)
class DeploymentStatus:
    """One deployment and its replicas.

    Attributes:
        spec: What is wanted.
        phase: How it is as a whole.
        wanted: How many replicas there should be now.
        running: How many run.
        replicas: The nodes to which it falls, in their order, then others that have to do with it.
        unplaced: Why other nodes do not run it, by node.
        shortage: Why there are fewer nodes for it than replicas are wanted; empty if there are enough.
    """

    spec: DeploymentSpec
    phase: Phase
    wanted: int
    running: int
    replicas: tuple[ReplicaStatus, ...]
    unplaced: Mapping[str, str]
    shortage: str = ""


def status_of(
    spec: DeploymentSpec,
    placement: Placement,
    reports: Mapping[str, Report],
    instances: Iterable[InstanceRecord],
    *,
    alive: Collection[str],
) -> DeploymentStatus:
    """Put together how a deployment is.

    Args:
        spec: What is wanted.
        placement: Where it belongs.
        reports: What nodes say of it, by node; those of nodes that are not alive are left out.
        instances: Instances of its name on nodes that are alive.
        alive: The nodes that are alive.
    """
    found = {record.node: record for record in instances}
    said = {node: report for node, report in reports.items() if node in alive}
    others = sorted({*said, *found} - {*placement.chosen, *placement.unfit})
    replicas = tuple(
        _replica(node, placement, said.get(node), found.get(node), is_alive=node in alive)
        for node in (*placement.chosen, *others)
    )
    running = sum(is_replica(record, said.get(node)) for node, record in found.items())
    wanted = len(placement.chosen) if spec.replicas == EVERYWHERE else spec.replicas
    shortage = ""
    if len(placement.chosen) < wanted:
        shortage = f"{wanted} are wanted and {len(placement.chosen)} of {len(placement.order)} nodes fit"
    return DeploymentStatus(
        spec, _phase(spec, replicas, wanted), wanted, running, replicas, placement.unfit, shortage
    )


def _replica(
    node: str, placement: Placement, report: Report | None, record: InstanceRecord | None, *, is_alive: bool
) -> ReplicaStatus:
    is_placed = node in placement.chosen
    instance, agent_state = ("", "") if record is None else (record.key, record.state)
    if report is None:
        why = "it has not said anything yet" if is_alive else "it is away, and may only be restarting"
        return ReplicaStatus(node, ReplicaState.WAITING, why, 0, instance, agent_state, 0, is_placed)
    return ReplicaStatus(
        node,
        _state(report.state),
        report.reason,
        report.generation,
        instance,
        agent_state,
        report.since_unix_ms,
        is_placed,
    )


def _state(word: str) -> ReplicaState:
    try:
        return ReplicaState(word)
    except ValueError:  # of a later version
        return ReplicaState.WAITING


def _phase(spec: DeploymentSpec, replicas: Iterable[ReplicaStatus], wanted: int) -> Phase:
    placed = [replica for replica in replicas if replica.is_placed]
    done = sum(
        replica.state is ReplicaState.RUNNING and replica.generation == spec.generation for replica in placed
    )
    if done >= wanted:
        return Phase.RUNNING
    is_stuck = any(replica.state is ReplicaState.FAILED for replica in placed) or len(placed) < wanted
    return Phase.FAILED if is_stuck else Phase.DEPLOYING
