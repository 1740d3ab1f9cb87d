"""What gRPC clients of any language meet: reflection, health, rich errors, deadlines, streams, sizes."""

from __future__ import annotations

import asyncio
import hashlib

import grpc
import pytest
import pytest_asyncio
from google.rpc import error_details_pb2, status_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from caxton_node.api.grpc.server import NAMES
from caxton_node.core.errors import ResourceLimit
from caxton_node.operations.findings import Phase
from caxton_node.pb import access_keys_pb2, agents_pb2, cluster_pb2, errors_pb2, messages_pb2, uploads_pb2
from tests.support.api import Node, call
from tests.support.guests import tiny
from tests.support.padded import padded_echo

pytestmark = [pytest.mark.story("006"), pytest.mark.asyncio(loop_scope="session")]
MIB = 1024 * 1024
SILENT = tiny(handle="(call $handled (i32.const 1)) (i32.const 0)").encode()


@pytest_asyncio.fixture(loop_scope="session")
async def channel(node: Node):
    proof = grpc.ssl_channel_credentials(node.ca_pem)
    options = [("grpc.use_local_subchannel_pool", 1)]
    async with grpc.aio.secure_channel(node.grpc, proof, options) as opened:
        yield opened


@pytest.fixture
def token(node: Node):
    return [("authorization", f"Bearer {node.admin_token}")]


def unary(channel, method, request, response):
    path = f"/caxton.v1.{method}"
    return channel.unary_unary(path, type(request).SerializeToString, response.FromString)


async def ended(node: Node, method: str, code: str, before: float = 0) -> None:
    """Wait until one more call of a method has ended with a code."""
    async with asyncio.timeout(10):
        while counted(node, method, code) <= before:  # noqa: ASYNC110  it tells nobody
            await asyncio.sleep(0.01)


def counted(node: Node, method: str, code: str) -> float:
    board = node.daemon.ground.board
    return board.counter("caxton_grpc_requests_total", method=method, code=code).value


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_shows_every_service_and_its_schema(channel, version):
    ask = channel.stream_stream(
        f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
        reflection_pb2.ServerReflectionRequest.SerializeToString,
        reflection_pb2.ServerReflectionResponse.FromString,
    )
    asked = reflection_pb2.ServerReflectionRequest
    listed = [answer async for answer in ask(iter([asked(list_services="")]))]
    names = [service.name for service in listed[0].list_services_response.service]
    assert set(NAMES) < set(names)
    assert f"grpc.reflection.{version}.ServerReflection" in names
    files = [answer async for answer in ask(asked(file_containing_symbol=name) for name in names)]
    assert all(answer.file_descriptor_response.file_descriptor_proto for answer in files)


async def test_health_answers_for_the_node_and_every_service_and_follows_readiness(node, channel):
    stub = health_pb2_grpc.HealthStub(channel)
    service = node.daemon.ground.health

    async def becomes(wanted):
        for name in ("", *NAMES):
            watching = stub.Watch(health_pb2.HealthCheckRequest(service=name), timeout=10)
            async for answer in watching:
                if answer.status == wanted:
                    break
            watching.cancel()

    await becomes(health_pb2.HealthCheckResponse.SERVING)
    await service.enter(Phase.LEAVING)
    try:
        await becomes(health_pb2.HealthCheckResponse.NOT_SERVING)
    finally:
        await service.enter(Phase.SERVING)
    await becomes(health_pb2.HealthCheckResponse.SERVING)


async def test_an_error_tells_generic_clients_what_field_is_to_blame(channel, token):
    request = agents_pb2.GetAgentRequest(name="No Such Name")
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await unary(channel, "CaxtonManagement/GetAgent", request, agents_pb2.GetAgentResponse)(
            request, metadata=token
        )
    trailing = dict(caught.value.trailing_metadata())
    status = status_pb2.Status.FromString(trailing["grpc-status-details-bin"])
    ours, info, bad = errors_pb2.ErrorDetail(), error_details_pb2.ErrorInfo(), error_details_pb2.BadRequest()
    assert [part.Unpack(to) for part, to in zip(status.details, (ours, info, bad), strict=True)] == [True] * 3
    assert (info.reason, info.domain) == (ours.code, "caxton.v1") == ("INVALID_ARGUMENT", "caxton.v1")
    assert info.metadata["trace_id"] == ours.trace_id
    assert bad.field_violations[0].field == "name"


@pytest.mark.parametrize("method", ["CaxtonManagement/DeployAgent", "ClusterService/WatchMembers"])
async def test_a_stranger_is_refused_before_its_message_comes(channel, method):
    made = channel.stream_stream(f"/caxton.v1.{method}")()
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async with asyncio.timeout(10):
            await made.read()
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED


async def test_an_answer_says_what_is_left_of_the_limit(channel, token):
    request = cluster_pb2.ListMembersRequest()
    made = unary(channel, "ClusterService/ListMembers", request, cluster_pb2.ListMembersResponse)(
        request, metadata=token
    )
    await made
    assert int(dict(await made.trailing_metadata())["x-ratelimit-remaining"]) > 0


async def test_a_deadline_ends_the_handler_and_not_only_the_wait(node, channel, token):
    await call(node.local, lambda client: client.agents.deploy("silent", SILENT))
    request = messages_pb2.SendMessageRequest(to="silent", content=b"1", timeout_ms=60_000)
    ask = unary(channel, "CaxtonManagement/SendMessage", request, messages_pb2.SendMessageResponse)
    method = "CaxtonManagement/SendMessage"
    before = sum(counted(node, method, code) for code in ("CANCELLED", "TIMEOUT"))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await ask(request, metadata=token, timeout=0.3)
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    async with asyncio.timeout(5):
        while sum(counted(node, method, code) for code in ("CANCELLED", "TIMEOUT")) <= before:  # noqa: ASYNC110
            await asyncio.sleep(0.01)


async def test_a_client_that_cancels_ends_the_handler(node, channel, token):
    method, request = "ClusterService/WatchMembers", cluster_pb2.WatchMembersRequest()
    before = counted(node, method, "CANCELLED")
    stream = channel.unary_stream(
        f"/caxton.v1.{method}", type(request).SerializeToString, cluster_pb2.MemberEvent.FromString
    )(request, metadata=token)
    await stream.read()
    assert "x-ratelimit-remaining" in dict(await stream.initial_metadata())
    stream.cancel()
    await ended(node, method, "CANCELLED", before)


async def test_a_reader_that_does_not_read_costs_the_node_little_and_loses_its_stream(node, channel, token):
    module = padded_echo(40 * MIB, seed=21)
    sha256 = hashlib.sha256(module).hexdigest()
    await call(node.local, lambda client: client.modules.upload(module), timeout_s=60)
    method = "ModuleService/DownloadModule"
    stream = channel.unary_stream(
        f"/caxton.v1.{method}",
        uploads_pb2.DownloadModuleRequest.SerializeToString,
        uploads_pb2.ModulePiece.FromString,
    )(uploads_pb2.DownloadModuleRequest(sha256=sha256), metadata=token)
    first = await stream.read()
    assert first.size_bytes == len(module)
    await ended(node, method, "CANCELLED")
    came = len(first.data)

    async def read_on() -> None:
        nonlocal came
        while (piece := await stream.read()) is not grpc.aio.EOF:
            came += len(piece.data)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await read_on()
    assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert came < len(module) / 2, "the rest was never made"


async def test_a_request_that_is_too_large_says_what_to_do(node):
    with pytest.raises(ResourceLimit, match="larger than is taken") as caught:
        await call(node.remote(), lambda client: client.agents.deploy("large", b" " * 5 * MIB))
    assert "upload" in caught.value.hint


async def test_where_clients_must_show_a_certificate_none_is_let_in_without(node):
    folder, address = node.data_dir / "certs", node.daemon.listening()["grpc-certificate"]
    pair = (folder / "node.key").read_bytes(), (folder / "node.crt").read_bytes()
    request, codes = access_keys_pb2.WhoAmIRequest(), []
    for key, chain in ((None, None), pair):
        proof = grpc.ssl_channel_credentials(node.ca_pem, key, chain)
        async with grpc.aio.secure_channel(address, proof) as channel:
            made = unary(channel, "AccessKeyService/WhoAmI", request, access_keys_pb2.WhoAmIResponse)(request)
            codes.append(await made.code())
    assert codes[0] is grpc.StatusCode.UNAVAILABLE
    # That of a node is no client's; who is let in is for the authenticators to say, and they were asked.
    assert codes[1] in {grpc.StatusCode.OK, grpc.StatusCode.UNAUTHENTICATED}
