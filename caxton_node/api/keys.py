"""Handlers about the gossip keys of the cluster."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence

from caxton_node.api.call import Call
from caxton_node.api.services import Services
from caxton_node.cluster.key_steps import NodeKeys, Step, standing
from caxton_node.pb import keys_pb2 as pb


async def list_keys(services: Services, _request: pb.ListKeysRequest, _call: Call) -> pb.ListKeysResponse:
    """List the gossip keys of every live member, by id."""
    return pb.ListKeysResponse(nodes=_nodes_of(await services.keys.survey()))


async def install_key(
    services: Services, request: pb.InstallKeyRequest, _call: Call
) -> AsyncIterator[pb.KeysStep]:
    """Let every live member open another gossip key."""
    async for step in services.keys.install(request.key, force=request.force):
        yield _step_of(step)


async def use_key(services: Services, request: pb.UseKeyRequest, _call: Call) -> AsyncIterator[pb.KeysStep]:
    """Let every live member seal with a gossip key that all of them hold."""
    async for step in services.keys.use(request.key_id, force=request.force):
        yield _step_of(step)


async def remove_key(
    services: Services, request: pb.RemoveKeyRequest, _call: Call
) -> AsyncIterator[pb.KeysStep]:
    """Let no live member open a gossip key any more."""
    async for step in services.keys.remove(request.key_id, force=request.force):
        yield _step_of(step)


async def rotate_keys(
    services: Services, request: pb.RotateKeysRequest, _call: Call
) -> AsyncIterator[pb.KeysStep]:
    """Put a new gossip key in the place of all others, on every live member, step by step."""
    async for step in services.keys.rotate(force=request.force):
        yield _step_of(step)


def _step_of(step: Step) -> pb.KeysStep:
    return pb.KeysStep(step=step.name.value, key_id=step.key_id, nodes=_nodes_of(step.nodes))


def _nodes_of(nodes: Sequence[NodeKeys]) -> list[pb.NodeKeys]:
    return [
        pb.NodeKeys(
            node=found.node,
            key_ids=found.shown.ids,
            revision=found.shown.revision,
            encryption=found.shown.encryption,
            unopened=found.shown.unopened,
            refused_plain=found.shown.plain,
            error=found.error,
            state=standing(found, nodes),
        )
        for found in nodes
    ]
