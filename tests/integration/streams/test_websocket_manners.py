"""Who may open a WebSocket, and what becomes of whoever does not keep to the protocol."""

import json
import os

import pytest
from wsproto import events as ws
from wsproto.frame_protocol import FrameProtocol, Opcode

from caxton_node.api.rest import websocket_session
from tests.support.api import call
from tests.support.meshes import until
from tests.support.web_streams import Closed, Place, Refused, WebSocket, flood, seq_of

pytestmark = [
    pytest.mark.story("007"),
    pytest.mark.story("023"),
    pytest.mark.asyncio(loop_scope="session"),
]

PAGE = {"origin": "https://app.example.com"}
MEMBERS = {"type": "subscribe", "id": "m", "operation": "ClusterService/WatchMembers"}


@pytest.fixture
def stranger(place):
    """Return the same place, without credentials."""
    return Place(place.address, place.ca_pem)


async def refusal(place, path="/ws", **options):
    """Return how an upgrade is refused."""
    with pytest.raises(Refused) as refused:
        async with WebSocket.open(place, path, **options):
            pass
    return refused.value.status, refused.value.problem["code"]


# -- who may connect -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "http://app.example.com", "null", "https://app.example.com.evil.example"],
)
async def test_pages_of_other_origins_are_refused_whatever_they_show(place, stranger, origin):
    for who in (place, stranger):
        assert await refusal(who, headers={"origin": origin}) == (403, "FOREIGN_ORIGIN")


async def test_without_an_origin_credentials_must_be_in_the_headers(stranger):
    assert await refusal(stranger) == (403, "FOREIGN_ORIGIN")
    assert await refusal(stranger, "/api/v1/watch/members") == (403, "FOREIGN_ORIGIN")


async def test_a_name_that_is_not_the_nodes_is_refused_although_the_origin_matches_it(place):
    """A page that lets its own name point at this node (DNS rebinding) has an origin that equals the host."""
    with pytest.raises(Refused) as refused:
        async with WebSocket.open(place, host="evil.example", headers={"origin": "https://evil.example"}):
            pass
    assert refused.value.status == 421


async def test_names_that_rest_takes_from_the_certificate_are_taken_here_too(front):
    names = front.server.app.names
    front.server.app.names = {*names, "n1.example.org"}
    async with WebSocket.open(front.place, host="n1.example.org:8080") as socket:
        assert socket.subprotocol == "caxton.v1"
    front.server.app.names = names


async def test_refusals_of_upgrades_and_of_frames_are_on_the_audit_log(node, stranger):
    before = await refused(node)
    await refusal(stranger, headers={"authorization": "Bearer cxt_nonsense"})
    for first in ({"type": "authenticate", "token": "nonsense"}, {"type": "ping"}):
        async with WebSocket.open(stranger, headers=PAGE) as socket:
            await socket.say(**first)
            await socket.hear_close()
    assert [each.operation for each in (await refused(node))[: -len(before) or None]] == [
        "AuthenticateWebSocket",
        "AuthenticateWebSocket",
        "OpenWebSocket",
    ]


async def refused(node):
    """Return the records of refused WebSockets, the newest first."""
    found = await call(
        node.local, lambda client: list(client.access.audit_records(limit=500, outcome="denied"))
    )
    return [each for each in found if each.surface == "websocket"]


async def test_a_wrong_token_is_refused_before_the_upgrade(stranger):
    headers = {"authorization": "Bearer cxt_nonsense"}
    assert await refusal(stranger, headers=headers) == (401, "UNAUTHORIZED")
    assert await refusal(stranger, headers={"x-api-key": "nonsense"}) == (401, "UNAUTHORIZED")


async def test_a_token_in_the_url_is_no_token(place, stranger):
    assert await refusal(stranger, f"/ws?token={place.token}&access_token={place.token}") == (
        403,
        "FOREIGN_ORIGIN",
    )


async def test_a_page_of_an_allowed_origin_shows_its_token_in_its_first_frame(place, stranger):
    for origin in (PAGE["origin"], f"https://{place.address}"):
        async with WebSocket.open(stranger, headers={"origin": origin}) as socket:
            await socket.say(type="authenticate", token=place.token)
            answer = await socket.hear()
            assert answer["type"] == "authenticated", answer
            await socket.say(**MEMBERS)
            assert (await socket.hear())["type"] == "subscribed"


async def test_the_direct_form_takes_the_token_in_the_first_frame_too(place, stranger):
    async with WebSocket.open(stranger, "/api/v1/watch/members", headers=PAGE) as socket:
        await socket.say(type="authenticate", token=place.token)
        assert [(await socket.hear())["type"] for _ in range(3)] == ["authenticated", "subscribed", "event"]


@pytest.mark.parametrize(
    "first", [{**MEMBERS}, {"type": "ping"}, {"type": "authenticate", "token": "nonsense"}]
)
async def test_a_page_that_does_not_is_told_and_closed(stranger, first):
    async with WebSocket.open(stranger, headers=PAGE) as socket:
        await socket.say(**first)
        told = await socket.hear()
        closed = await socket.hear_close()
    assert (told["type"], told["error"]["status"]) == ("error", 401)
    assert (closed.code, closed.reason.split(":")[0]) == (1008, "UNAUTHORIZED")


async def test_the_subprotocol_must_be_one_that_is_served(place):
    assert (await refusal(place, subprotocols=["caxton.v2"]))[0] == 400
    assert (await refusal(place, subprotocols=[]))[0] == 400
    assert (await refusal(place, "/api/v1/watch/members", subprotocols=["graphql"]))[0] == 400
    async with WebSocket.open(place, subprotocols=["caxton.v2", "caxton.v1"]) as socket:
        assert socket.subprotocol == "caxton.v1"


@pytest.mark.parametrize(
    "path", ["/", "/WS", "/ws/", "//ws", "/api/v1/agents", "/api/v1/watch/Members", "/docs"]
)
async def test_nothing_else_is_a_websocket(place, path):
    assert (await refusal(place, path))[0] == 404


# -- what is said --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonsense",
        "[]",
        "null",
        "{}",
        '{"type":"publish"}',
        '{"type":"subscribe"}',
        '{"type":"subscribe","id":"","operation":"ClusterService/WatchMembers"}',
        '{"type":"subscribe","id":"m","operation":"ClusterService/WatchMembers","reqest":{}}',
        '{"type":"ping","text":' + "[" * 100_000 + "]" * 100_000 + "}",
        json.dumps({**MEMBERS, "id": "m" * 65}),
    ],
)
async def test_what_is_no_frame_closes_the_connection_with_a_reason(place, text):
    async with WebSocket.open(place) as socket:
        await socket.send(text)
        told = await socket.hear()
        closed = await socket.hear_close()
    assert (told["type"], told["error"]["code"]) == ("error", "INVALID_ARGUMENT")
    assert closed.code == 1008
    assert closed.reason.startswith("INVALID_ARGUMENT: ")


async def test_binary_frames_are_not_taken(place):
    async with WebSocket.open(place) as socket:
        await socket.send(b"\x00\x01")
        assert (await socket.hear_close()).code == 1003


async def sent(socket, *pieces):
    """Write bytes; return how the connection is closed for them, which may be before all of them are out."""
    try:
        for piece in pieces:
            await socket.write(piece)
    except ConnectionError:
        return Closed()
    return await socket.hear_close()


async def test_a_huge_frame_is_not_read_to_its_end(place):
    async with WebSocket.open(place) as socket:
        closed = await sent(socket, socket.encode(ws.TextMessage("x" * (8 * 1024 * 1024))))
    assert closed.code in {0, 1009}  # 0: the reset was quicker than what it was about


async def test_a_frame_of_many_fragments_is_bounded_as_one(place):
    async with WebSocket.open(place) as socket:
        piece = ws.TextMessage("x" * 65536, message_finished=False)
        closed = await sent(socket, *(socket.encode(piece) for _ in range(64)))
    assert closed.code in {0, 1009}


async def test_bytes_that_are_no_websocket_end_the_connection(place):
    async with WebSocket.open(place) as socket:
        await socket.write(os.urandom(4096))
        assert (await socket.hear_close()).code in {0, 1002, 1007, 1009}


async def test_a_text_that_is_no_utf8_is_closed_as_such(place):
    async with WebSocket.open(place) as socket:
        frames = FrameProtocol(client=True, extensions=[])
        await socket.write(frames._serialize_frame(Opcode.TEXT, b"\xff\xfe"))
        assert (await socket.hear_close()).code == 1007


@pytest.mark.parametrize(
    ("frame", "status"),
    [
        ({"operation": "NoService/NoMethod"}, 400),
        ({"operation": "CaxtonManagement/ListAgents"}, 400),
        ({"request": {"nonsense": 1}}, 400),
        ({"request": []}, 400),
        ({"request": "x"}, 400),
        ({"cursor": "nonsense"}, 400),
        ({"cursor": "A" * 24 + ".1"}, 410),
        ({"operation": "AgentDeployment/WatchDeployment", "request": {"name": "none-such"}}, 404),
    ],
)
async def test_what_is_wrong_with_one_subscription_ends_only_that(place, frame, status):
    async with WebSocket.open(place) as socket:
        await socket.say(**{**MEMBERS, "id": "bad", **frame})
        told = await socket.hear()
        assert (told["type"], told["id"], told["error"]["status"]) == ("error", "bad", status), told
        await socket.say(**MEMBERS)
        assert (await socket.hear())["type"] == "subscribed"


async def test_an_id_is_used_once_at_a_time(place):
    async with WebSocket.open(place) as socket:
        await socket.say(**MEMBERS)
        await socket.say(**MEMBERS)
        closed = await socket.hear_close()
    assert (closed.code, "in use" in closed.reason) == (1008, True)


async def test_one_stream_too_many_leaves_the_others_alone(place, monkeypatch):
    monkeypatch.setattr(websocket_session, "SUBSCRIPTIONS_MAX", 1)
    async with WebSocket.open(place) as socket:
        await socket.say(**MEMBERS)
        assert (await socket.hear())["type"] == "subscribed"
        await socket.say(**{**MEMBERS, "id": "more"})
        told = await socket.hear()
        while told["type"] == "event":
            told = await socket.hear()
        assert (told["type"], told["id"], told["error"]["code"]) == (
            "error",
            "more",
            "RESOURCE_LIMIT_EXCEEDED",
        )
        await socket.say(type="unsubscribe", id="m")
        await socket.say(**{**MEMBERS, "id": "next"})
        while (told := await socket.hear())["type"] == "event":
            pass
        assert (told["type"], told["id"]) == ("subscribed", "next")


async def test_whoever_does_not_read_is_closed_and_may_resume(node, front):
    """Frames pile up in the node's buffers until its patience is over; what was sent by then still comes."""
    watch = {"type": "subscribe", "id": "s", "operation": "CaxtonManagement/SubscribeMessages"}
    seqs, closed = [0], None
    await until(front.forget, 10)
    async with WebSocket.open(front.place) as socket:
        await socket.say(**watch)
        cursor = (await socket.hear())["cursor"]
        socket.pause()
        await flood(node, 30)
        await until(lambda: front.streams.waiting, 10)  # its connection was given up
        socket.resume()
        while closed is None:
            try:
                cursor = (await socket.hear())["cursor"]
                seqs.append(seq_of(cursor))
            except Closed as err:
                closed = err
    assert (closed.code, closed.reason.split(":")[0]) == (1013, "SLOW_READER")
    async with WebSocket.open(front.place) as socket:
        await socket.say(**watch, cursor=cursor)
        assert (await socket.hear())["type"] == "subscribed"
        seqs.append(seq_of((await socket.hear())["cursor"]))
    assert seqs == list(range(len(seqs)))
