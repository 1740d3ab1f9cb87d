"""Deployments as the schema's answers tell of them."""

from __future__ import annotations

from caxton_node.api.agent_answers import manifest_fields, short, state_of, write_config
from caxton_node.deployment.spec import EVERYWHERE, DeploymentSpec
from caxton_node.deployment.status import DeploymentStatus, ReplicaStatus
from caxton_node.pb import deployments_pb2 as pb


def deployment_of(status: DeploymentStatus, *, has_detail: bool = True) -> pb.Deployment:
    """Write how a deployment is as the message of the schema."""
    spec = status.spec
    return pb.Deployment(
        name=short(spec.name),
        version=spec.manifest.version,
        phase=f"DEPLOYMENT_PHASE_{status.phase.upper()}",
        wanted=status.wanted,
        running=status.running,
        everywhere=spec.replicas == EVERYWHERE,
        constraints=map(str, spec.constraints),
        spread=spec.spread,
        consistency=f"CONSISTENCY_{spec.consistency.upper()}",
        module_sha256=spec.module_sha256,
        generation=spec.generation,
        created_unix_ms=spec.created_unix_ms,
        updated_unix_ms=spec.updated_unix_ms,
        shortage=status.shortage,
        detail=_detail(spec, status) if has_detail else None,
    )


def _detail(spec: DeploymentSpec, status: DeploymentStatus) -> pb.DeploymentDetail:
    manifest = spec.manifest
    detail = pb.DeploymentDetail(
        replicas=map(_replica, status.replicas),
        unplaced=dict(status.unplaced),
        **manifest_fields(manifest),
    )
    write_config(detail.config, manifest)
    return detail


def _replica(found: ReplicaStatus) -> pb.Replica:
    return pb.Replica(
        node=found.node,
        state=f"REPLICA_STATE_{found.state.upper().replace('-', '_')}",
        reason=found.reason,
        generation=found.generation,
        instance=short(found.instance),
        agent_state=state_of(found.agent_state) if found.agent_state else None,
        since_unix_ms=found.since_unix_ms,
        placed=found.is_placed,
    )
