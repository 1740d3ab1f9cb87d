"""Modules by their digest through the real API: found on another node, fetched, mended."""

import asyncio
import hashlib
import shutil

import pytest
import pytest_asyncio

from caxton_node.cluster.joining import join_cluster
from caxton_node.core.errors import AlreadyExists, InvalidArgument, NotFound
from caxton_node.pb import agents_pb2 as pb
from tests.support.api import call, members_alive, running, seen_by
from tests.support.padded import padded_echo

pytestmark = [pytest.mark.story("022"), pytest.mark.asyncio(loop_scope="session")]
MIB = 1024 * 1024
RUNNING = pb.AGENT_STATE_RUNNING


def digest(module):
    return hashlib.sha256(module).hexdigest()


def module_file(node, sha256):
    return node.data_dir / "modules" / f"{sha256}.wasm"


def fetched(node):
    """Return how many bytes of modules a node has taken from others."""
    readings = node.daemon.ground.board.read()
    return sum(
        one.value
        for one in readings
        if one.name == "caxton_module_bytes_total" and one.labels == ("in",) and isinstance(one.value, int)
    )


@pytest_asyncio.fixture(autouse=True, loop_scope="session")
async def leave_nothing(nodes):
    """Take out what a test has deployed: the nodes are those of other modules too."""
    yield
    for node, node_id in zip(nodes, ("n1", "n2"), strict=True):
        for agent in await call(node.local, lambda client: list(client.agents.list())):
            if agent.node == node_id:
                await call(
                    node.local, lambda client, name=agent.name: client.agents.undeploy(name, force=True)
                )


async def test_a_module_that_another_node_has_is_deployed_by_its_digest(n1, n2):
    module = padded_echo(3 * MIB, seed=1)
    await call(n1.local, lambda client: client.agents.deploy("here", module))
    await seen_by(n2, "here")
    answer = await call(n2.local, lambda client: client.agents.deploy("there", module_sha256=digest(module)))
    assert (answer.agent.node, answer.agent.module_sha256) == ("n2", digest(module))
    assert module_file(n2, digest(module)).read_bytes() == module
    reply = await call(n2.local, lambda client: client.messages.send("there", b'"hello"'))
    assert reply.reply.content == b'"hello"'


async def test_the_digest_may_be_written_as_people_do_and_the_node_may_be_another(n1, n2):
    module = padded_echo(5, seed=2)
    await call(n2.local, lambda client: client.agents.deploy("small", module))
    written = f"sha256:{digest(module).upper()}"
    answer = await call(
        n2.local, lambda client: client.agents.deploy("small2", module_sha256=written, node="n1")
    )
    assert answer.agent.node == "n1"


async def test_a_large_module_for_another_node_is_fetched_by_it_and_not_kept_here(n1, n2):
    module, before = padded_echo(4 * MIB, seed=3), fetched(n2)
    answer = await call(n1.local, lambda client: client.agents.deploy("far", module, node="n2"))
    assert (answer.agent.node, answer.agent.state) == ("n2", RUNNING)
    assert fetched(n2) - before == len(module)
    assert not module_file(n1, digest(module)).exists()
    await call(n1.local, lambda client: client.agents.deploy("far2", module, node="n2"))
    assert fetched(n2) - before == len(module), "it is there already"


async def test_a_small_module_for_another_node_rides_with_the_request(n1, n2):
    before = fetched(n2)
    await call(n1.local, lambda client: client.agents.deploy("near", padded_echo(1000, seed=4), node="n2"))
    assert fetched(n2) == before


async def test_an_agent_is_updated_and_a_module_tried_by_its_digest(n1, n2):
    old, new = padded_echo(10, seed=5), padded_echo(2 * MIB, seed=6)
    await call(n1.local, lambda client: client.agents.deploy("changing", old))
    await call(n2.local, lambda client: client.agents.deploy("model", new))
    await seen_by(n1, "model")
    report = await call(n1.local, lambda client: client.agents.validate(module_sha256=digest(new)))
    assert report.passed
    assert not module_file(n1, digest(new)).exists(), "it was only tried"
    answer = await call(n1.local, lambda client: client.agents.update("changing", module_sha256=digest(new)))
    assert answer.agent.module_sha256 == digest(new)


async def test_a_large_update_of_an_agent_elsewhere_is_fetched(n1, n2):
    new = padded_echo(2 * MIB, seed=7)
    await call(n2.local, lambda client: client.agents.deploy("elsewhere", padded_echo(10, seed=8)))
    await seen_by(n1, "elsewhere")
    answer = await call(n1.local, lambda client: client.agents.update("elsewhere", module=new))
    assert (answer.agent.node, answer.agent.module_sha256) == ("n2", digest(new))


async def test_a_digest_that_nobody_has_or_that_is_none_or_of_other_bytes_is_refused(n1):
    module = padded_echo(10, seed=9)
    for wrong, error, says in (
        ({"module_sha256": "0" * 64}, NotFound, "no node has the module"),
        ({"module_sha256": "../modules"}, InvalidArgument, "64 hexadecimal digits"),
        ({"module_sha256": "0" * 64, "module": module}, InvalidArgument, "does not have the digest"),
    ):
        with pytest.raises(error, match=says):
            await call(n1.local, lambda client, wrong=wrong: client.agents.deploy("nothing", **wrong))
    await call(n1.local, lambda client: client.agents.deploy("sure", module, module_sha256=digest(module)))


async def test_a_deployment_that_fails_leaves_nothing_of_what_was_fetched(n1, n2):
    module = padded_echo(2 * MIB, seed=10)
    await call(n2.local, lambda client: client.agents.deploy("source", module))
    await seen_by(n1, "source")
    with pytest.raises(InvalidArgument, match="reserved"):
        await call(n1.local, lambda client: client.agents.deploy("df", module_sha256=digest(module)))
    await call(n1.local, lambda client: client.agents.deploy("taken", padded_echo(10, seed=11)))
    with pytest.raises(AlreadyExists):
        await call(n1.local, lambda client: client.agents.deploy("taken", module_sha256=digest(module)))
    assert not list((n1.data_dir / "modules").glob(f"{digest(module)}*"))


async def joined(seed, data_dir):
    """Join a third node without running it."""
    token = (await call(seed.local, lambda client: client.cluster.create_join_token())).token
    await asyncio.to_thread(join_cluster, data_dir, seed.grpc, token, "n3", ["127.0.0.1"])


async def left_by(seed, module, data_dir, *, stopped):
    """Run a third node with an agent of a module that another node has as well, and end it."""
    await joined(seed, data_dir)
    async with running(data_dir) as third:
        await members_alive(third, "n1")
        await call(third.local, lambda client: client.agents.deploy("phoenix", module))
        if stopped:
            await call(third.local, lambda client: client.agents.stop("phoenix"))


@pytest.mark.parametrize("damage", ["missing", "other bytes"])
async def test_an_agent_whose_module_is_lost_starts_with_that_of_another_node(n1, tmp_path, damage):
    name, module = f"source-{damage[:5]}", padded_echo(2 * MIB, seed=len(damage))
    await call(n1.local, lambda client: client.agents.deploy(name, module))
    await left_by(n1, module, tmp_path, stopped=True)
    place = tmp_path / "modules" / f"{digest(module)}.wasm"
    if damage == "missing":
        place.unlink()
    else:
        place.write_bytes(b"\0asm and no more")
    async with running(tmp_path) as third:
        await members_alive(third, "n1")
        agent = await call(third.local, lambda client: client.agents.start("phoenix"))
        assert agent.state == RUNNING
        assert place.read_bytes() == module


async def test_when_a_node_starts_without_a_module_it_brings_the_agent_back_from_another(n1, tmp_path):
    module = padded_echo(2 * MIB, seed=14)
    await call(n1.local, lambda client: client.agents.deploy("model3", module))
    await left_by(n1, module, tmp_path, stopped=False)
    shutil.rmtree(tmp_path / "modules")
    async with running(tmp_path) as third:
        await members_alive(third, "n1")
        async with asyncio.timeout(20):
            while (await call(third.local, lambda client: client.agents.get("phoenix"))).state != RUNNING:  # noqa: ASYNC110  it tells no client
                await asyncio.sleep(0.02)
        agent = await call(third.local, lambda client: client.agents.get("phoenix"))
        assert agent.detail.last_error == ""
        reply = await call(third.local, lambda client: client.messages.send("phoenix@n3", b"1"))
        assert reply.reply.content == b"1"


async def test_mail_waits_for_an_agent_whose_module_is_still_looked_for(n1, tmp_path):
    module = padded_echo(2 * MIB, seed=15)
    await left_by(n1, module, tmp_path, stopped=False)
    shutil.rmtree(tmp_path / "modules")
    async with running(tmp_path) as third:
        await members_alive(third, "n1")
        found = await call(third.local, lambda client: client.agents.get("phoenix"))
        assert found.state == pb.AGENT_STATE_FAILED
        assert "CORRUPT_STORE" in found.detail.last_error
        asked = asyncio.create_task(
            call(third.local, lambda client: client.messages.send("phoenix@n3", b"1"), timeout_s=30)
        )
        async with asyncio.timeout(10):
            while (await call(third.local, lambda c: c.agents.get("phoenix"))).detail.mailbox_waiting < 1:  # noqa: ASYNC110  it tells no client
                await asyncio.sleep(0.02)
        await call(n1.local, lambda client: client.agents.deploy("late-source", module))
        assert (await asked).reply.content == b"1"
