"""Durable messages through the API and the command line of two nodes."""

import asyncio
import json
import sqlite3
from contextlib import closing

import pytest
import pytest_asyncio

from caxton_node.core.errors import InvalidArgument
from tests.support.api import call, seen_by
from tests.support.cli import caxton
from tests.support.durable_guests import durable_relay

pytestmark = [
    pytest.mark.story("022"),
    pytest.mark.story("002"),
    pytest.mark.asyncio(loop_scope="session"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def agents(nodes):
    """Run a relay on the first node that tells a sink on the second, all of it durably."""
    first, second = nodes
    guest = durable_relay().encode()
    await call(second.local, lambda client: client.agents.deploy("sink", guest))
    await call(first.local, lambda client: client.agents.deploy("passer", guest, config={"next": "sink@n2"}))
    await seen_by(first, "sink")
    yield
    for node, name in ((first, "passer"), (second, "sink")):
        await call(node.local, lambda client, name=name: client.agents.undeploy(name, force=True))


async def counts(node):
    return (await call(node.local, lambda client: client.cluster.status())).messages


def rows(node, table):
    with closing(sqlite3.connect(f"file:{node.data_dir}/caxton.db?mode=ro", uri=True)) as connection:
        return connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0]


def send(to, **options):
    return lambda client: client.messages.send(
        to, b"1", performative="inform", wait=False, durable=True, **options
    )


async def until_counts(node, is_so):
    async with asyncio.timeout(20):
        while not is_so(found := await counts(node)):  # noqa: ASYNC110  another node's counts have no event
            await asyncio.sleep(0.02)
    return found


async def test_a_durable_message_passes_two_nodes_and_leaves_nothing_behind(n1, n2, agents):
    before = await counts(n2)
    for _ in range(10):
        await call(n1.local, send("passer"))
    after = await until_counts(n2, lambda now: now.delivered - before.delivered >= 10)
    assert after.accepted - before.accepted == after.delivered - before.delivered == 10
    first = await until_counts(n1, lambda now: not now.outbox)
    done = first.delivered + first.forwarded + first.refused + first.dead_lettered + first.handed_back
    assert first.accepted == done + first.kept + first.parked + first.in_flight
    assert rows(n1, "durable_outbox") == 0
    assert rows(n2, "durable_handled") >= 10


async def test_one_for_nobody_is_on_the_disk_and_waits_until_somebody_comes(n1, agents):
    sent = await call(n1.local, send("absent"))
    assert rows(n1, "durable_outbox") == 1
    (row,) = (await call(n1.local, lambda client: client.messages.where(sent.message_id))).receivers
    assert row.reason == "outbox"
    shown = await asyncio.to_thread(caxton, "--data-dir", n1.data_dir, "queue", "stats", "-o", "json")
    assert json.loads(shown.out)["outbox"] == 1
    await call(n1.local, lambda client: client.agents.deploy("absent", durable_relay().encode()))
    await until_counts(n1, lambda now: not now.outbox)
    await call(n1.local, lambda client: client.agents.undeploy("absent", force=True))


async def test_the_command_line_sends_durably(n1, agents):
    words = ("--to", "nobody-yet", "--data", "1", "-p", "inform", "--no-wait", "--durable", "--ttl", "1s")
    done = await asyncio.to_thread(caxton, "--data-dir", n1.data_dir, "message", "send", *words)
    assert done.code == 0
    assert rows(n1, "durable_outbox") == 1
    await until_counts(n1, lambda now: not now.outbox)  # its time is over
    (letter,) = (await call(n1.local, lambda client: client.messages.dead_letters(limit=1))).dead_letters
    assert (letter.reason, letter.receiver) == ("expired", "nobody-yet")


async def test_a_header_that_is_no_boolean_is_refused(n1, agents):
    def ask(client):
        client.messages.send("passer", b"1", headers={"durable": "perhaps"}, wait=False)

    with pytest.raises(InvalidArgument, match="a message cannot be durable: perhaps"):
        await call(n1.local, ask)
