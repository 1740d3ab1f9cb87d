"""Handlers about agents."""

from __future__ import annotations

from collections import defaultdict
from time import perf_counter
from typing import Any

import msgspec
from google.protobuf.json_format import MessageToDict
from google.protobuf.struct_pb2 import Struct

from caxton_node.agents.manifest import Manifest
from caxton_node.agents.views import AgentView
from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import DEFAULT_TENANT, check_node_id, full_name
from caxton_node.pb import agents_pb2 as pb
from caxton_node.registry import InstanceRecord
from caxton_node.runtime import Limits
from caxton_node.runtime.limits import BATCH_CAP

PAGE_SIZE, PAGE_SIZE_MAX = 1000, 10_000
WHOLE_MAX = 2**53  # beyond it a double does not know its last digits


async def deploy_agent(
    services: Services, request: pb.DeployAgentRequest, _call: Call
) -> pb.DeployAgentResponse:
    """Validate a module and start it as an agent on this node."""
    started_at = perf_counter()
    manifest = Manifest(
        name=request.name,
        version=request.version,
        limits=read_limits(request.limits, services),
        config=read_config(request.config),
        capabilities=tuple(request.capabilities),
    )
    view = await services.agents.deploy(manifest, request.module, start=not request.do_not_start)
    elapsed_us = round((perf_counter() - started_at) * 1e6)
    return pb.DeployAgentResponse(agent=agent_of(view), elapsed_us=elapsed_us)


async def undeploy_agent(
    services: Services, request: pb.UndeployAgentRequest, _call: Call
) -> pb.UndeployAgentResponse:
    """Drain and remove an agent of this node."""
    returned = await services.agents.undeploy(
        request.name, drain_s=0.0 if request.force else services.config.agents.drain_s
    )
    return pb.UndeployAgentResponse(returned_messages=returned)


async def get_agent(services: Services, request: pb.GetAgentRequest, _call: Call) -> pb.GetAgentResponse:
    """Tell everything about an agent of this node."""
    return pb.GetAgentResponse(agent=agent_of(services.agents.get(request.name)))


async def list_agents(
    services: Services, request: pb.ListAgentsRequest, _call: Call
) -> pb.ListAgentsResponse:
    """List the agents of the cluster, from this node's copy of the registry."""
    node = check_node_id(request.node) if request.node else ""
    found = services.registry.instances(full_name(request.name) if request.name else None)
    wanted = sorted(
        (record for record in found if (not node or record.node == node) and record.key > request.page_token),
        key=lambda record: record.key,
    )
    size = min(request.page_size or PAGE_SIZE, PAGE_SIZE_MAX)
    offers = _offers(services)
    page = [_listed(record, offers[record.name, record.node]) for record in wanted[:size]]
    following = wanted[size - 1].key if len(wanted) > size else ""
    return pb.ListAgentsResponse(agents=page, next_page_token=following)


async def start_agent(
    services: Services, request: pb.StartAgentRequest, _call: Call
) -> pb.StartAgentResponse:
    """Start an agent of this node."""
    return pb.StartAgentResponse(agent=agent_of(await services.agents.start(request.name)))


async def stop_agent(services: Services, request: pb.StopAgentRequest, _call: Call) -> pb.StopAgentResponse:
    """Drain an agent of this node and stop it."""
    drain_s = request.drain_ms / 1000 or services.config.agents.drain_s
    view, returned = await services.agents.stop(request.name, drain_s=drain_s)
    return pb.StopAgentResponse(agent=agent_of(view), returned_messages=returned)


async def restart_agent(
    services: Services, request: pb.RestartAgentRequest, _call: Call
) -> pb.RestartAgentResponse:
    """Replace the sandbox of an agent of this node."""
    return pb.RestartAgentResponse(agent=agent_of(await services.agents.restart(request.name)))


async def list_capabilities(
    services: Services, request: pb.ListCapabilitiesRequest, _call: Call
) -> pb.ListCapabilitiesResponse:
    """List what agents offer, from this node's copy of the registry."""
    registry = services.registry
    records = registry.find_capability(request.name) if request.name else registry.capabilities()
    nodes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    schemas: dict[tuple[str, str, str], str] = {}
    for record in records:
        key = (record.name, short(record.agent), record.version)
        nodes[key].append(record.node)
        schemas[key] = msgspec.json.encode(record.schema).decode() if record.schema else ""
    found = [
        pb.Capability(
            name=name,
            version=version,
            agent=agent,
            nodes=sorted(where),
            schema_json=schemas[name, agent, version],
        )
        for (name, agent, version), where in sorted(nodes.items())
    ]
    return pb.ListCapabilitiesResponse(capabilities=found)


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


def state_of(word: str) -> str:
    """Return the name of the enum value of a lifecycle state."""
    return f"AGENT_STATE_{word.upper()}"


def short(name: str) -> str:
    """Leave the default tenant out of a name or instance."""
    return name.removeprefix(f"{DEFAULT_TENANT}/")


def read_limits(asked: pb.Limits, services: Services) -> Limits:
    """Return the limits that are in force when 0 means the default of the node.

    Raises:
        InvalidArgument: A limit is out of its range.
    """
    default, messaging = services.config.agents, services.config.messaging
    return Limits(
        memory_bytes=asked.memory_bytes or default.memory_bytes,
        fuel_per_message=asked.fuel_per_message or default.fuel_per_message,
        wall_time_s=asked.wall_time_ms / 1000 or default.wall_time_s,
        message_bytes_max=asked.message_bytes_max or default.message_bytes_max,
        mailbox_depth=asked.mailbox_depth or messaging.mailbox_depth,
        batch_max=asked.batch_max or min(default.batch_max, BATCH_CAP),
    )


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


def _detail(view: AgentView) -> pb.AgentDetail:
    manifest, limits = view.manifest, view.manifest.limits
    detail = pb.AgentDetail(
        module_bytes=view.module_bytes,
        limits=pb.Limits(
            memory_bytes=limits.memory_bytes,
            fuel_per_message=limits.fuel_per_message,
            wall_time_ms=round(limits.wall_time_s * 1000),
            message_bytes_max=limits.message_bytes_max,
            mailbox_depth=limits.mailbox_depth,
            batch_max=limits.batch_max,
        ),
        granted_capabilities=manifest.capabilities,
        deployed_unix_ms=view.deployed_unix_ms,
        restarts=view.restarts,
        last_error=view.last_error,
        mailbox_waiting=view.waiting,
        memory_bytes=view.memory_bytes,
    )
    detail.config.update(dict(manifest.config))  # type: ignore[arg-type]  # the manifest has checked that it is JSON
    return detail


def _listed(record: InstanceRecord, offers: list[str]) -> pb.Agent:
    return pb.Agent(
        name=short(record.name),
        version=record.version,
        instance=short(record.key),
        node=record.node,
        state=state_of(record.state),
        module_sha256=record.module_sha256,
        capabilities=sorted(offers),
    )


def _offers(services: Services) -> defaultdict[tuple[str, str], list[str]]:
    offers: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    for record in services.registry.capabilities():
        offers[record.agent, record.node].append(record.name)
    return offers
