"""Deployments through the API and the command line of real nodes."""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from caxton_node.client import Client
from caxton_node.cluster.agreement import Line
from caxton_node.cluster.joining import DATABASE, found_cluster
from caxton_node.cluster.store import ClusterStore
from caxton_node.core.errors import AlreadyExists, InvalidArgument, InvalidModule, NotFound
from caxton_node.pb import agents_pb2, deployments_pb2
from caxton_node.storage import Database
from tests.support.api import Node, call, running
from tests.support.cli import ROOT, Done, caxton
from tests.support.padded import padded_echo

pytestmark = [pytest.mark.story("026"), pytest.mark.asyncio(loop_scope="session")]

WITHIN_S = 20.0
RUNNING = deployments_pb2.DEPLOYMENT_PHASE_RUNNING
State = deployments_pb2.ReplicaState
ECHO_FILE = ROOT / "sdk" / "wat" / "echo.wat"
MODULE = padded_echo(1000, seed=26)


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def leave_nothing(nodes: tuple[Node, Node]) -> AsyncIterator[None]:
    """Take out what a test has deployed: the nodes are those of other modules too."""
    yield
    for found in await call(nodes[0].local, lambda client: client.deployments.list()):
        await call(nodes[0].local, lambda client, name=found.name: client.deployments.delete(name))
    for node in nodes:
        await come_true(node, lambda client: not list(client.agents.list()))


async def come_true(node: Node, what: Callable[[Client], bool]) -> None:
    """Wait until something is so, as a client sees it."""
    async with asyncio.timeout(WITHIN_S):
        while not await call(node.local, what):  # noqa: ASYNC110  it tells no client
            await asyncio.sleep(0.02)


def runs(name: str, *where: str, generation: int = 1) -> Callable[[Client], bool]:
    """Return what tells whether a generation of a deployment is Running, and on just these nodes."""

    def look(client: Client) -> bool:
        found = client.deployments.get(name)
        replicas = found.detail.replicas
        up = {replica.node for replica in replicas if replica.state == State.REPLICA_STATE_RUNNING}
        return (found.phase, found.generation, up) == (RUNNING, generation, set(where))

    return look


async def run(node: Node, *words: object) -> Done:
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, "deployment", *words)


async def test_a_deployment_is_created_changed_and_deleted_at_any_node(n1, n2):
    made = await call(n1.local, lambda client: client.deployments.create("pair", MODULE, replicas=2))
    assert (made.wanted, made.generation, made.module_sha256) == (2, 1, hashlib.sha256(MODULE).hexdigest())
    for node in (n1, n2):
        await come_true(node, runs("pair", "n1", "n2"))
    await call(n2.local, lambda client: client.deployments.update("pair", version="2.0.0", config={"a": 1}))
    for node in (n1, n2):
        await come_true(node, runs("pair", "n1", "n2", generation=2))
        agent = await call(node.local, lambda client: client.agents.get("pair", node="n1"))
        assert (agent.version, dict(agent.detail.config)) == ("2.0.0", {"a": 1})
    listed = await call(n1.local, lambda client: client.deployments.list())
    assert [(found.name, found.running, found.HasField("detail")) for found in listed] == [("pair", 2, False)]
    gone = await call(n2.local, lambda client: client.deployments.delete("pair"))
    assert set(gone) == {"n1", "n2"}
    for node in (n1, n2):
        await come_true(node, lambda client: not list(client.agents.list(name="pair")))


async def test_the_module_is_kept_where_nobody_runs_it_and_goes_with_the_deployment(n1, n2):
    files = [node.data_dir / "modules" / f"{hashlib.sha256(MODULE).hexdigest()}.wasm" for node in (n1, n2)]
    await call(n1.local, lambda client: client.deployments.create("single", MODULE))
    async with asyncio.timeout(WITHIN_S):
        while not all(file.exists() for file in files):  # noqa: ASYNC110  a disk tells nobody
            await asyncio.sleep(0.02)
    await call(n1.local, lambda client: client.deployments.delete("single"))
    async with asyncio.timeout(WITHIN_S):
        while any(file.exists() for file in files):  # noqa: ASYNC110  as above
            await asyncio.sleep(0.02)


async def test_what_cannot_be_is_refused_and_nothing_is_left_of_it(n1):
    def refused(work: Callable[[Client], object], error: type[Exception], words: str) -> object:
        async def attempt() -> None:
            with pytest.raises(error, match=words):
                await call(n1.local, work)

        return attempt()

    await refused(lambda client: client.deployments.create("bad", b"\0asm no"), InvalidModule, "not")
    await refused(
        lambda client: client.deployments.create("bad", MODULE, constraints=["zone"]),
        InvalidArgument,
        "is not a constraint",
    )
    await refused(
        lambda client: client.deployments.create("bad", MODULE, replicas=20_000), InvalidArgument, "replicas"
    )
    await refused(lambda client: client.deployments.create("bad", b""), InvalidArgument, "module is empty")
    await refused(lambda client: client.deployments.get("bad"), NotFound, "no deployment bad")
    await refused(lambda client: client.deployments.update("bad", replicas=2), NotFound, "no deployment bad")
    assert await call(n1.local, lambda client: list(client.deployments.list())) == []


async def test_a_name_is_taken_once_and_a_change_that_is_none_is_refused(n1):
    await call(n1.local, lambda client: client.deployments.create("taken", MODULE))
    with pytest.raises(AlreadyExists, match="there is a deployment taken"):
        await call(n1.local, lambda client: client.deployments.create("taken", MODULE))
    with pytest.raises(InvalidArgument, match="is like that already"):
        await call(n1.local, lambda client: client.deployments.update("taken", replicas=1))


async def test_an_agent_deployed_by_hand_keeps_its_node_and_the_status_says_so(n1, n2):
    await call(n2.local, lambda client: client.agents.deploy("mine", MODULE, version="7"))
    await call(n1.local, lambda client: client.deployments.create("mine", MODULE, replicas=2))

    def told(client: Client) -> bool:
        found = client.deployments.get("mine")
        return "by hand" in found.detail.unplaced.get("n2", "") and found.running == 1

    await come_true(n1, told)
    found = await call(n1.local, lambda client: client.deployments.get("mine"))
    assert (found.phase, found.shortage) == (
        deployments_pb2.DEPLOYMENT_PHASE_FAILED,
        "2 are wanted and 1 of 2 nodes fit",
    )
    await call(n1.local, lambda client: client.deployments.delete("mine"))
    await come_true(n1, lambda client: [one.node for one in client.agents.list(name="mine")] == ["n2"])
    await call(n2.local, lambda client: client.agents.undeploy("mine", node="n2", force=True))


async def test_a_constraint_that_no_node_meets_is_named(n1):
    words = ["create", ECHO_FILE, "--name", "picky", "--constraint", "zone=mars", "--wait", "0.2s"]
    done = await run(n1, *words)
    assert (done.code, "0 of 1 replicas run; 1 are wanted and 0 of 2 nodes fit" in done.out) == (1, True)
    shown = await run(n1, "get", "picky")
    assert "n1: it is not zone=mars" in shown.out


async def test_the_command_line_creates_scales_shows_and_deletes(n1, n2):
    done = await run(n1, "create", ECHO_FILE, "--replicas", "all", "--consistent", "--wait", "20s")
    assert (done.code, done.out) == (0, "echo is Running: 2 of 2 replicas run\n"), done.err
    row = json.loads((await run(n2, "get", "echo", "-o", "json")).out)
    assert (row["phase"], row["everywhere"], row["consistency"]) == ("Running", True, "consistent")
    assert {replica["state"] for replica in row["detail"]["replicas"]} == {"running"}
    scaled = await run(n2, "scale", "echo", "1", "--wait", "20s")
    assert (scaled.code, scaled.out) == (0, "echo is Running: 1 of 1 replicas run\n"), scaled.err
    listed = (await run(n1, "list")).out.splitlines()
    assert listed[1].split() == ["echo", "1.0.0", "Running", "1", "of", "1", "anywhere"]
    refused = await run(n1, "scale", "echo", "none")
    assert (refused.code, "neither a number of nodes" in refused.err) == (2, True)
    gone = await run(n1, "delete", "echo")
    assert gone.out.startswith("echo is deleted; its replicas on n")


async def test_a_deployment_is_followed_until_it_is_deleted(n1):
    await call(n1.local, lambda client: client.deployments.create("followed", MODULE))

    def follow(client: Client) -> list[tuple[int, int]]:
        seen: list[tuple[int, int]] = []
        for event in client.deployments.watch("followed"):
            if not event.HasField("deployment"):
                return seen
            found = event.deployment
            seen.append((found.generation, found.phase))
            if seen[-1] == (1, RUNNING):
                client.deployments.update("followed", replicas=2)
            if seen[-1] == (2, RUNNING):
                client.deployments.delete("followed")
        return seen

    seen = await call(n1.local, follow, timeout_s=WITHIN_S)
    assert [entry for entry in dict.fromkeys(seen) if entry[1] == RUNNING] == [(1, RUNNING), (2, RUNNING)]


async def test_what_is_consistent_rests_on_a_node_that_has_lost_the_others_and_comes_back(tmp_path: Path):
    await asyncio.to_thread(found_cluster, tmp_path, "n1", "test", ["127.0.0.1"])
    async with running(tmp_path) as node:
        await call(
            node.local, lambda client: client.deployments.create("db", MODULE, consistency="consistent")
        )
        await call(node.local, lambda client: client.deployments.create("web", MODULE))
        await come_true(node, runs("db", "n1"))
        await come_true(node, runs("web", "n1"))
    async with await Database.open(tmp_path / DATABASE) as database:
        book = {name: Line(1, counts=True, settled=True) for name in ("n1", "n2", "n3")}
        await ClusterStore(database).save_book(book)
    async with running(tmp_path) as node:
        web = await call(node.local, lambda client: client.agents.get("web"))
        db = await call(node.local, lambda client: client.agents.get("db"))
        assert web.state == agents_pb2.AGENT_STATE_RUNNING
        assert db.state == agents_pb2.AGENT_STATE_STOPPED

        def rests(client: Client) -> bool:
            (replica,) = client.deployments.get("db").detail.replicas
            return replica.state == State.REPLICA_STATE_RESTING and "majority" in replica.reason

        await come_true(node, rests)
        await call(node.local, lambda client: client.cluster.resolve_partition(forget_all_dead=True))
        await come_true(node, runs("db", "n1"))
