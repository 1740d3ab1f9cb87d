"""Handlers about deployments: any node answers and any node changes them, since all have the registry."""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection
from operator import attrgetter

from caxton_node.agents.change import Change
from caxton_node.api.agent_requests import read_change, read_manifest
from caxton_node.api.agents import check_managed, note_features
from caxton_node.api.call import Call
from caxton_node.api.deployment_answers import deployment_of
from caxton_node.api.feed import Feed
from caxton_node.api.module_passing import module_of
from caxton_node.api.pages import page_of
from caxton_node.api.services import Services
from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import full_name
from caxton_node.deployment import Consistency, DeploymentSpec
from caxton_node.deployment.changing import Wish, no_deployment
from caxton_node.deployment.constraints import parse_constraint
from caxton_node.deployment.spec import EVERYWHERE
from caxton_node.deployment.status import DeploymentStatus
from caxton_node.pb import deployments_pb2 as pb


async def create_deployment(
    services: Services, request: pb.CreateDeploymentRequest, call: Call
) -> pb.CreateDeploymentResponse:
    """Keep the module here and write down what is wanted."""
    manifest = read_manifest(request, services.config)
    wanted = DeploymentSpec(
        manifest=manifest,
        module_sha256="",
        replicas=_read_replicas(request) or (EVERYWHERE if request.everywhere else 1),
        constraints=tuple(map(parse_constraint, request.constraints)),
        spread=request.spread,
        consistency=_read_consistency(request.consistency) or Consistency.AVAILABLE,
    )
    async with module_of(services.agents.modules, request, call) as module:
        spec = await services.deployments.changes.create(wanted, module)
    note_features(services, call, spec.name, manifest.wasm_features)
    return pb.CreateDeploymentResponse(deployment=deployment_of(_status(services, spec.name)))


async def update_deployment(
    services: Services, request: pb.UpdateDeploymentRequest, call: Call
) -> pb.UpdateDeploymentResponse:
    """Change what is wanted."""
    replicas = EVERYWHERE if request.everywhere else _read_replicas(request)
    constraints = map(parse_constraint, request.constraints.names)
    async with module_of(services.agents.modules, request, call) as module:
        change = read_change(request, module)
        found = services.deployments.status(full_name(request.name))
        check_managed(services, call, change, found.spec.manifest.manages if found else ())
        wish = Wish(
            agent=None if change == Change() else change,
            replicas=replicas,
            constraints=tuple(constraints) if request.HasField("constraints") else None,
            spread=request.spread if request.HasField("spread") else None,
            consistency=_read_consistency(request.consistency),
        )
        spec = await services.deployments.changes.update(request.name, wish)
    note_features(services, call, spec.name, change.wasm_features or ())
    return pb.UpdateDeploymentResponse(deployment=deployment_of(_status(services, spec.name)))


async def delete_deployment(
    services: Services, request: pb.DeleteDeploymentRequest, _call: Call
) -> pb.DeleteDeploymentResponse:
    """Let all replicas drain and go."""
    status = _status(services, request.name)
    services.deployments.changes.delete(request.name)
    nodes = [replica.node for replica in status.replicas if replica.instance]
    return pb.DeleteDeploymentResponse(nodes=nodes)


async def get_deployment(
    services: Services, request: pb.GetDeploymentRequest, _call: Call
) -> pb.GetDeploymentResponse:
    """Tell how a deployment is."""
    return pb.GetDeploymentResponse(deployment=deployment_of(_status(services, request.name)))


async def list_deployments(
    services: Services, request: pb.ListDeploymentsRequest, call: Call
) -> pb.ListDeploymentsResponse:
    """List the deployments of the cluster."""
    page, following = page_of(
        [status async for status in services.deployments.statuses() if call.sees(status.spec.name)],
        attrgetter("spec.name"),
        of="deployments",
        size=request.page_size,
        token=request.page_token,
    )
    found = [deployment_of(status, has_detail=False) for status in page]
    return pb.ListDeploymentsResponse(deployments=found, next_page_token=following)


async def watch_deployment(
    services: Services, request: pb.WatchDeploymentRequest, _call: Call
) -> AsyncIterator[pb.DeploymentEvent]:
    """Send how a deployment is, and again whenever that has changed."""
    name = full_name(request.name)
    feed: Feed[str] = Feed(1)  # one look after any number of changes is enough

    def note(names: Collection[str]) -> None:
        if name in names:
            feed.offer(name)

    unfollow = services.deployments.follow(note)
    try:
        last = deployment_of(_status(services, name))
        yield _event(services, last)
        while True:
            await feed.take()
            status = services.deployments.status(name)
            if status is None:
                yield _event(services, None)
                return
            found = deployment_of(status)
            if found != last:
                last = found
                yield _event(services, found)
    finally:
        unfollow()


def _event(services: Services, found: pb.Deployment | None) -> pb.DeploymentEvent:
    return pb.DeploymentEvent(at_unix_ms=services.clock.unix_us() // 1000, deployment=found)


def _status(services: Services, name: str) -> DeploymentStatus:
    """Return how a deployment is; raises DeploymentNotFound if there is none."""
    status = services.deployments.status(full_name(name))
    if status is None:
        raise no_deployment(full_name(name))
    return status


def _read_replicas(request: pb.CreateDeploymentRequest | pb.UpdateDeploymentRequest) -> int | None:
    if request.replicas and request.everywhere:
        raise InvalidArgument(
            f"{request.replicas} replicas and one on every node are asked for at once", hint="say one of both"
        )
    return request.replicas or None


def _read_consistency(number: int) -> Consistency | None:
    if number not in pb.Consistency.values():
        raise InvalidArgument(f"{number} is not a Consistency", why="1 is available, 2 consistent")
    word = pb.Consistency.Name(number).removeprefix("CONSISTENCY_").lower()
    return Consistency(word) if number else None
