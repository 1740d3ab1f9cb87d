"""What requests about agents ask for, as values of `agents` and `runtime`."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from caxton_node.agents.change import Change
from caxton_node.agents.manifest import Keeping, Manifest, OnConflict
from caxton_node.api.fields import in_field
from caxton_node.config import Config
from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.pb import agents_pb2 as pb
from caxton_node.pb import deployments_pb2
from caxton_node.runtime import Cpu, Limits
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.host.determinism import START_UNIX_US, Determinism

WHOLE_MAX = 2**53  # beyond it a double does not know its last digits
UNIX_US_MAX = 2**53
# In these fields 0 would have no meaning, so it stands for absence; the others have presence of their own.
ZERO_IS_ABSENT = ("memory_bytes", "fuel_per_message", "message_bytes_max", "mailbox_depth", "batch_max")
WITH_PRESENCE = (
    "host_calls_per_s", "log_lines_per_s", "messages_per_s", "table_elements", "checkpoint_bytes_max"
)  # fmt: skip


# A deployment asks for agents by fields of the same names.
ToDeploy = pb.DeployAgentRequest | deployments_pb2.CreateDeploymentRequest
ToUpdate = pb.UpdateAgentRequest | deployments_pb2.UpdateDeploymentRequest


def read_manifest(request: ToDeploy, config: Config) -> Manifest:
    """Return what a request asks to deploy.

    Raises:
        InvalidArgument: A field cannot be used; nothing was changed.
    """
    return Manifest(
        name=request.name,
        version=request.version,
        limits=read_limits(request.limits, config),
        config=read_config(request.config),
        capabilities=tuple(request.capabilities),
        cpu=choose_cpu(request, config),
        wasm_features=tuple(request.wasm_features),
        world=read_world(request.deterministic) if request.HasField("deterministic") else None,
        keeping=_read_keeping(request.keeping) or Keeping.AUTO,
        checkpoint_every_s=request.checkpoint_every_ms / 1000,
        batching=_read_batching(request.batching) or Batching(config.agents.batching),
        protocols=_read_protocols(request.protocols) or ProtocolPolicy(config.agents.protocols),
        on_conflict=_read_on_conflict(request.on_conflict) or OnConflict.STOP,
        manages=tuple(request.manages),
    )


def choose_cpu(request: ToDeploy, config: Config) -> Cpu:
    """Return how processor time is bounded: as asked, as the rest needs it, or as the node does."""
    asked = read_cpu(request.cpu)
    if asked is not None:
        return asked
    if request.HasField("deterministic"):
        return Cpu.METERED  # a clock would stop it here and not there
    return Cpu.BOTH if request.limits.fuel_per_message else Cpu(config.agents.cpu)


def read_change(request: ToUpdate, module: bytes = b"") -> Change:
    """Return what a request asks to change.

    Args:
        request: As it came.
        module: The module that it names by a digest, if it does.

    Raises:
        InvalidArgument: A field cannot be used; nothing was changed.
    """

    def given(field: str) -> bool:
        return request.HasField(field)

    return Change(
        module=module or request.module,
        version=request.version,
        limits=given_limits(request.limits),
        config=read_config(request.config) if given("config") else None,
        capabilities=tuple(request.capabilities.names) if given("capabilities") else None,
        cpu=read_cpu(request.cpu),
        wasm_features=tuple(request.wasm_features.names) if given("wasm_features") else None,
        keeping=_read_keeping(request.keeping),
        checkpoint_every_s=request.checkpoint_every_ms / 1000 if given("checkpoint_every_ms") else None,
        batching=_read_batching(request.batching),
        protocols=_read_protocols(request.protocols),
        on_conflict=_read_on_conflict(request.on_conflict),
        manages=tuple(request.manages.names) if given("manages") else None,
    )


def given_limits(asked: pb.Limits) -> dict[str, Any]:
    """Return the limits that a request names, by the names of `runtime.limits.Limits`."""
    found = {name: value for name in ZERO_IS_ABSENT if (value := getattr(asked, name))}
    if asked.wall_time_ms:
        found["wall_time_s"] = asked.wall_time_ms / 1000
    named = {item.name for item, _ in asked.ListFields()}
    return found | {name: getattr(asked, name) for name in WITH_PRESENCE if name in named}


@in_field("limits")
def read_limits(asked: pb.Limits, config: Config) -> Limits:
    """Return the limits that are in force when the node's defaults stand for what is not given.

    Raises:
        InvalidArgument: A limit is out of its range.
    """
    default = config.agents
    defaults = Limits(
        memory_bytes=default.memory_bytes,
        fuel_per_message=default.fuel_per_message,
        wall_time_s=default.wall_time_s,
        message_bytes_max=default.message_bytes_max,
        mailbox_depth=config.messaging.mailbox_depth,
        batch_max=default.batch_max,
        host_calls_per_s=default.host_calls_per_s,
        log_lines_per_s=default.log_lines_per_s,
        checkpoint_bytes_max=default.checkpoint_bytes_max,
    )
    return replace(defaults, **given_limits(asked))


@in_field("config")
def read_config(config: Struct) -> dict[str, Any]:
    """Return a config as JSON values.

    Raises:
        InvalidArgument: A number is infinite or none at all.
    """
    try:
        values: dict[str, Any] = whole_numbers(MessageToDict(config))
    except ValueError as err:
        raise InvalidArgument("the config is not JSON", why=str(err), hint="use plain JSON values") from err
    return values


def whole_numbers(value: Any) -> Any:  # noqa: ANN401  any JSON value
    """Give JSON its integers back: protobuf's Struct knows only doubles."""
    if isinstance(value, dict):
        return {key: whole_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [whole_numbers(item) for item in value]
    if isinstance(value, float) and value.is_integer() and abs(value) <= WHOLE_MAX:
        return int(value)
    return value


@in_field("cpu")
def read_cpu(number: int) -> Cpu | None:
    """Return how processor time shall be bounded, None if the request does not say.

    Raises:
        InvalidArgument: It is a way that this node does not know.
    """
    return Cpu(_word(pb.CpuMode, number)) if number else None


@in_field("deterministic")
def read_world(asked: pb.Determinism) -> Determinism:
    """Return the world of a deterministic agent.

    Raises:
        InvalidArgument: Its clock would start at a time that cannot be told in nanoseconds.
    """
    start = asked.start_unix_us or START_UNIX_US
    if not 0 <= start <= UNIX_US_MAX:
        raise InvalidArgument(
            f"start_unix_us = {start} is out of range", why=f"it must be from 0 to {UNIX_US_MAX:,}"
        )
    return Determinism(asked.seed, start)


@in_field("keeping")
def _read_keeping(number: int) -> Keeping | None:
    return Keeping(_word(pb.Keeping, number)) if number else None


@in_field("batching")
def _read_batching(number: int) -> Batching | None:
    return Batching(_word(pb.Batching, number)) if number else None


@in_field("protocols")
def _read_protocols(number: int) -> ProtocolPolicy | None:
    return ProtocolPolicy(_word(pb.ProtocolPolicy, number)) if number else None


@in_field("on_conflict")
def _read_on_conflict(number: int) -> OnConflict | None:
    return OnConflict(_word(pb.OnConflict, number)) if number else None


def _word(enum: Any, number: int) -> str:  # noqa: ANN401  a class that protobuf makes at run time
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    try:
        name: str = enum.Name(number)
    except ValueError:
        known = ", ".join(f"{key} = {value}" for key, value in enum.items())
        raise InvalidArgument(
            f"{number} is not a {enum.DESCRIPTOR.name}", why=f"these are known here: {known}"
        ) from None
    return name.removeprefix(prefix).lower()
