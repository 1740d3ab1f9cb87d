"""Deployments as the schema's answers tell of them."""

from __future__ import annotations

from caxton_node.api.agent_answers import cpu_of, limits_of, short, state_of, world_of
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
        limits=limits_of(manifest.limits),
        granted_capabilities=manifest.capabilities,
        cpu=cpu_of(manifest.cpu),
        wasm_features=manifest.wasm_features,
        deterministic=world_of(manifest.world) if manifest.world else None,
        keeping=f"KEEPING_{manifest.keeping.upper()}",
        checkpoint_every_ms=round(manifest.checkpoint_every_s * 1000),
        batching=f"BATCHING_{manifest.batching.upper()}",
        protocols=f"PROTOCOL_POLICY_{manifest.protocols.upper()}",
        on_conflict=f"ON_CONFLICT_{manifest.on_conflict.upper()}",
        manages=manifest.manages,
    )
    detail.config.SetInParent()  # an empty config is one
    detail.config.update(dict(manifest.config))  # type: ignore[arg-type]  # the manifest has checked that it is JSON
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
