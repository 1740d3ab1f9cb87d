"""What becomes of requests and streams under way when the node goes down."""

import asyncio
import json

import pytest

from tests.support.api import founder

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]


async def test_a_request_that_is_not_done_in_time_is_told_that_the_node_goes_down(tmp_path):
    async with founder(tmp_path / "n1") as node:
        reader, writer = await asyncio.open_unix_connection(str(node.data_dir / "rest.sock"))
        writer.write(b"POST /api/v1/messages HTTP/1.1\r\nhost: localhost\r\n")
        writer.write(b"content-type: application/json\r\ncontent-length: 100\r\nexpect: 100-continue\r\n\r\n")
        assert b"100 Continue" in await reader.readuntil(b"\r\n\r\n")  # it waits for the body from here on
    head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    assert head.startswith(b"HTTP/1.1 503 ")
    problem = json.loads(body)
    assert (problem["code"], problem["message"]) == ("UNAVAILABLE", "the node goes down")


QUIET = b"GET /api/v1/watch/messages?agents=nobody HTTP/1.1\r\nhost: localhost\r\n\r\n"
FRAMED = (
    b"POST /caxton.v1.CaxtonManagement/SubscribeMessages HTTP/1.1\r\nhost: localhost\r\n"
    b"content-type: application/connect+json\r\ncontent-length: 7\r\n\r\n\0\0\0\0\2{}"
)


async def test_a_stream_that_has_nothing_to_say_begins_and_hears_of_the_end(tmp_path):
    connections = []
    async with founder(tmp_path / "n1") as node:
        for request in (QUIET, FRAMED):
            reader, writer = await asyncio.open_unix_connection(str(node.data_dir / "rest.sock"))
            connections.append((reader, writer))
            writer.write(request)
            assert b" 200 OK" in await reader.readuntil(b"\r\n\r\n")
    for reader, writer in connections:
        rest = await reader.read()
        writer.close()
        assert b"the node goes down" in rest
        assert rest.endswith(b"\r\n0\r\n\r\n")  # whole, by the rules of chunks
