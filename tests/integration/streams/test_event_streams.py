"""Streams as server-sent events on real sockets, cut as networks cut them."""

import asyncio
import random
from contextlib import suppress

import pytest

from tests.support.meshes import until
from tests.support.web_streams import Closed, EventSource, Refused, flood, number_of, send_numbers, seq_of

pytestmark = [pytest.mark.story("007"), pytest.mark.asyncio(loop_scope="session")]

MEMBERS = "/api/v1/watch/members"
MESSAGES = "/api/v1/watch/messages?agents=echo"


async def test_a_thousand_events_come_once_and_in_order_although_the_connection_breaks_all_the_time(
    node, place
):
    chance = random.Random(11)
    came: list[int] = []
    seqs: list[int] = []
    last_id, breaks, sending = "", 0, None
    while len(came) < 1000:
        headers = {"last-event-id": last_id} if last_id else {}
        async with EventSource.open(place, MESSAGES, headers=headers) as source:
            sending = sending or asyncio.create_task(send_numbers(node, 1000))
            for _ in range(chance.randrange(1, 250)):
                event = await source.next()
                assert event.name == "message", event
                last_id = event.id
                seqs.append(seq_of(event.id))
                number = number_of(event.data)
                came += [] if number is None else [number]
                if len(came) == 1000:
                    break
            breaks += 1
    await sending
    assert seqs == list(range(1, len(seqs) + 1))
    assert came == list(range(1000))
    assert breaks >= 8


async def test_the_stream_says_what_it_is_and_when_to_come_back(place):
    async with EventSource.open(place, MEMBERS) as source:
        assert source.headers["content-type"] == "text/event-stream"
        assert source.headers["cache-control"] == "no-store, no-transform"
        event = await source.next()
        assert event.data["member"]["node_id"] == "n1"
        assert event.id.endswith(".1")


async def test_a_cursor_may_be_in_the_query(place):
    async with EventSource.open(place, MEMBERS) as source:
        event = await source.next()
        beginning = event.id.removesuffix(".1") + ".0"
    async with EventSource.open(place, f"{MEMBERS}?cursor={beginning}") as source:
        assert await source.next() == event


async def test_a_newer_connection_takes_over_and_the_older_is_told(place):
    async with EventSource.open(place, MEMBERS) as older:
        event = await older.next()
        async with EventSource.open(place, MEMBERS, headers={"last-event-id": event.id}):
            told = await older.next()
    assert (told.name, told.data["code"], told.data["status"]) == ("error", "READER_REPLACED", 409)


async def test_what_is_wrong_before_the_stream_begins_is_an_answer_like_any_other(place):
    with pytest.raises(Refused) as refused:
        async with EventSource.open(place, "/api/v1/watch/deployments/none-such"):
            pass
    assert refused.value.status == 404
    with pytest.raises(Refused) as refused:
        async with EventSource.open(place, MEMBERS, headers={"last-event-id": "nonsense"}):
            pass
    assert refused.value.status == 400
    with pytest.raises(Refused) as refused:
        async with EventSource.open(place, MEMBERS, headers={"last-event-id": "A" * 24 + ".7"}):
            pass
    assert (refused.value.status, refused.value.problem["code"]) == (410, "CURSOR_EXPIRED")


async def test_whoever_does_not_read_is_cut_off_and_may_resume(node, front):
    await until(front.forget, 10)
    seqs, last_id = [0], ""
    async with EventSource.open(front.place, "/api/v1/watch/messages") as source:
        source.pause()
        await flood(node, 30)
        await until(lambda: front.streams.waiting, 10)
        source.resume()
        with suppress(Closed):
            while last_id := (await source.next()).id:
                seqs.append(seq_of(last_id))
    async with EventSource.open(front.place, f"/api/v1/watch/messages?cursor={last_id}") as source:
        seqs.append(seq_of((await source.next()).id))
    assert seqs == list(range(len(seqs)))
