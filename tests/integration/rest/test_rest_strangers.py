"""What somebody unknown can make a node do: refuse, and little else."""

import asyncio
import itertools
import json

import pytest

from caxton_node.api.rest import rpc, transcoding
from tests.support.web import read_answers

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

LINES = {"content-type": "application/x-ndjson"}
MODULE = f"/api/v1/modules/{'0' * 64}"
DEPLOY = "/caxton.v1.CaxtonManagement/DeployAgent"


def head_of(path, size, **headers):
    """Return the head of a request whose body is JSON."""
    said = {"host": "localhost", "content-type": "application/json", "content-length": size, **headers}
    lines = "".join(f"{name}: {value}\r\n" for name, value in said.items())
    return f"POST {path} HTTP/1.1\r\n{lines}\r\n".encode()


@pytest.fixture
def parsed(monkeypatch):
    """Return the sizes of the bodies that are parsed."""
    sizes, bind, parse = [], transcoding.bind, rpc.json_format.Parse

    def noting_bind(match, query, body):
        sizes.append(len(body))
        return bind(match, query, body)

    def noting_parse(text, *args, **kwargs):
        sizes.append(len(text))
        return parse(text, *args, **kwargs)

    monkeypatch.setattr(transcoding, "bind", noting_bind)
    monkeypatch.setattr(rpc.json_format, "Parse", noting_parse)
    return sizes


@pytest.mark.parametrize("count", [5, 60_000])
async def test_lines_of_a_stranger_are_not_read(tls, parsed, count):
    answer = await tls.having().ask("PUT", MODULE, b"{}\n" * count, LINES)
    assert answer.status == 401
    assert parsed == []


@pytest.mark.parametrize("count", [1, 100_000])
@pytest.mark.parametrize("path", [DEPLOY, "/api/v1/agents"])
async def test_json_of_a_stranger_is_not_read(tls, parsed, path, count):
    body = json.dumps({"name": "x", "capabilities": ["a"] * count}).encode()
    assert (await tls.having().ask("POST", path, body)).status == 401
    assert parsed == []


@pytest.mark.parametrize("path", [DEPLOY, "/api/v1/agents"])
@pytest.mark.parametrize("size", [b"content-length: 900000", b"transfer-encoding: chunked"])
async def test_a_stranger_is_refused_before_a_long_body_comes(tls, path, size):
    head = b"POST " + path.encode() + b" HTTP/1.1\r\nhost: localhost\r\ncontent-type: application/json\r\n"
    (answer,) = await tls.say(head + size + b"\r\n\r\n")
    assert answer.status == 401


async def test_a_newcomer_may_send_little(tls):
    (answer,) = await tls.say(head_of("/api/v1/cluster/join", 100_000))
    assert (answer.status, answer.json["code"]) == (413, "BODY_TOO_LARGE")


async def test_a_body_is_no_longer_than_its_class_may_be(tls, monkeypatch):
    monkeypatch.setattr("caxton_node.api.rest.reading.BYTES_MAX", {"deploy": 1000})
    head = head_of("/api/v1/agents", 70_000, authorization=tls.headers["authorization"])
    (answer,) = await tls.say(head)
    assert (answer.status, answer.json["code"]) == (413, "BODY_TOO_LARGE")


async def test_lines_of_one_who_is_known_leave_others_their_turn(tls, parsed):
    turns = []

    async def take_turns():
        while True:
            turns.append(len(parsed))
            await asyncio.sleep(0)

    others = asyncio.create_task(take_turns())
    first = json.dumps({"size_bytes": "8"}).encode()
    await tls.ask("PUT", MODULE, first + b"\n" + b"{}\n" * 2000, LINES)
    others.cancel()
    assert len(parsed) > 1000
    assert max(later - earlier for earlier, later in itertools.pairwise(turns)) <= 2 * 64


async def test_bodies_of_one_source_have_only_so_much_room(tls):
    head = head_of("/api/v1/agents", 1_000_000, authorization=tls.headers["authorization"])
    async with tls.open() as one, tls.open() as two, tls.open() as three:
        readings = set()
        for reader, writer in (one, two, three):
            writer.write(head + b" " * 950_000)
            readings.add(asyncio.create_task(read_answers(reader)))
        done, open_still = await asyncio.wait(readings, return_when=asyncio.FIRST_COMPLETED)
        for reading in open_still:
            reading.cancel()
        answers = [answer for each in done for answer in await each]
    assert [answer.json["code"] for answer in answers] == ["RESOURCE_LIMIT_EXCEEDED"]


async def test_the_room_of_a_body_is_free_when_its_request_is_over(tls):
    for _ in range(5):
        assert (await tls.ask("POST", "/api/v1/agents", b" " * 900_000 + b"{")).status == 400


async def test_who_is_answered_early_does_not_send_for_ever(impatient):
    async with impatient.open() as (reader, writer):
        writer.write(b"POST /api/v1/nothing HTTP/1.1\r\nhost: x\r\ncontent-length: 2000\r\n\r\n")
        assert [answer.status for answer in await read_answers(reader)] == [404]
        writer.write(b"{")
        assert await reader.read() == b""
