"""Handlers about what agents keep with `kv`."""

from __future__ import annotations

import json
from typing import Any

import msgspec

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.core.ids import Address, full_name
from caxton_node.kv.acts import LIST_MAX, Request, read_request
from caxton_node.pb import platform_pb2 as pb


async def list_agent_keys(
    services: Services, request: pb.ListAgentKeysRequest, _call: Call
) -> pb.ListAgentKeysResponse:
    """List the keys of an agent on this node, or its shared ones."""
    asked = {
        "prefix": request.prefix,
        "after": request.page_token,
        "limit": min(request.page_size or LIST_MAX, LIST_MAX),
        "shared": request.shared,
    }
    answer = await _ask(services, request.name, "list", asked)
    keys = [
        pb.AgentKey(key=line["key"], version=line["version"], size_bytes=line["bytes"])
        for line in answer["keys"]
    ]
    return pb.ListAgentKeysResponse(
        keys=keys, next_page_token=answer.get("next", ""), node_id=services.node_id
    )


async def get_agent_key(
    services: Services, request: pb.GetAgentKeyRequest, _call: Call
) -> pb.GetAgentKeyResponse:
    """Read one key of an agent.

    Raises:
        NotFound: It has no such key here.
    """
    answer = await _ask(services, request.name, "get", {"key": request.key, "shared": request.shared})
    if not answer["version"]:
        raise _no_key(services, request.name, request.key)
    value = bytes(answer["value"])
    key = pb.AgentKey(key=request.key, version=answer["version"], size_bytes=len(value))
    return pb.GetAgentKeyResponse(key=key, value=value, node_id=services.node_id)


async def put_agent_key(
    services: Services, request: pb.PutAgentKeyRequest, _call: Call
) -> pb.PutAgentKeyResponse:
    """Write one key of an agent."""
    asked = {"key": request.key, "value": msgspec.Raw(request.value), "shared": request.shared}
    if request.HasField("if_version"):
        asked["if_version"] = request.if_version
    answer = await _ask(services, request.name, "put", asked)
    key = pb.AgentKey(key=request.key, version=answer["version"], size_bytes=len(request.value))
    return pb.PutAgentKeyResponse(key=key, node_id=services.node_id)


async def delete_agent_keys(
    services: Services, request: pb.DeleteAgentKeysRequest, _call: Call
) -> pb.DeleteAgentKeysResponse:
    """Remove one key of an agent, or all.

    Raises:
        InvalidArgument: It names both a key and all, or neither.
        NotFound: It has no such key here.
    """
    if request.all == bool(request.key):
        raise InvalidArgument("say which key, or all of them", hint="not both, and not neither")
    if request.all:
        removed = await services.agent_keys.clear(full_name(request.name))
        return pb.DeleteAgentKeysResponse(removed=removed, node_id=services.node_id)
    asked = {"key": request.key, "shared": request.shared}
    if not (await _ask(services, request.name, "get", asked))["version"]:
        raise _no_key(services, request.name, request.key)
    await _ask(services, request.name, "delete", asked)
    return pb.DeleteAgentKeysResponse(removed=1, node_id=services.node_id)


async def _ask(services: Services, agent: str, action: str, asked: dict[str, Any]) -> dict[str, Any]:
    """Ask as the agent would, so that an operator is held to the same form and the same bounds."""
    request = _read(action, asked)
    return await services.agent_keys.ask(full_name(agent), request)


def _read(action: str, asked: dict[str, Any]) -> Request:
    try:
        value = asked.get("value")
        if value is not None:
            json.loads(bytes(value))
        return read_request(msgspec.json.encode({"action": action, **asked}))
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ValueError) as err:
        raise InvalidArgument(
            "this cannot be asked of kv", why=str(err), hint="a value is JSON, a key visible ASCII"
        ) from err


def _no_key(services: Services, agent: str, key: str) -> NotFound:
    return NotFound(
        f"{Address(full_name(agent))} has no key {key} on node {services.node_id}",
        hint="caxton agent kv list shows its keys; shared ones with --shared",
    )
