"""Large modules sent up in pieces: whole, on from where they were, refused when they are something else."""

from __future__ import annotations

import asyncio
import hashlib

import grpc
import pytest

from caxton_node.client.channel import open_channel
from caxton_node.client.uploads import PIECE_BYTES
from caxton_node.core.errors import InvalidArgument, InvalidModule, NotFound, ResourceLimit, StateError
from caxton_node.pb import uploads_pb2 as pb
from tests.support.api import Node, call
from tests.support.padded import padded_echo
from tests.support.web import Web

pytestmark = [pytest.mark.story("006"), pytest.mark.asyncio(loop_scope="session")]
MIB = 1024 * 1024
METHOD = "ModuleService/UploadModule"


def digest(module: bytes) -> str:
    return hashlib.sha256(module).hexdigest()


def parts_of(node: Node) -> list[str]:
    return [place.stem for place in (node.data_dir / "uploads").glob("*")]


async def send(node: Node, *requests: pb.UploadModuleRequest) -> pb.UploadModuleResponse:
    """Send these pieces over TLS and close the stream."""

    def use() -> pb.UploadModuleResponse:
        channel = open_channel(node.remote())
        try:
            return channel.upload(METHOD, iter(requests), pb.UploadModuleResponse, timeout_s=20)
        finally:
            channel.close()

    return await asyncio.to_thread(use)


def first(module: bytes, data: bytes = b"", **more: int) -> pb.UploadModuleRequest:
    return pb.UploadModuleRequest(sha256=digest(module), size_bytes=len(module), data=data, **more)


async def test_a_module_is_deployed_by_the_digest_of_what_was_uploaded(node):
    module = padded_echo(2 * MIB, seed=31)
    answer = await call(node.remote(), lambda client: client.modules.upload(module))
    assert (answer.module.sha256, answer.module.size_bytes, answer.was_here) == (
        digest(module),
        len(module),
        False,
    )
    again = await call(node.remote(), lambda client: client.modules.upload(module))
    assert again.was_here
    agent = await call(
        node.remote(), lambda client: client.agents.deploy("sent", module_sha256=digest(module))
    )
    assert agent.agent.module_sha256 == digest(module)
    listed = await call(node.remote(), lambda client: client.modules.get(digest(module)))
    assert list(listed.agents) == ["sent"]
    assert listed.sha256 in [each.sha256 for each in await call(node.local, lambda c: list(c.modules.list()))]


async def test_a_large_module_goes_ahead_of_its_deployment_and_says_how_far_it_is(node):
    module, heard = padded_echo(9 * MIB, seed=32), []
    answer = await call(
        node.remote(),
        lambda client: client.agents.deploy("large", module, progress=lambda sent, whole: heard.append(sent)),
    )
    assert answer.agent.module_sha256 == digest(module)
    assert heard == sorted(heard)
    assert heard[-1] == len(module)
    assert len(heard) > 9 * MIB // PIECE_BYTES
    back = b"".join(
        [each.data for each in await call(node.local, lambda c: list(c.modules.download(digest(module))))]
    )
    assert back == module
    await call(node.local, lambda client: client.agents.undeploy("large", force=True))
    with pytest.raises(NotFound):
        await call(node.local, lambda client: client.modules.get(digest(module)))


async def test_an_upload_goes_on_where_the_connection_broke(node):
    module = padded_echo(MIB, seed=33)
    with pytest.raises(InvalidArgument, match="ended after 600,000 of"):
        await send(node, first(module, module[:600_000]))
    found = await call(node.local, lambda client: client.modules.uploaded(digest(module)))
    assert (found.received_bytes, found.is_whole) == (600_000, False)
    with pytest.raises(InvalidArgument, match="does not go on at byte 5"):
        await send(node, first(module, module[5:], offset=5))
    heard = []
    answer = await call(
        node.remote(),
        lambda client: client.modules.upload(module, progress=lambda sent, _: heard.append(sent)),
    )
    assert (answer.module.sha256, heard[0]) == (digest(module), 600_000)
    assert digest(module) not in parts_of(node)
    assert (await call(node.local, lambda client: client.modules.uploaded(digest(module)))).is_whole


async def test_what_is_not_the_module_that_was_said_is_refused_and_not_kept(node):
    module, other = padded_echo(1000, seed=34), padded_echo(1000, seed=35)
    with pytest.raises(InvalidArgument, match="does not have the digest"):
        await send(node, first(module, other[: len(module)]))
    for wrong, error, says in (
        (first(module, module + b"x"), InvalidArgument, "more bytes came"),
        (first(module, b"(module)"), InvalidModule, "binary form"),
        (pb.UploadModuleRequest(sha256=digest(module)), InvalidArgument, "needs the size"),
        (pb.UploadModuleRequest(sha256="x", size_bytes=1), InvalidArgument, "not the digest"),
        (pb.UploadModuleRequest(sha256=digest(module), size_bytes=10**12), ResourceLimit, "at most"),
        (first(module, module[:8] + bytes(2 * MIB)), InvalidArgument, "a piece has"),
    ):
        with pytest.raises(error, match=says):
            await send(node, wrong)
    with pytest.raises(InvalidArgument, match="is empty"):
        await send(node)
    await call(node.remote(), lambda client: client.modules.upload(module))


async def test_a_newer_sender_takes_over_from_one_whose_connection_may_be_dead(node):
    module = padded_echo(MIB, seed=36)
    proof = grpc.ssl_channel_credentials(node.ca_pem)
    async with grpc.aio.secure_channel(node.grpc, proof) as channel:
        older = channel.stream_unary(
            f"/caxton.v1.{METHOD}",
            pb.UploadModuleRequest.SerializeToString,
            pb.UploadModuleResponse.FromString,
        )(metadata=[("authorization", f"Bearer {node.admin_token}")])
        await older.write(first(module, module[:1000]))
        async with asyncio.timeout(10):
            while not (await call(node.local, lambda c: c.modules.uploaded(digest(module)))).received_bytes:
                pass
        await call(node.remote(), lambda client: client.modules.upload(module))
        await older.write(pb.UploadModuleRequest(data=module[1000:2000]))
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await older
    assert "taken over" in (caught.value.details() or "")
    assert StateError.code == "INVALID_STATE"
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION


async def test_a_module_is_put_as_plain_bytes_over_rest_and_on_from_an_offset(node):
    module = padded_echo(MIB, seed=37)
    address = node.daemon.listening()["rest"]
    web = Web(address=address, ca_pem=node.ca_pem).having(authorization=f"Bearer {node.admin_token}")
    path, half, wasm = f"/api/v1/modules/{digest(module)}", MIB // 2, {"content-type": "application/wasm"}
    begun = await web.ask("PUT", f"{path}?size_bytes={len(module)}", module[:half], wasm)
    assert (begun.status, begun.json["code"]) == (400, "INVALID_ARGUMENT")
    assert f"ended after {half:,}" in begun.json["detail"]
    done = await web.ask("PUT", f"{path}?offset={half}", module[half:], wasm)
    assert done.status == 200, done.json
    assert done.json["module"]["sha256"] == digest(module)
    again = await web.ask("PUT", path, module, wasm)
    assert (again.status, again.json["was_here"]) == (200, True)
    other = await web.ask("PUT", path, b"(module)", wasm)
    assert (other.status, "is not the module" in other.json["detail"]) == (400, True), other.json
    assert (await web.ask("PUT", f"{path}?other=1", module, wasm)).status == 400
    assert (await web.ask("PUT", path, module, {"content-type": "text/plain"})).status == 415
