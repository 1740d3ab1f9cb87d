"""Agents as the schema's answers tell of them."""

from __future__ import annotations

from typing import Any

from google.protobuf.struct_pb2 import Struct

from caxton_node.agents.chronicle import AgentMoved
from caxton_node.agents.failures import Failure
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.views import AgentView
from caxton_node.api.agent_requests import WITH_PRESENCE, ZERO_IS_ABSENT
from caxton_node.core.ids import DEFAULT_TENANT
from caxton_node.pb import agents_pb2 as pb
from caxton_node.runtime import Cpu, Limits
from caxton_node.runtime.host.determinism import Determinism


def agent_of(view: AgentView) -> pb.Agent:
    """Write a view as the message of the schema."""
    return pb.Agent(
        name=short(view.manifest.name),
        version=view.manifest.version,
        instance=short(view.instance),
        node=view.node,
        state=state_of(view.state),
        module_sha256=view.module_sha256,
        capabilities=view.capabilities,
        detail=_detail(view),
    )


def transition_of(moved: AgentMoved) -> pb.AgentTransition:
    """Write a move as the message of the schema."""
    return pb.AgentTransition(
        at_unix_ms=moved.at_unix_ms,
        instance=short(moved.instance),
        from_state=state_of(moved.source),
        event=f"AGENT_EVENT_{moved.event.upper()}",
        to_state=state_of(moved.target),
        reason=moved.reason,
    )


def limits_of(limits: Limits) -> pb.Limits:
    """Write limits as the message of the schema."""
    same = {name: getattr(limits, name) for name in (*ZERO_IS_ABSENT, *WITH_PRESENCE)}
    return pb.Limits(wall_time_ms=round(limits.wall_time_s * 1000), **same)


def state_of(word: str) -> str:
    """Return the name of the enum value of a lifecycle state; other nodes may know more of them."""
    name = f"AGENT_STATE_{word.upper()}"
    return name if name in pb.AgentState.keys() else "AGENT_STATE_UNSPECIFIED"  # noqa: SIM118 - it is no dict


def cpu_of(cpu: Cpu) -> str:
    """Return the name of the enum value of a way to bound processor time."""
    return f"CPU_MODE_{cpu.upper()}"


def short(name: str) -> str:
    """Leave the default tenant out of a name or instance."""
    return name.removeprefix(f"{DEFAULT_TENANT}/")


def _detail(view: AgentView) -> pb.AgentDetail:
    manifest = view.manifest
    detail = pb.AgentDetail(
        module_bytes=view.module_bytes,
        deployed_unix_ms=view.deployed_unix_ms,
        restarts=view.restarts,
        last_error=view.last_error,
        mailbox_waiting=view.waiting,
        memory_bytes=view.memory_bytes,
        failure=_failure(view.failure) if view.failure else None,
        number=view.number,
        batch_now=view.batch_now,
        **manifest_fields(manifest),
    )
    write_config(detail.config, manifest)
    return detail


def manifest_fields(manifest: Manifest) -> dict[str, Any]:
    """Return what a manifest says, config apart, by the field names that details of the schema share."""
    return {
        "limits": limits_of(manifest.limits),
        "granted_capabilities": manifest.capabilities,
        "cpu": cpu_of(manifest.cpu),
        "wasm_features": manifest.wasm_features,
        "deterministic": _world(manifest.world) if manifest.world else None,
        "keeping": f"KEEPING_{manifest.keeping.upper()}",
        "checkpoint_every_ms": round(manifest.checkpoint_every_s * 1000),
        "batching": f"BATCHING_{manifest.batching.upper()}",
        "protocols": f"PROTOCOL_POLICY_{manifest.protocols.upper()}",
        "on_conflict": f"ON_CONFLICT_{manifest.on_conflict.upper()}",
        "manages": manifest.manages,
    }


def write_config(config: Struct, manifest: Manifest) -> None:
    """Write a manifest's config into a field of a message; an empty one is one."""
    config.SetInParent()
    config.update(dict(manifest.config))  # type: ignore[arg-type]  # the manifest has checked that it is JSON


def _failure(failure: Failure) -> pb.Failure:
    return pb.Failure(
        kind=failure.kind,
        message=failure.message,
        at_unix_ms=failure.at_unix_ms,
        backtrace=failure.backtrace,
        message_id=failure.message_id,
        verdict=failure.verdict,
    )


def _world(world: Determinism) -> pb.Determinism:
    """Write the world of a deterministic agent as the message of the schema."""
    return pb.Determinism(seed=world.seed, start_unix_us=world.start_unix_us)
