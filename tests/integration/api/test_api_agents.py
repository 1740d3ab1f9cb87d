from datetime import date

import grpc
import pytest

from caxton_node.core.errors import (
    AlreadyExists,
    DeploymentFailed,
    InvalidArgument,
    InvalidModule,
    NotFound,
)
from caxton_node.core.machine import IllegalTransition
from caxton_node.pb import agents_pb2 as pb
from tests.support.api import call, seen_by
from tests.support.guests import tiny, wat

pytestmark = [pytest.mark.story("006"), pytest.mark.asyncio(loop_scope="session")]
ECHO = wat("echo").encode()


@pytest.mark.parametrize("value", [float("nan"), float("inf"), date(2026, 1, 1)])
async def test_a_config_that_json_does_not_know_is_told_as_such(n1, value):
    with pytest.raises(InvalidArgument, match="config is not JSON"):
        await call(n1.local, lambda client: client.agents.deploy("odd", ECHO, config={"x": [value]}))


async def test_a_foreign_client_that_sends_no_number_as_a_number_is_told_so(n1):
    request = pb.DeployAgentRequest(name="odd", module=ECHO)
    request.config["x"] = float("nan")
    answer = await raw_call(n1, "CaxtonManagement/DeployAgent", request.SerializeToString())
    assert (answer.code(), "not JSON" in answer.details()) == (grpc.StatusCode.INVALID_ARGUMENT, True)


async def test_a_number_that_no_integer_can_hold_stays_what_it_was(n1):
    def live(client):
        found = client.agents.deploy("huge", ECHO, config={"x": 1e300, "y": 2.0**53}).agent
        assert (found.detail.config["x"], found.detail.config["y"]) == (1e300, 2**53)
        client.agents.undeploy("huge")

    await call(n1.local, live)


async def test_bytes_that_are_no_request_are_an_invalid_argument(n1):
    answer = await raw_call(n1, "CaxtonManagement/DeployAgent", b"\xff\xff\xff")
    assert (answer.code(), "DeployAgentRequest" in answer.details()) == (
        grpc.StatusCode.INVALID_ARGUMENT,
        True,
    )


@pytest.mark.parametrize("text", ["x" * 250_000, "\u4e2d" * 80_000])
async def test_an_error_that_quotes_endless_words_still_arrives(n1, text):
    with pytest.raises(InvalidArgument, match="is not an agent name"):
        await call(n1.local, lambda client: client.agents.get(text))
    module = tiny(imports=f'(import "caxton" "{text[:20_000]}" (func))')
    with pytest.raises(InvalidModule, match="the module imports"):
        await call(n1.local, lambda client: client.agents.deploy("odd", module.encode()))


async def raw_call(node, method, data):
    """Send bytes as a client that is not ours would, and return the refusal."""
    async with grpc.aio.insecure_channel(
        node.local.target, [("grpc.default_authority", "localhost")]
    ) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await channel.unary_unary(f"/caxton.v1.{method}")(data, timeout=10)
    return caught.value


async def test_an_agent_goes_through_its_whole_life_over_the_socket(n1):
    def live(client):
        deployed = client.agents.deploy(
            "life", ECHO, version="2.0.0", config={"depth": 3, "name": "x", "rate": 0.5}
        )
        assert deployed.agent.state == pb.AGENT_STATE_RUNNING
        assert deployed.elapsed_us > 0
        assert deployed.agent.instance == "life#2.0.0.1@n1"
        assert client.messages.send("life", b'"hello"').reply.content == b'"hello"'
        stopped = client.agents.stop("life")
        assert (stopped.agent.state, stopped.returned_messages) == (pb.AGENT_STATE_STOPPED, 0)
        with pytest.raises(IllegalTransition, match="possible now: load, fail, remove"):
            client.agents.stop("life")
        assert client.agents.start("life").state == pb.AGENT_STATE_RUNNING
        assert client.agents.restart("life").state == pb.AGENT_STATE_RUNNING
        found = client.agents.get("life")
        assert (found.detail.config["depth"], found.detail.config["rate"]) == (3, 0.5)
        assert found.detail.limits.memory_bytes == 10 * 2**20
        assert found.detail.memory_bytes >= 65_536
        assert client.agents.undeploy("life").returned_messages == 0
        with pytest.raises(NotFound, match="no agent life"):
            client.agents.get("life")

    await call(n1.local, live)


async def test_limits_that_are_given_are_in_force_and_the_others_are_the_node_s(n1):
    def deploy(client):
        limits = {"memory_bytes": 2**20, "batch_max": 1}
        client.agents.deploy("limited", ECHO, limits=limits, capabilities=["text.echo"])
        detail = client.agents.get("limited").detail
        client.agents.undeploy("limited")
        return detail

    detail = await call(n1.local, deploy)
    assert (detail.limits.memory_bytes, detail.limits.batch_max, detail.limits.wall_time_ms) == (
        2**20,
        1,
        5000,
    )
    assert detail.granted_capabilities == ["text.echo"]


@pytest.mark.parametrize(
    ("arguments", "error", "says"),
    [
        ({"name": "bad", "module": b"no wasm at all"}, InvalidModule, "not a WebAssembly module"),
        ({"name": "bad", "module": b""}, InvalidArgument, "empty"),
        ({"name": "bad", "module": tiny(init="(unreachable)").encode()}, DeploymentFailed, "did not start"),
        ({"name": "Bad Name", "module": ECHO}, InvalidArgument, "is not an agent name"),
        ({"name": "df", "module": ECHO}, InvalidArgument, "reserved"),
        ({"name": "bad", "module": ECHO, "limits": {"batch_max": 9999}}, InvalidArgument, "batch_max"),
        ({"name": "bad", "module": ECHO, "node": "n9"}, NotFound, "no node n9"),
    ],
)
async def test_what_cannot_be_deployed_is_said_clearly_and_leaves_nothing(n1, arguments, error, says):
    with pytest.raises(error, match=says):
        await call(n1.local, lambda client: client.agents.deploy(**arguments))
    assert await call(n1.local, lambda client: list(client.agents.list(name="bad"))) == []


async def test_any_node_answers_for_an_agent_of_another(n1, n2):
    def manage(client):
        deployed = client.agents.deploy("far", ECHO, node="n2").agent
        assert (deployed.node, deployed.state) == ("n2", pb.AGENT_STATE_RUNNING)
        return deployed

    await call(n1.local, manage)
    await seen_by(n1, "far")

    def drive(client):
        assert client.messages.send("far", b'"over the mesh"').reply.content == b'"over the mesh"'
        assert client.agents.get("far").detail.module_bytes > 1000
        assert client.agents.stop("far").agent.state == pb.AGENT_STATE_STOPPED
        with pytest.raises(AlreadyExists, match="on node n2") as caught:
            client.agents.deploy("far", ECHO, node="n2")
        assert "node n2" in caught.value.__notes__
        client.agents.undeploy("far")

    await call(n1.local, drive)
    assert await call(n2.local, lambda client: list(client.agents.list(name="far"))) == []


async def test_an_agent_on_two_nodes_must_be_named_with_its_node(n1, n2):
    await call(n1.local, lambda client: client.agents.deploy("twin", ECHO))
    await call(n2.local, lambda client: client.agents.deploy("twin", ECHO))
    await seen_by(n1, "twin", count=2)

    def tell_apart(client):
        with pytest.raises(InvalidArgument, match="twin is on 2 nodes") as caught:
            client.agents.get("twin")
        assert "--node n1" in caught.value.hint
        assert client.agents.get("twin", node="n2").node == "n2"
        assert [found.instance for found in client.agents.list(name="twin")] == [
            "twin#1.0.0.1@n1",
            "twin#1.0.0.1@n2",
        ]
        assert [found.node for found in client.agents.list(name="twin", node="n2")] == ["n2"]
        client.agents.undeploy("twin", node="n1")
        client.agents.undeploy("twin", node="n2")

    await call(n1.local, tell_apart)


async def test_a_long_list_comes_in_pages(n1):
    def page(client):
        names = [f"paged-{number}" for number in range(5)]
        for name in names:
            client.agents.deploy(name, ECHO, do_not_start=True)
        found, token, pages = [], "", 0
        while True:
            request = pb.ListAgentsRequest(node="n1", page_size=2, page_token=token)
            answer = client.agents._call("ListAgents", request, pb.ListAgentsResponse)
            found += [agent.name for agent in answer.agents if agent.name.startswith("paged-")]
            token, pages = answer.next_page_token, pages + 1
            if not token:
                break
        for name in names:
            client.agents.undeploy(name)
        return found, pages

    found, pages = await call(n1.local, page)
    assert found == [f"paged-{number}" for number in range(5)]
    assert pages >= 3


async def test_a_node_that_was_never_a_member_is_not_found(n1):
    with pytest.raises(NotFound, match="no node ghost"):
        await call(n1.local, lambda client: client.cluster.status(node="ghost"))
