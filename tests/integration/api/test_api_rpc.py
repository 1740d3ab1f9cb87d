"""Calls by the Connect protocol, over the REST socket: what the command line speaks."""

import asyncio
import base64
import json
import socket
import struct
import threading

import pytest

from caxton_node.client import Client, Endpoint
from caxton_node.client.channel import REST_SOCKET_NAME, open_channel, rest_socket
from caxton_node.client.http1 import Answer, request_head
from caxton_node.client.socket_channel import SocketChannel
from caxton_node.core.errors import DeadlineExceeded, InternalError, NotFound, Unavailable
from caxton_node.pb import agents_pb2, errors_pb2
from tests.support.api import call
from tests.support.cli import ROOT

pytestmark = [pytest.mark.story("008"), pytest.mark.asyncio(loop_scope="session")]
ECHO = (ROOT / "sdk" / "wat" / "echo.wat").read_bytes()
LIST = "/caxton.v1.CaxtonManagement/ListAgents"
WATCH = "/caxton.v1.ClusterService/WatchMembers"
PROTO, JSON, STREAM, STREAM_JSON = (
    "application/proto",
    "application/json",
    "application/connect+proto",
    "application/connect+json",
)


def ask(
    node, path: str, body: bytes, media: str, verb: str = "POST", **headers: str
) -> tuple[int, dict, bytes]:
    """Make one request by hand, to its end."""
    head = request_head(path, {"Content-Type": media, "Content-Length": len(body), **headers})
    with socket.socket(socket.AF_UNIX) as plug:
        plug.settimeout(10)
        plug.connect(str(node.data_dir / REST_SOCKET_NAME))
        plug.sendall(head.replace(b"POST", verb.encode(), 1) + body)
        answer = Answer(plug)
        return answer.status, answer.headers, answer.body()


def detail_of(error: dict) -> errors_pb2.ErrorDetail:
    (detail,) = error["details"]
    assert detail["type"] == "caxton.v1.ErrorDetail"
    value = detail["value"]
    return errors_pb2.ErrorDetail.FromString(base64.b64decode(value + "=" * (-len(value) % 4)))


async def test_the_socket_is_chosen_where_it_is_and_grpc_elsewhere(n1, tmp_path):
    assert isinstance(open_channel(n1.local), SocketChannel)
    assert rest_socket(n1.remote()) is None
    (tmp_path / "caxton.sock").touch()
    assert rest_socket(Endpoint(f"unix:{tmp_path / 'caxton.sock'}")) is None


async def test_an_agent_lives_its_life_over_the_socket(n1):
    def live(client: Client) -> bytes:
        client.agents.deploy("by-socket", ECHO)
        try:
            assert [found.name for found in client.agents.list(name="by-socket")] == ["by-socket"]
            return client.messages.send("by-socket", b'"hello"').reply.content
        finally:
            client.agents.undeploy("by-socket")

    assert await call(n1.local, live) == b'"hello"'


async def test_errors_come_back_as_they_were_raised(n1):
    with pytest.raises(NotFound, match="no agent nobody") as caught:
        await call(n1.local, lambda client: client.agents.get("nobody"))
    assert caught.value.hint == "caxton agent list shows what there is"
    assert [note.partition(" ")[0] for note in caught.value.__notes__] == ["trace", "node"]


async def test_the_time_of_a_call_ends_it_at_both_ends(n1):
    with pytest.raises(DeadlineExceeded):
        await call(
            n1.local,
            lambda client: client.tasks.run(capability="nobody-has-it", content=b"1", proposals_within_s=30),
            timeout_s=0.001,
        )


async def test_a_stream_is_followed_until_its_reader_leaves(n1):
    def follow(client: Client) -> list[str]:
        events = client.cluster.watch()
        seen = [next(events).member.node_id, next(events).member.node_id]
        events.close()
        return seen

    assert sorted(await call(n1.local, follow)) == ["n1", "n2"]


async def test_closing_a_client_ends_the_stream_that_another_thread_follows(n1):
    client = Client(n1.local)
    begun = threading.Event()

    def follow() -> None:
        for _ in client.cluster.watch():
            begun.set()

    following = asyncio.create_task(asyncio.to_thread(follow))
    await asyncio.to_thread(begun.wait, 10)
    client.close()
    with pytest.raises(Unavailable):
        await asyncio.wait_for(following, 10)


async def test_a_stream_that_fails_tells_why(n1):
    with pytest.raises(NotFound, match="no deployment nothing"):
        await call(n1.local, lambda client: list(client.deployments.watch("nothing")))


async def test_a_node_that_is_not_there_is_unavailable(tmp_path):
    with pytest.raises(Unavailable, match="no node answers") as caught:
        await call(Endpoint(f"unix:{tmp_path}/caxton.sock"), lambda client: client.server.health())
    assert caught.value.why == "there is no such socket"


async def test_unary_calls_take_proto_and_json(n1):
    status, headers, body = await asyncio.to_thread(ask, n1, LIST, b"", PROTO)
    assert (status, headers["content-type"]) == (200, PROTO)
    agents_pb2.ListAgentsResponse.FromString(body)
    status, headers, body = await asyncio.to_thread(
        ask, n1, "/caxton.v1.CaxtonManagement/Health", b'{"node": "n2", "unknown": 1}', JSON
    )
    assert (status, headers["content-type"], json.loads(body)["nodeId"]) == (200, JSON, "n2")


async def test_an_error_is_json_with_the_code_of_the_protocol_and_our_detail(n1):
    request = agents_pb2.GetAgentRequest(name="nobody").SerializeToString()
    status, headers, body = await asyncio.to_thread(
        ask, n1, "/caxton.v1.CaxtonManagement/GetAgent", request, PROTO
    )
    error = json.loads(body)
    assert (status, headers["content-type"], error["code"]) == (404, JSON, "not_found")
    assert detail_of(error).code == "AGENT_NOT_FOUND"


async def test_answers_of_a_stream_are_framed_and_the_last_frame_ends_it(n1):
    request = b'{"name": "nothing"}'
    path = "/caxton.v1.AgentDeployment/WatchDeployment"
    framed = struct.pack(">BI", 0, len(request)) + request
    status, headers, body = await asyncio.to_thread(ask, n1, path, framed, STREAM_JSON)
    flags, size = struct.unpack(">BI", body[:5])
    assert (status, headers["content-type"], flags, size) == (200, STREAM_JSON, 2, len(body) - 5)
    assert json.loads(body[5:])["error"]["code"] == "not_found"


async def test_a_deadline_is_kept_by_the_node(n1):
    request = struct.pack(">BI", 0, 0)
    headers = {"Connect-Timeout-Ms": "50"}
    status, _, body = await asyncio.to_thread(lambda: ask(n1, WATCH, request, STREAM, **headers))
    assert (status, b"deadline_exceeded" in body) == (200, True)


@pytest.mark.parametrize(
    ("verb", "path", "media", "headers", "status"),
    [
        ("GET", LIST, PROTO, {}, 405),
        ("POST", "/caxton.v1.CaxtonManagement/Nothing", PROTO, {}, 404),
        ("POST", "/caxton.v1.caxtonmanagement/listagents", PROTO, {}, 404),
        ("POST", LIST + "/", PROTO, {}, 404),
        ("POST", "/caxton.v1.ModuleService/UploadModule", PROTO, {}, 404),
        ("POST", LIST, "text/plain", {}, 415),
        ("POST", LIST, STREAM, {}, 415),
        ("POST", WATCH, PROTO, {}, 415),
        ("POST", LIST, PROTO, {"Content-Encoding": "gzip"}, 400),
        ("POST", LIST, PROTO, {"Connect-Timeout-Ms": "soon"}, 400),
        ("POST", LIST, PROTO, {"Connect-Timeout-Ms": "99999999999"}, 400),
    ],
)
async def test_what_is_no_such_call_is_refused(n1, verb, path, media, headers, status):
    got, _, body = await asyncio.to_thread(lambda: ask(n1, path, b"", media, verb, **headers))
    assert got == status
    assert json.loads(body)["code"] in {"unimplemented", "invalid_argument"}


@pytest.mark.parametrize("body", [b"\xff\xff", b"\x0a\x05a"])
async def test_bytes_that_are_no_such_message_are_refused(n1, body):
    status, _, answer = await asyncio.to_thread(ask, n1, LIST, body, PROTO)
    assert (status, json.loads(answer)["code"]) == (400, "invalid_argument")


@pytest.mark.parametrize("body", [b"", b"\0\0\0\0\x09a", b"\x01\0\0\0\0", b"\0\0\0\0\0x"])
async def test_a_stream_begins_with_exactly_one_frame(n1, body):
    status, _, answer = await asyncio.to_thread(ask, n1, WATCH, body, STREAM)
    assert (status, b"invalid_argument" in answer) == (200, True)


async def test_a_method_that_the_node_does_not_have_is_told_apart_from_bugs(n1):
    channel = open_channel(n1.local)
    request = agents_pb2.ListAgentsRequest()
    with pytest.raises(InternalError, match="UNIMPLEMENTED"):
        await asyncio.to_thread(
            lambda: channel.call(
                "CaxtonManagement/Nothing", request, agents_pb2.ListAgentsResponse, timeout_s=5
            )
        )
