"""What nodes hold of the registry, and the partition report, through the API and the command line."""

import asyncio
import json

import msgspec
import pytest

from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.registry.entry import Entry
from caxton_node.registry.hlc import stamp_at
from caxton_node.registry.overruled import Overruled
from caxton_node.registry.vector_clock import VectorClock
from tests.support.api import call, seen_by
from tests.support.nodes import ECHO, run

pytestmark = [pytest.mark.story("026"), pytest.mark.story("008"), pytest.mark.asyncio(loop_scope="session")]

LATER_US = 2_000_000_000_000_000  # 2033


def note(node, key, number):
    """Let a node notice that a write was overruled, later than all that these nodes have really written."""
    pack = msgspec.msgpack.encode
    at = stamp_at(LATER_US + number * 1000)
    loser = Entry("route", key, pack({"to": number}), VectorClock({"n1": 1}), at, "n1")
    winner = Entry("route", key, pack({"to": "other"}), VectorClock({"n2": 1}), stamp_at(2 * LATER_US), "n2")
    node.daemon.knowledge.conflicts.note(Overruled(loser, winner))


def noted(rows):
    """Leave out the conflicts of other tests, which share these nodes: they are about other kinds."""
    return [row for row in rows if row.kind == "route"]


async def cli(node, *words):
    done = await asyncio.to_thread(run, "caxton", "--data-dir", node.data_dir, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_copies_that_hold_the_same_have_the_same_root(n1, n2):
    await cli(n1, "agent", "deploy", ECHO, "--name", "rooted", "--on-conflict", "keep")
    await seen_by(n2, "rooted")
    async with asyncio.timeout(10):
        while True:
            holdings = await call(
                n1.local, lambda client: [client.registry.holding(node=node) for node in ("n1", "n2")]
            )
            if len({holding.root for holding in holdings}) == 1:
                break
    assert [holding.node_id for holding in holdings] == ["n1", "n2"]
    assert holdings[0].entries == holdings[1].entries
    assert holdings[0].entries["name"] >= 1
    detail = await call(n2.local, lambda client: client.agents.get("rooted").detail)
    assert "on_conflict: ON_CONFLICT_KEEP" in str(detail)
    await call(n1.local, lambda client: client.agents.undeploy("rooted"))


async def test_what_any_node_noticed_is_listed_by_every_node_once(n1, n2):
    note(n1, "here", 5)
    note(n2, "here", 5)
    note(n2, "there", 6)
    for node in (n1, n2):
        rows = await call(node.local, lambda client: noted(client.registry.conflicts()))
        assert [(row.key, row.loser.summary, list(row.noticed_by)) for row in rows] == [
            ("there", "to=6", ["n2"]),
            ("here", "to=5", ["n1", "n2"]),
        ]
    own = await call(n1.local, lambda client: noted(client.registry.conflicts(node="n2", here_only=True)))
    assert [row.key for row in own] == ["there", "here"]


async def test_a_page_token_of_somebody_else_is_refused(n1):
    with pytest.raises(InvalidArgument, match="page token"):
        await call(n1.local, lambda client: client.registry.conflicts_page(page_token="x"))
    with pytest.raises(NotFound):
        await call(n1.local, lambda client: client.registry.holding(node="nobody"))


async def test_the_command_line_shows_the_report_and_the_copy(n1):
    for key, number in (("here", 5), ("there", 6)):
        note(n1, key, number)
    known = await call(n1.local, lambda client: len(list(client.registry.conflicts(here_only=True))))
    table = await cli(n1, "cluster", "conflicts", "--limit", "1")
    assert table.splitlines()[0].split() == ["KIND", "KEY", "WRITTEN", "LOST", "HOLDS", "DONE"]
    assert "there" in table
    assert len(table.splitlines()) == 2
    rows = json.loads(await cli(n1, "cluster", "conflicts", "-o", "json"))
    assert [row["key"] for row in rows if row["kind"] == "route"] == ["there", "here"]
    assert (
        json.loads(await cli(n1, "cluster", "conflicts", "--since", "1h", "-o", "json"))[0]["kind"] == "route"
    )
    facts = json.loads(await cli(n1, "cluster", "registry", "-o", "json"))
    assert (facts["node_id"], facts["conflicts"], len(facts["root"])) == ("n1", known, 16)
    assert "overruled" in await cli(n1, "cluster", "registry")
    status = json.loads(await cli(n1, "cluster", "status", "-o", "json"))
    assert status["conflicts"] == known
