"""Splits, history and round trips through the API and the command line of real nodes."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from caxton_node.cluster.agreement import Line
from caxton_node.cluster.joining import DATABASE, found_cluster
from caxton_node.cluster.store import ClusterStore
from caxton_node.core.errors import InvalidArgument, NotFound, Partitioned, StateError
from caxton_node.storage import Database
from tests.support.api import Node, call, running
from tests.support.cli import ROOT, Done, caxton

pytestmark = [pytest.mark.story("041"), pytest.mark.asyncio(loop_scope="session")]

ECHO = (ROOT / "sdk" / "wat" / "echo.wat").read_bytes()


@asynccontextmanager
async def left_alone(folder: Path, *settings: str) -> AsyncIterator[Node]:
    """Run a node that remembers two others, of whom neither is there."""
    await asyncio.to_thread(found_cluster, folder, "n1", "test", ["127.0.0.1"])
    async with await Database.open(folder / DATABASE) as database:
        book = {name: Line(1, counts=True, settled=True) for name in ("n1", "n2", "n3")}
        await ClusterStore(database).save_book(book)
    async with running(folder, *settings) as node:
        yield node


async def run(node: Node, *words: object, **options: str) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words, **options)


async def test_a_consistent_node_on_its_own_refuses_changes_and_goes_on_with_the_rest(tmp_path):
    async with left_alone(tmp_path / "n1", "cluster.on_minority=consistent") as node:
        with pytest.raises(Partitioned, match="is isolated and takes no changes") as refusal:
            await call(node.local, lambda client: client.agents.deploy("echo", ECHO))
        assert "sees 1 of 3 members, not n2, n3" in refusal.value.why
        with pytest.raises(Partitioned):
            await call(node.local, lambda client: client.cluster.create_join_token())
        assert await call(node.local, lambda client: list(client.agents.list())) == []
        status = await call(node.local, lambda client: client.cluster.status())
        assert (status.partition_view, status.agreed_seen, status.agreed) == ("isolated", 1, 3)
        metrics = await call(
            node.local, lambda client: client.server.metrics(prefix="caxton_cluster_refusals")
        )
        assert [sample.value for metric in metrics for sample in metric.samples] == [2.0]
        refused = await run(node, "agent", "deploy", ROOT / "sdk" / "wat" / "echo.wat", "--name", "echo")
        assert (refused.code, "resolve-partition" in refused.err) == (5, True)

        answer = await call(node.local, lambda client: client.cluster.resolve_partition(forget_all_dead=True))
        assert list(answer.forgotten) == ["n2", "n3"]
        assert [(done.node, done.view) for done in answer.nodes] == [("n1", "majority")]
        await call(node.local, lambda client: client.agents.deploy("echo", ECHO))
        agents = await call(node.local, lambda client: list(client.agents.list()))
        assert [agent.name for agent in agents] == ["echo"]
    async with running(tmp_path / "n1", "cluster.on_minority=consistent") as node:  # it is written down
        facts = await call(node.local, lambda client: client.cluster.partition())
        assert (facts.view, list(facts.agreed), facts.on_minority) == ("majority", ["n1"], "consistent")


async def test_an_available_node_on_its_own_takes_changes(tmp_path):
    async with left_alone(tmp_path / "n1") as node:
        await call(node.local, lambda client: client.agents.deploy("echo", ECHO))
        agents = await call(node.local, lambda client: list(client.agents.list()))
        assert [agent.name for agent in agents] == ["echo"]


@pytest.mark.scenario(82)
async def test_who_is_alive_or_unknown_cannot_be_given_up(n1, n2):
    for forget, kind, says in (
        (["n2"], StateError, "n2 is alive"),
        (["n9"], NotFound, "no member n9 counts"),
        ([], InvalidArgument, "nobody is to be given up"),
        (["No Node"], InvalidArgument, "is not a node id"),
    ):
        with pytest.raises(kind, match=says):
            await call(
                n1.local, lambda client, forget=forget: client.cluster.resolve_partition(forget=forget)
            )
    facts = await call(n1.local, lambda client: client.cluster.partition(node="n2"))
    assert (facts.node_id, facts.view, list(facts.lost)) == ("n2", "majority", [])


@pytest.mark.scenario(82)
async def test_the_dead_are_given_up_on_every_node_that_is_reached_and_may_come_back(tmp_path):
    async with left_alone(tmp_path / "n1") as node:
        shown = await run(node, "cluster", "partition")
        assert "isolated" in shown.out
        assert "n2, n3" in shown.out
        asked = await run(node, "cluster", "resolve-partition", "--forget", "n2", stdin="n\n")
        assert (asked.code, "Without n2, 2 count" in asked.err) == (130, True)
        none = await run(node, "cluster", "resolve-partition", "--yes")
        assert (none.code, "--forget-all-dead" in none.err) == (2, True)
        done = await run(node, "cluster", "resolve-partition", "--forget", "n2", "--forget", "n3", "--yes")
        assert done.out.splitlines() == ["given up: n2, n3", "  n1  majority"]
        again = await run(node, "cluster", "resolve-partition", "--forget-all-dead", "--yes")
        assert (again.code, "no member that counts is missing" in again.err) == (2, True)


async def test_round_trips_are_measured_by_any_node_over_either_way(n1):
    pong = await call(n1.local, lambda client: client.cluster.ping("n2", timeout_s=5))
    assert (pong.way, pong.rtt_ms > 0) == ("gossip", True)
    pong = await call(
        n1.local, lambda client: client.cluster.ping("n1", node="n2", over_link=True, timeout_s=5)
    )
    assert pong.way in {"quic", "tcp"}
    with pytest.raises(NotFound, match="no node n9"):
        await call(n1.local, lambda client: client.cluster.ping("n9"))
    with pytest.raises(InvalidArgument, match="n1 is the node that pings"):
        await call(n1.local, lambda client: client.cluster.ping("n1"))


async def test_pings_are_printed_one_by_one_and_summed_up(n1):
    done = await run(n1, "cluster", "ping", "n2", "--count", "3", "--interval", "1ms", "--timeout", "5s")
    *pings, last = done.out.splitlines()
    assert (done.code, len(pings)) == (0, 3)
    assert all(line.startswith("n2 (127.0.0.1:") and line.endswith(" ms") for line in pings)
    assert last.startswith("--- n2: 3 sent, 3 answered, 0% lost, min/avg/max/mdev ")
    done = await run(n1, "cluster", "ping", "n2", "-c", "1", "-o", "json")
    ping, summary = [json.loads(line) for line in done.out.splitlines()]
    assert (ping["way"], summary["answered"]) == ("gossip", 1)


async def test_a_ping_that_nobody_answers_is_told_as_such(tmp_path):
    async with left_alone(tmp_path / "n1") as node:
        with pytest.raises(NotFound):
            await call(node.local, lambda client: client.cluster.ping("n2"))
        done = await run(node, "cluster", "ping", "n2", "-c", "1")
        assert (done.code, "no node n2" in done.err) == (3, True)


async def test_history_can_be_read_of_any_node(n1, n2):
    events = await call(n1.local, lambda client: client.cluster.events(node="n2", member="n1"))
    assert events[0].what == "joined"
    assert {event.member for event in events} == {"n1"}
    numbers = [event.number for event in events]
    assert numbers == sorted(numbers)
    later = await call(
        n1.local, lambda client: client.cluster.events(node="n2", after=numbers[-1], member="n1")
    )
    assert later == []
    shown = await run(n1, "cluster", "events", "--member", "n2", "--since", "1h")
    assert "n2  joined  127.0.0.1:" in shown.out
    rows = json.loads((await run(n1, "cluster", "events", "-o", "json", "--limit", "1")).out)
    assert len(rows) == 1
    nothing = await run(n1, "cluster", "events", "--member", "n9")
    assert (nothing.out, nothing.err) == ("", "nothing has happened\n")


async def test_members_and_status_tell_how_things_stand(n1):
    wide = await run(n1, "cluster", "members", "-o", "wide")
    head, *rows = [line.split() for line in wide.out.splitlines()]
    assert head[:6] == ["NODE", "STATE", "SINCE", "ADDRESS", "API", "LINK"]
    assert {row[0] for row in rows} >= {"n1", "n2"}, "others may have come and gone in this session"
    members = json.loads((await run(n1, "cluster", "members", "-o", "json")).out)
    assert all(member["since_unix_ms"] for member in members)
    status = (await run(n1, "cluster", "status")).out
    for words in ("partition", "quorum", "that count", "available", "B/s in", "gossip dropped", "suspicions"):
        assert words in status


async def test_any_number_may_be_asked_for_in_the_history(n1):
    assert await call(n1.local, lambda client: list(client.cluster.events(after=2**64 - 1))) == []


async def test_the_history_says_who_was_given_up_and_by_whom(tmp_path):
    async with left_alone(tmp_path / "n1") as node:
        await call(node.local, lambda client: client.cluster.resolve_partition(forget=["n2"]))
        events = await call(node.local, lambda client: client.cluster.events(member="n2"))
        assert [(event.what, event.member, event.detail) for event in events] == [
            ("given-up", "n2", "by local")
        ]


async def test_a_founder_without_its_database_founds_nothing_and_the_operator_may(tmp_path):
    await asyncio.to_thread(found_cluster, tmp_path / "n1", "n1", "test", ["127.0.0.1"])
    (tmp_path / "n1" / DATABASE).unlink()
    async with running(tmp_path / "n1") as node:
        at = await call(node.local, lambda client: client.cluster.partition())
        assert (at.view, list(at.agreed)) == ("isolated", [])
        await call(node.local, lambda client: client.cluster.resolve_partition(forget_all_dead=True))
        at = await call(node.local, lambda client: client.cluster.partition())
        assert (at.view, list(at.agreed)) == ("majority", ["n1"])


async def test_who_loses_an_unknown_member_is_told_so_by_name(n1):
    refused = await run(n1, "cluster", "ping", "nobody", "-o", "json")
    assert json.loads(refused.err)["error"]["code"] == "MEMBER_NOT_FOUND"
