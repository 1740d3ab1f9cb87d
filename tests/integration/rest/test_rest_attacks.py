"""What is sent here no client would send by accident. Every byte is the test's own."""

import asyncio
import itertools

import pytest

from tests.support.web import read_answers

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

GET = b"GET /api/v1/agents/echo HTTP/1.1\r\nhost: x\r\n\r\n"
POST = b"POST /api/v1/agents/echo/restart HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
SMUGGLED = b"DELETE /api/v1/agents/echo HTTP/1.1\r\nhost: x\r\n\r\n"


async def is_there(web):
    return (await web.ask("GET", "/api/v1/agents/echo")).status == 200


@pytest.mark.parametrize(
    "head",
    [
        b"content-length: 4\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: chunked\r\ncontent-length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"content-length: 2\r\ncontent-length: 100\r\n\r\n{}" + SMUGGLED,
        b"content-length: 2, 2\r\n\r\n{}" + SMUGGLED,
        b"content-length: +2\r\n\r\n{}" + SMUGGLED,
        b"content-length: 0x2\r\n\r\n{}" + SMUGGLED,
        b"content-length: -1\r\n\r\n{}" + SMUGGLED,
        b"content-length : 2\r\n\r\n{}" + SMUGGLED,
        b"transfer-encoding: xchunked\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: identity, chunked, identity\r\n\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: chunked\r\n\r\n5;\n{}\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: chunked\r\n\r\nfffffffffffffffff\r\n{}\r\n0\r\n\r\n" + SMUGGLED,
        b"transfer-encoding: chunked\r\n\r\n2\r\n{}0\r\n\r\n" + SMUGGLED,
        b"x: a\r\n content-length: 2\r\n\r\n{}" + SMUGGLED,
        b"x: a\rcontent-length: 2\r\n\r\n{}" + SMUGGLED,
        b"x: a\x00b\r\ncontent-length: 2\r\n\r\n{}" + SMUGGLED,
        b"x\x00: a\r\ncontent-length: 2\r\n\r\n{}" + SMUGGLED,
        b"content-length: 2\n\n{}" + SMUGGLED,
    ],
)
async def test_a_request_cannot_hide_another_one(web, head):
    answers = await web.say(POST + head, 3)
    assert [answer.status for answer in answers if answer.status != 400] in ([], [200]), answers
    assert len(answers) <= 2
    assert await is_there(web)


@pytest.mark.parametrize(
    "line",
    [
        b"GET /api/v1/agents HTTP/0.9",
        b"GET /api/v1/agents HTTP/2.0",
        b"GET /api/v1/agents HTTP/1.1.1",
        b"GET /api/v1/agents",
        b"GET /api/v1/agents\tHTTP/1.1",
        b"GET /api/v1/a gents HTTP/1.1",
        b"GET \\api\\v1\\agents HTTP/1.1",
        b"GET /api/v1/agents#x HTTP/1.1",
        b"get /api/v1/agents HTTP/1.1",
        b"FROB /api/v1/agents HTTP/1.1",
        b"GE\x00T /api/v1/agents HTTP/1.1",
        b"PRI * HTTP/2.0",
        b"CONNECT 127.0.0.1:22 HTTP/1.1",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
)
async def test_what_is_no_request_is_refused_and_the_connection_ends(web, line):
    answers = await web.say(line + b"\r\nhost: x\r\n\r\n" + GET, 3)
    assert len(answers) <= 1, answers
    assert all(answer.status in {400, 404, 405, 505} for answer in answers), answers


@pytest.mark.parametrize(
    "target",
    [
        b"http://evil.example/api/v1/agents/echo",
        b"//evil.example/api/v1/agents/echo",
        b"/api/v1/agents/echo/",
    ],
)
async def test_a_target_is_a_path(web, target):
    answer, *_ = await web.say(b"DELETE " + target + b" HTTP/1.1\r\nhost: x\r\n\r\n")
    assert answer.status in {400, 404, 405, 421}
    assert await is_there(web)


async def test_two_credentials_are_none(tls):
    twice = (
        b"GET /api/v1/agents HTTP/1.1\r\nhost: localhost\r\n"
        b"authorization: Bearer x\r\nauthorization: " + tls.headers["authorization"].encode() + b"\r\n\r\n"
    )
    (answer,) = await tls.say(twice)
    assert answer.status == 401


async def test_two_hosts_are_none(tls):
    (answer,) = await tls.say(b"GET /health HTTP/1.1\r\nhost: localhost\r\nhost: evil.example\r\n\r\n")
    assert answer.status == 400


async def test_headers_that_proxies_would_set_mean_nothing(node, tls):
    for name, value in {
        "x-forwarded-for": "10.0.0.1",
        "forwarded": "for=10.0.0.1",
        "x-real-ip": "10.0.0.1",
        "x-original-url": "/health",
        "x-rewrite-url": "/health",
        "x-forwarded-host": "localhost",
        "x-ssl-client-cert": "x",
        "x-remote-user": "admin",
    }.items():
        answer = await tls.having().ask("GET", "/api/v1/agents", headers={name: value})
        assert answer.status == 401, name


async def test_pipelined_requests_are_answered_in_order(web):
    paths = [b"/api/v1/agents/echo", b"/api/v1/nothing", b"/health", b"/api/v1/agents?page_size=1"]
    data = b"".join(b"GET " + path + b" HTTP/1.1\r\nhost: x\r\n\r\n" for path in paths)
    assert [answer.status for answer in await web.say(data, 4)] == [200, 404, 200, 200]


async def test_thousands_of_pipelined_requests_are_too_many(web):
    answers = await web.say(b"GET /health HTTP/1.1\r\nhost: x\r\n\r\n" * 2000, 2000)
    assert len(answers) < 2000
    assert await is_there(web)


async def test_a_body_byte_by_byte_and_in_chunks(web):
    pieces = [bytes([each]) for each in POST + b"content-length: 2\r\n\r\n{}"]
    async with web.open() as (reader, writer):
        for piece in pieces:
            writer.write(piece)
            await writer.drain()
        assert [answer.status for answer in await read_answers(reader)] == [200]
    chunked = POST + b"transfer-encoding: chunked\r\n\r\n1\r\n{\r\n1\r\n}\r\n0\r\n\r\n"
    assert [answer.status for answer in await web.say(chunked)] == [200]


async def test_chunks_without_end_are_too_large(web):
    async with web.open() as (reader, writer):
        writer.write(POST + b"transfer-encoding: chunked\r\n\r\n")
        chunk = b"10000\r\n" + b" " * 0x10000 + b"\r\n"
        for _ in range(20):
            writer.write(chunk)
        (answer,) = await read_answers(reader)
    assert (answer.status, answer.json["code"]) == (413, "BODY_TOO_LARGE")


async def test_who_waits_to_be_asked_is_asked(web):
    async with web.open() as (reader, writer):
        writer.write(POST + b"expect: 100-continue\r\ncontent-length: 2\r\n\r\n")
        assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        writer.write(b"{}")
        assert [answer.status for answer in await read_answers(reader)] == [200]
    async with web.open() as (reader, writer):
        writer.write(POST + b"expect: 100-continue\r\ncontent-length: 99999999\r\n\r\n")
        assert [answer.status for answer in await read_answers(reader)] == [413]


async def test_headers_that_come_by_drops_are_not_waited_for(impatient):
    async with impatient.open() as (reader, writer):
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):  # noqa: PT012  the end may come anywhere
            for letter in itertools.cycle(b"GET /health HTTP/1.1\r\nx: "):
                writer.write(bytes([letter]) if letter not in b"\r\n" else b"y")
                await writer.drain()
                await asyncio.sleep(0.05)
                if reader.at_eof():
                    raise ConnectionResetError
    async with impatient.open() as (reader, writer):
        writer.write(b"GET /health HTTP/1.1\r\nhost: x\r\n")
        answers = await read_answers(reader)
        assert [answer.status for answer in answers] == [408]


async def test_a_body_that_comes_by_drops_is_not_waited_for(impatient):
    async with impatient.open() as (reader, writer):
        writer.write(POST + b"content-length: 2000\r\n\r\n{")
        (answer,) = await read_answers(reader)
    assert (answer.status, answer.json["code"]) == (408, "REQUEST_TIMEOUT")


async def test_who_says_nothing_is_shown_the_door(impatient):
    async with impatient.open() as (reader, _):
        assert await reader.read() == b""
    async with impatient.open() as (reader, writer):
        writer.write(GET)
        assert [answer.status for answer in await read_answers(reader)] == [200]
        assert await reader.read() == b""


async def test_who_does_not_read_is_shown_the_door(impatient):
    async with impatient.open() as (reader, writer):
        reader._transport.pause_reading()
        get = b"GET /openapi.json HTTP/1.1\r\nhost: x\r\n\r\n"
        with pytest.raises(ConnectionError):  # noqa: PT012  the end may come anywhere
            while True:
                writer.write(get * 5)
                await writer.drain()
                await asyncio.sleep(0.02)


async def test_there_are_only_so_many_connections(impatient):
    opened = [await impatient.connect() for _ in range(25)]
    closed = 0
    for _, writer in opened:
        writer.write(GET)
    for reader, _ in opened:
        try:
            closed += not (await read_answers(reader))
        except ConnectionError:
            closed += 1
    for _, writer in opened:
        writer.close()
    assert closed == 5
    async with asyncio.timeout(5):
        while True:
            try:
                assert await is_there(impatient)
                break
            except ConnectionError:
                await asyncio.sleep(0.02)
