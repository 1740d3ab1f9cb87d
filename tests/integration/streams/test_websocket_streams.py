"""Streams over WebSocket on real sockets, cut as networks cut them."""

import asyncio
import random

import pytest

from tests.support.api import call, founder
from tests.support.meshes import until
from tests.support.web_streams import EventSource, Place, WebSocket, number_of, send_numbers, seq_of

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

MEMBERS = {"id": "m", "operation": "ClusterService/WatchMembers"}
CAPABILITIES = {
    "id": "c",
    "operation": "CapabilityService/WatchCapabilities",
    "request": {"query": {"name": "chess"}},
}
MESSAGES = {"id": "s", "operation": "CaxtonManagement/SubscribeMessages", "request": {"agents": ["echo"]}}


async def began(socket, **frame):
    """Subscribe; return the cursor of the beginning."""
    await socket.say(type="subscribe", **frame)
    answer = await socket.hear()
    assert (answer["type"], answer["id"]) == ("subscribed", frame["id"]), answer
    return answer["cursor"]


async def test_several_streams_share_a_socket(place):
    async with WebSocket.open(place) as socket:
        assert socket.subprotocol == "caxton.v1"
        await began(socket, **MEMBERS)
        event = await socket.hear()
        assert (event["id"], event["data"]["member"]["node_id"]) == ("m", "n1")
        await began(socket, **CAPABILITIES)
        await socket.say(type="ping", text="there?")
        while (frame := await socket.hear())["type"] == "event":
            pass
        assert frame == {"type": "pong", "text": "there?"}
        await socket.say(type="unsubscribe", id="m")
        await began(socket, **MEMBERS)


async def test_a_thousand_events_come_once_and_in_order_although_the_connection_breaks_all_the_time(
    node, place
):
    """The cut comes at random, and with frames under way that the reader never sees."""
    chance = random.Random(7)
    came: list[int] = []
    seqs: list[int] = []
    cursor, breaks = "", 0
    sending = None
    while len(came) < 1000:
        async with WebSocket.open(place) as socket:
            start = await began(socket, **MESSAGES, cursor=cursor)
            assert not cursor or start == cursor
            sending = sending or asyncio.create_task(send_numbers(node, 1000))
            for _ in range(chance.randrange(1, 250)):
                frame = await socket.hear()
                assert frame["type"] == "event", frame
                cursor = frame["cursor"]
                seqs.append(seq_of(cursor))
                number = number_of(frame["data"])
                came += [] if number is None else [number]
                if len(came) == 1000:
                    break
            socket.cut()
            breaks += 1
    await sending
    assert seqs == list(range(1, len(seqs) + 1))
    assert came == list(range(1000))
    assert breaks >= 8


async def test_the_direct_form_is_the_stream_of_its_address(place):
    async with WebSocket.open(place, "/api/v1/watch/members", subprotocols=()) as socket:
        assert socket.subprotocol is None
        first = await socket.hear()
        event = await socket.hear()
        assert (first["type"], event["type"], "id" in event) == ("subscribed", "event", False)
        socket.cut()
    async with WebSocket.open(place, f"/api/v1/watch/members?cursor={first['cursor']}") as socket:
        assert (await socket.hear())["cursor"] == first["cursor"]
        assert await socket.hear() == event
        await socket.say(type="subscribe", **MEMBERS)
        assert (await socket.hear_close()).code == 1008


async def test_the_direct_form_tells_what_is_wrong_and_closes(place):
    async with WebSocket.open(place, "/api/v1/watch/deployments/none-such") as socket:
        answer = await socket.hear()
        closed = await socket.hear_close()
    assert answer["error"]["status"] == 404
    assert closed.code == 1008
    assert closed.reason.startswith(answer["error"]["code"])


async def test_a_newer_connection_takes_over_and_the_older_is_told(place):
    async with WebSocket.open(place) as older, WebSocket.open(place) as newer:
        cursor = await began(older, **MEMBERS)
        event = await older.hear()
        await began(newer, **MEMBERS, cursor=cursor)
        told = await older.hear()
        assert (told["type"], told["id"], told["error"]["code"]) == ("error", "m", "READER_REPLACED")
        assert (await newer.hear()) == event
        await older.say(type="ping")
        assert (await older.hear())["type"] == "pong"


async def test_nobody_else_resumes_a_stream(node, place):
    async with WebSocket.open(place) as mine:
        cursor = await began(mine, **MEMBERS)
        other = await call(node.local, lambda client: client.access_keys.create("mallory", grants=["admin"]))
        headers = {"authorization": f"Bearer {other.token}"}
        async with WebSocket.open(place, headers=headers) as socket:
            await socket.say(type="subscribe", **MEMBERS, cursor=cursor)
            answer = await socket.hear()
    assert (answer["error"]["status"], answer["error"]["code"]) == (403, "FORBIDDEN")


async def test_a_stream_that_nobody_came_back_to_is_gone(front):
    async with WebSocket.open(front.place) as socket:
        cursor = await began(socket, **MEMBERS)
    await until(front.forget, 10)
    async with WebSocket.open(front.place) as socket:
        await socket.say(type="subscribe", **MEMBERS, cursor=cursor)
        answer = await socket.hear()
    assert (answer["error"]["status"], answer["error"]["code"]) == (410, "CURSOR_EXPIRED")
    assert "begin anew" in answer["error"]["hint"]


async def test_a_stream_ends_when_its_key_is_revoked(node, place):
    key = await call(node.local, lambda client: client.access_keys.create("visitor", grants=["viewer"]))
    async with WebSocket.open(Place(place.address, place.ca_pem, key.token)) as socket:
        cursor = await began(socket, **MEMBERS)
        assert (await socket.hear())["type"] == "event"
        await call(node.local, lambda client: client.access_keys.revoke(key.key.key_id))
        told = await socket.hear()
        assert (told["type"], told["id"], told["error"]["status"]) == ("error", "m", 401)
        await socket.say(type="subscribe", **MEMBERS, cursor=cursor)
        assert (await socket.hear())["error"]["status"] == 401


async def test_a_reader_is_told_that_the_node_goes_down(tmp_path):
    async with founder(tmp_path / "n1", "n1") as node:
        place = Place(node.daemon.listening()["rest"], node.ca_pem, node.admin_token)
        async with (
            WebSocket.open(place) as socket,
            EventSource.open(place, "/api/v1/watch/members") as source,
        ):
            await began(socket, **MEMBERS)
            await socket.hear()
            await source.next()
            going = asyncio.create_task(node.daemon.ground.stack.aclose())
            told, event, closed = await socket.hear(), await source.next(), await socket.hear_close()
            await going
    assert (told["error"]["code"], event.name, event.data["code"]) == ("UNAVAILABLE", "error", "UNAVAILABLE")
    assert closed.code == 1012
