"""Handlers about modules by themselves: uploads in pieces, lists, and reading."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import AsyncIterator

from caxton_node.agents.module_uploads import PIECE_BYTES_MAX
from caxton_node.agents.module_wire import check_digest
from caxton_node.api.agent_answers import short
from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.pb import uploads_pb2 as pb


async def upload_module(
    services: Services, requests: AsyncIterator[pb.UploadModuleRequest], _call: Call
) -> pb.UploadModuleResponse:
    """Take a module in pieces, and keep it until it is deployed."""
    first = await anext(requests, None)
    if first is None:
        raise InvalidArgument("the upload is empty", hint="the first message has sha256 and size_bytes")
    sha256 = check_digest(first.sha256)
    uploads = services.agents.modules.uploads
    was_here = await uploads.receive(sha256, first.size_bytes, first.offset, _data_of(first, requests))
    module = pb.Module(sha256=sha256, size_bytes=first.size_bytes, node=services.node_id)
    return pb.UploadModuleResponse(module=module, was_here=was_here)


async def get_upload(services: Services, request: pb.GetUploadRequest, _call: Call) -> pb.GetUploadResponse:
    """Tell how far an upload has come on this node."""
    sha256 = check_digest(request.sha256)
    if sha256 in await services.agents.modules.sizes():
        return pb.GetUploadResponse(is_whole=True)
    upload = await services.agents.modules.uploads.find(sha256)
    return pb.GetUploadResponse(received_bytes=upload.received_bytes if upload else 0)


async def list_modules(
    services: Services, _request: pb.ListModulesRequest, call: Call
) -> pb.ListModulesResponse:
    """List the modules that this node has."""
    return pb.ListModulesResponse(modules=await _modules(services, call))


async def get_module(services: Services, request: pb.GetModuleRequest, call: Call) -> pb.GetModuleResponse:
    """Tell about one module of this node."""
    return pb.GetModuleResponse(module=await _get(services, check_digest(request.sha256), call))


async def download_module(
    services: Services, request: pb.DownloadModuleRequest, call: Call
) -> AsyncIterator[pb.ModulePiece]:
    """Read a module in pieces, fetched from another node if need be."""
    sha256 = check_digest(request.sha256)
    if call.tenants is not None:  # whose agents are of it, is known of this node's modules only
        await _get(services, sha256, call)
    async with services.agents.modules.lend(sha256) as module:
        for offset in range(max(0, request.offset), len(module), PIECE_BYTES_MAX):
            data = module[offset : offset + PIECE_BYTES_MAX]
            yield pb.ModulePiece(offset=offset, size_bytes=len(module), data=data)


async def _data_of(
    first: pb.UploadModuleRequest, others: AsyncIterator[pb.UploadModuleRequest]
) -> AsyncIterator[bytes]:
    yield first.data
    async for request in others:
        yield request.data


async def _modules(services: Services, call: Call) -> list[pb.Module]:
    """Return the modules of this node, by digest: all, or those of agents that the caller may see."""
    agents: defaultdict[str, list[str]] = defaultdict(list)
    for record in services.registry.instances():
        if record.node == services.node_id and call.sees(record.name):
            agents[record.module_sha256].append(short(record.name))
    sizes = await services.agents.modules.sizes()
    return [
        pb.Module(sha256=sha256, size_bytes=size, node=services.node_id, agents=agents.get(sha256, ()))
        for sha256, size in sorted(sizes.items())
        if call.tenants is None or sha256 in agents
    ]


async def _get(services: Services, sha256: str, call: Call) -> pb.Module:
    for module in await _modules(services, call):
        if module.sha256 == sha256:
            return module
    raise NotFound(
        f"node {services.node_id} has no module sha256:{sha256}",
        hint="caxton module list shows which it has",
    )
