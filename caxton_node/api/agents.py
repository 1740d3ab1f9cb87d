"""Handlers about agents."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from operator import attrgetter
from time import perf_counter

import msgspec

from caxton_node.agents.change import Change
from caxton_node.api.agent_answers import agent_of, short, state_of, transition_of
from caxton_node.api.agent_requests import read_change, read_manifest
from caxton_node.api.call import Call
from caxton_node.api.module_passing import let_go_of_upload, module_of
from caxton_node.api.pages import page_of
from caxton_node.api.reach import tenant_of
from caxton_node.api.services import Services
from caxton_node.core.ids import check_node_id, full_name
from caxton_node.observability.logs import get_logger
from caxton_node.pb import agents_pb2 as pb
from caxton_node.registry import InstanceRecord
from caxton_node.security import Permission

_audit = get_logger("audit")


async def deploy_agent(
    services: Services, request: pb.DeployAgentRequest, call: Call
) -> pb.DeployAgentResponse:
    """Validate a module and start it as an agent on this node."""
    started_at = perf_counter()
    manifest = read_manifest(request, services.config)
    async with module_of(services.agents.modules, request, call) as module:
        view = await services.agents.deploy(manifest, module, start=not request.do_not_start)
    await let_go_of_upload(services.agents.modules, request)
    note_features(services, call, view.instance, manifest.wasm_features)
    return pb.DeployAgentResponse(agent=agent_of(view), elapsed_us=_us_since(started_at))


async def update_agent(
    services: Services, request: pb.UpdateAgentRequest, call: Call
) -> pb.UpdateAgentResponse:
    """Change an agent of this node while it runs."""
    started_at = perf_counter()
    drain_s = request.drain_ms / 1000 or services.config.agents.drain_s
    async with module_of(services.agents.modules, request, call) as module:
        change = read_change(request, module)
        check_managed(services, call, change, services.agents.get(request.name).manifest.manages)
        view = await services.agents.update(request.name, change, drain_s=drain_s)
    await let_go_of_upload(services.agents.modules, request)
    note_features(services, call, view.instance, change.wasm_features or ())
    return pb.UpdateAgentResponse(agent=agent_of(view), elapsed_us=_us_since(started_at))


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


async def get_agent_history(
    services: Services, request: pb.GetAgentHistoryRequest, _call: Call
) -> pb.GetAgentHistoryResponse:
    """Tell the latest moves of an agent of this node, newest first."""
    moves = await services.agents.history(request.name)
    kept = moves[: request.limit or len(moves)]
    return pb.GetAgentHistoryResponse(transitions=map(transition_of, kept))


async def list_agents(services: Services, request: pb.ListAgentsRequest, call: Call) -> pb.ListAgentsResponse:
    """List the agents of the cluster, from this node's copy of the registry."""
    node = check_node_id(request.node) if request.node else ""
    found = services.registry.instances(full_name(request.name) if request.name else None)
    page, following = page_of(
        (record for record in found if (not node or record.node == node) and call.sees(record.name)),
        attrgetter("key"),
        of="agents",
        size=request.page_size,
        token=request.page_token,
    )
    offers = _offers(services)
    agents = [_listed(record, offers[record.name, record.node]) for record in page]
    return pb.ListAgentsResponse(agents=agents, next_page_token=following)


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
    services: Services, request: pb.ListCapabilitiesRequest, call: Call
) -> pb.ListCapabilitiesResponse:
    """List what agents offer, from this node's copy of the registry."""
    registry = services.registry
    records = registry.find_capability(request.name) if request.name else registry.capabilities()
    nodes: dict[tuple[str, str, str], list[str]] = defaultdict(list)
    schemas: dict[tuple[str, str, str], str] = {}
    for record in records:
        if not call.sees(record.agent):
            continue
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


def check_managed(services: Services, call: Call, change: Change, manages: Iterable[str]) -> None:
    """Make sure that whoever decides what an agent does may do so with those that it manages.

    The permission in its own tenant was asked for already, and that in the tenants of a new `manages`.

    Args:
        services: Of this node.
        call: Who asks.
        change: What shall be different.
        manages: Those that it manages so far.

    Raises:
        Forbidden: It manages some where the caller may not; nothing was changed.
    """
    decisive = (change.config, change.capabilities, change.wasm_features)
    if change.manages is None and (change.module or any(value is not None for value in decisive)):
        for tenant in sorted(set(map(tenant_of, manages))):
            services.access.check(call.principal, Permission.AGENTS_WRITE, tenant)


def note_features(services: Services, call: Call, subject: str, names: Sequence[str]) -> None:
    """Write into the audit log which features beyond MVP WebAssembly an agent was allowed, and by whom."""
    if names:
        call.detail["wasm_features"] = ", ".join(sorted(set(names)))
        _audit.info(
            "AllowWasmFeatures",
            principal=call.principal.name,
            role=call.principal.roles,
            subject=subject,
            features=sorted(set(names)),
            node=services.node_id,
            trace_id=call.trace_id,
        )


def _us_since(started_at: float) -> int:
    return round((perf_counter() - started_at) * 1e6)
