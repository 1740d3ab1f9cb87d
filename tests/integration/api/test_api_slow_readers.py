"""A client that follows a stream and never reads loses it after a while, and is told so when it reads on."""

from __future__ import annotations

from pathlib import Path

import grpc
import pytest

from caxton_node.client import Client
from caxton_node.pb import messages_pb2 as pb
from tests.support.api import call, founder
from tests.support.data_plane import until
from tests.support.guests import wat

pytestmark = pytest.mark.story("030")

CONTENT = b'"' + b"x" * 1_000_000 + b'"'
MESSAGES = 30


async def test_a_reader_that_never_reads_is_cut_off_and_others_go_on(tmp_path: Path) -> None:
    async with founder(tmp_path / "n1", "n1", "limits.slow_reader_s=1") as node:
        await call(node.local, lambda client: client.agents.deploy("echo", wat("echo").encode()))
        async with grpc.aio.secure_channel(node.grpc, grpc.ssl_channel_credentials(node.ca_pem)) as channel:
            follow = channel.unary_stream(
                "/caxton.v1.CaxtonManagement/SubscribeMessages",
                request_serializer=pb.SubscribeMessagesRequest.SerializeToString,
                response_deserializer=pb.MessageEvent.FromString,
            )
            stream = follow(
                pb.SubscribeMessagesRequest(), metadata=(("authorization", f"Bearer {node.admin_token}"),)
            )
            await until(lambda: node.daemon.ground.limits.occupancy.total == 1)
            await call(node.local, _talk, timeout_s=60)
            await until(lambda: node.daemon.ground.limits.occupancy.total == 0)
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                async for _event in stream:
                    pass
            assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
            assert "took nothing for 1 s" in str(caught.value.details())
        assert (await call(node.local, lambda client: client.server.health())).ready


def _talk(client: Client) -> None:
    for _ in range(MESSAGES):
        client.messages.send("echo", CONTENT, protocol="fipa-request")
