"""The platform agents ams and kv of two nodes: through the API, the command line and the mesh."""

import asyncio
import json

import pytest

from caxton_node.agents.lifecycle import State
from caxton_node.core.errors import InvalidArgument, NotFound, StateError
from caxton_node.fipa import Envelope, Performative, encode
from tests.support.api import Node, call, seen_by
from tests.support.cli import caxton
from tests.support.data_plane import until
from tests.support.guests import wat

pytestmark = [pytest.mark.story("004"), pytest.mark.asyncio(loop_scope="session")]


async def run(node, *words, **options):
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words, **options)


async def test_any_node_reads_and_writes_the_keys_where_the_agent_runs(n1, n2):
    await call(n1.local, lambda client: client.agents.deploy("keeper", wat("echo").encode()))
    await seen_by(n2, "keeper")
    written = await call(n2.local, lambda client: client.agent_keys.put("keeper", "cart:1", b'{"n": 1}'))
    assert (written.node_id, written.key.version) == ("n1", 1)
    found = await call(n2.local, lambda client: client.agent_keys.get("keeper", "cart:1"))
    assert (json.loads(found.value), found.key.size_bytes) == ({"n": 1}, 8)
    await call(n1.local, lambda client: client.agent_keys.put("keeper", "other", b"2", if_version=0))
    with pytest.raises(StateError, match="has version 2, not 1"):
        await call(n1.local, lambda client: client.agent_keys.put("keeper", "other", b"3", if_version=1))
    keys = await call(n2.local, lambda client: list(client.agent_keys.list("keeper", prefix="cart:")))
    assert [key.key for key in keys] == ["cart:1"]
    shared = await call(n1.local, lambda client: client.agent_keys.put("keeper", "all", b"1", shared=True))
    assert shared.key.version > 10**12
    for value in (b"not json", b"", b"NaN", b"[" * 200 + b"]" * 200):
        with pytest.raises(InvalidArgument):
            await call(n1.local, lambda client, value=value: client.agent_keys.put("keeper", "k", value))
    removed = await call(n2.local, lambda client: client.agent_keys.clear("keeper"))
    assert removed.removed == 3
    with pytest.raises(NotFound, match="has no key other"):
        await call(n1.local, lambda client: client.agent_keys.get("keeper", "other"))


async def test_an_operator_looks_at_keys_and_clears_those_that_an_agent_left_behind(n1):
    await call(n1.local, lambda client: client.agents.deploy("leaver", wat("echo").encode()))
    assert (await run(n1, "agent", "kv", "put", "leaver", "k", '{"a": [1]}')).code == 0
    shown = await run(n1, "agent", "kv", "get", "leaver", "k", "-o", "json")
    assert json.loads(shown.out)["value"] == {"a": [1]}
    await call(n1.local, lambda client: client.agents.undeploy("leaver", force=True))
    assert (await run(n1, "agent", "kv", "list", "leaver")).code == 3
    listed = await run(n1, "agent", "kv", "list", "leaver", "--node", "n1", "-o", "json")
    assert [row["key"] for row in json.loads(listed.out)] == ["k"]
    done = await run(n1, "agent", "kv", "delete", "leaver", "--all", "--node", "n1")
    assert (done.code, "1 key is removed on n1" in done.out) == (0, True)
    assert (await run(n1, "agent", "kv", "delete", "leaver", "--node", "n1")).code == 2


@pytest.mark.story("026")
async def test_whom_an_agent_may_manage_is_said_when_it_is_deployed_and_can_be_changed(n1):
    deployed = await call(
        n1.local, lambda client: client.agents.deploy("chief", wat("echo").encode(), manages=["work*"])
    )
    assert list(deployed.agent.detail.manages) == ["work*"]
    assert n1.daemon.crew.agents.may_manage("default/chief", "default/worker-1")
    assert not n1.daemon.crew.agents.may_manage("default/chief", "acme/worker-1")
    changed = await call(n1.local, lambda client: client.agents.update("chief", manages=[]))
    assert list(changed.agent.detail.manages) == []
    with pytest.raises(InvalidArgument):
        await call(n1.local, lambda client: client.agents.update("chief", manages=["No Name"]))


def say(node: Node, agent: str, receiver: str, content: object) -> None:
    """Let an agent of a node ask something, whatever its guest is doing."""
    instance = node.daemon.crew.agents.get(agent).instance
    frame = encode(Envelope(Performative.REQUEST, None, receiver, json.dumps(content).encode(), "talk"))
    node.daemon.mail.router.accept(instance, [frame])


@pytest.mark.story("026")
async def test_an_agent_stops_another_on_another_node_if_it_may(n1, n2):
    module = wat("echo").encode()
    await call(n1.local, lambda client: client.agents.deploy("foreman", module, manages=["hand-*"]))
    await call(n2.local, lambda client: client.agents.deploy("hand-1", module))
    await call(n2.local, lambda client: client.agents.deploy("head", module))
    await seen_by(n1, "hand-1")
    await seen_by(n1, "head")
    agents = n2.daemon.crew.agents
    say(n1, "foreman", "ams", {"action": "stop", "agent": "head"})
    say(n1, "foreman", "ams", {"action": "stop", "agent": "hand-1"})
    await until(lambda: agents.find_state("default/hand-1") is State.STOPPED)
    assert agents.find_state("default/head") is State.RUNNING
    say(n1, "foreman", "ams", {"action": "start", "agent": "hand-1", "node": "n2"})
    await until(lambda: agents.find_state("default/hand-1") is State.RUNNING)


async def test_a_shared_key_is_on_every_node_and_a_local_one_where_it_was_written(n1, n2):
    await call(n1.local, lambda client: client.agents.deploy("poet", wat("echo").encode()))
    say(n1, "poet", "kv", {"action": "put", "key": "here", "value": 1})
    say(n1, "poet", "kv@n2", {"action": "put", "key": "there", "value": 2})
    say(n1, "poet", "kv", {"action": "put", "key": "everywhere", "value": 3, "shared": True})

    def value(key: str, node: str, *, shared: bool = False):
        return call(
            n2.local, lambda client: client.agent_keys.get("poet", key, node=node, shared=shared).value
        )

    async with asyncio.timeout(10):
        for key, node, shared in (("here", "n1", False), ("there", "n2", False), ("everywhere", "n2", True)):
            while True:
                try:
                    assert json.loads(await value(key, node, shared=shared)) in {1, 2, 3}
                    break
                except NotFound:
                    await asyncio.sleep(0.02)
    with pytest.raises(NotFound):
        await value("there", "n1")
