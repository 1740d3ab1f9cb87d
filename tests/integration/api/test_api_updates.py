"""Agents changed while they run, and what can be told of them, through the real API."""

import asyncio
import json

import pytest

from caxton_node.core.errors import (
    DeploymentFailed,
    Forbidden,
    InvalidArgument,
    InvalidModule,
    NotFound,
    ResourceLimit,
)
from caxton_node.observability import configure_logs
from caxton_node.pb import agents_pb2 as pb
from caxton_node.security import Role
from tests.support.api import call, founder, seen_by
from tests.support.guests import faulty, tiny, wat

pytestmark = [pytest.mark.story("003"), pytest.mark.asyncio(loop_scope="session")]
ECHO = wat("echo").encode()
# The same agent in another module.
ECHO_2 = ECHO.replace(b"(module\n", b'(module\n  (data (i32.const 900) "two")\n', 1)
USES_BULK = wat("echo").replace(
    '(func (export "caxton_handle")',
    '(func (export "fill") (memory.fill (i32.const 4096) (i32.const 1) (i32.const 8)))\n'
    '  (func (export "caxton_handle")',
)


async def settled(node, name, is_settled, within_s=10.0):
    """Wait until an agent is as it shall be, and return it."""
    async with asyncio.timeout(within_s):
        while not is_settled(found := await call(node.local, lambda client: client.agents.get(name))):  # noqa: ASYNC110  it tells no client
            await asyncio.sleep(0.02)
    return found


@pytest.mark.story("016")
async def test_limits_change_while_messages_flow_and_none_is_lost(n1):
    await call(n1.local, lambda client: client.agents.deploy("flow", ECHO))
    done = asyncio.Event()

    def ask(client):
        replies = 0
        while not done.is_set():
            assert client.messages.send("flow", b"1").reply.content == b"1"
            replies += 1
        return replies

    askers = [asyncio.create_task(call(n1.local, ask)) for _ in range(3)]

    def change(client):
        for turn in range(20):
            limits = {"memory_bytes": 2**20 * (1 + turn % 3), "log_lines_per_s": turn, "batch_max": 1 + turn}
            batching = ("adaptive", "throughput", "latency", "single")[turn % 4]
            answer = client.agents.update("flow", limits=limits, batching=batching)
            assert (answer.agent.state, answer.agent.detail.number) == (pb.AGENT_STATE_RUNNING, 1)
            assert answer.agent.detail.limits.log_lines_per_s == turn
        return client.agents.get("flow").detail

    detail = await call(n1.local, change)
    done.set()
    assert all(await asyncio.gather(*askers))
    assert (detail.restarts, detail.limits.batch_max, detail.limits.memory_bytes) == (0, 20, 2 * 2**20)
    assert detail.limits.fuel_per_message == 10_000_000
    assert (detail.batching, detail.protocols) == (pb.BATCHING_SINGLE, pb.PROTOCOL_POLICY_ENFORCE)
    assert (await call(n1.local, lambda client: client.agents.undeploy("flow"))).returned_messages == 0


async def test_another_module_takes_over_and_what_is_not_named_stays(n1):
    def live(client):
        client.agents.deploy(
            "grow",
            ECHO,
            limits={"memory_bytes": 2**20, "log_lines_per_s": 0},
            config={"depth": 3},
            capabilities=["text.echo"],
            keeping="image",
            checkpoint_every_s=10,
            batching="throughput",
            protocols="warn",
        )
        updated = client.agents.update("grow", module=ECHO_2, version="2.0.0", drain_s=1)
        assert updated.elapsed_us > 0
        agent, detail = updated.agent, updated.agent.detail
        assert (agent.instance, agent.state) == ("grow#2.0.0.1@n1", pb.AGENT_STATE_RUNNING)
        assert (detail.config["depth"], detail.granted_capabilities) == (3, ["text.echo"])
        assert (detail.limits.memory_bytes, detail.limits.log_lines_per_s) == (2**20, 0)
        assert (detail.keeping, detail.checkpoint_every_ms) == (pb.KEEPING_IMAGE, 10_000)
        assert (detail.batching, detail.protocols) == (pb.BATCHING_THROUGHPUT, pb.PROTOCOL_POLICY_WARN)
        assert detail.batch_now >= 1
        assert client.messages.send("grow", b'"hello"').reply.content == b'"hello"'
        again = client.agents.update("grow", config={}, capabilities=[], keeping="off", checkpoint_every_s=0)
        detail = again.agent.detail
        assert (again.agent.instance, dict(detail.config)) == ("grow#2.0.0.2@n1", {})
        assert (list(detail.granted_capabilities), detail.keeping) == ([], pb.KEEPING_OFF)
        assert detail.checkpoint_every_ms == 0
        client.agents.undeploy("grow")

    await call(n1.local, live)


@pytest.mark.parametrize(
    ("change", "error", "says"),
    [
        ({}, InvalidArgument, "nothing is to be changed"),
        ({"module": b"no module"}, InvalidModule, "not a WebAssembly module"),
        ({"module": tiny(init="(unreachable)").encode()}, DeploymentFailed, "did not start"),
        ({"limits": {"batch_max": 9999}}, InvalidArgument, "batch_max"),
        ({"limits": {"memory_bytes": 2**42}}, InvalidArgument, "memory_bytes"),
        ({"wasm_features": ["gc"]}, InvalidArgument, "'gc' is not a feature"),
        ({"version": "1 0"}, InvalidArgument, "is not a version"),
        ({"checkpoint_every_s": 0.001}, InvalidArgument, "out of range"),
        ({"capabilities": ["no good"]}, InvalidArgument, "is not a capability"),
    ],
)
async def test_a_change_that_cannot_be_made_changes_nothing(n1, change, error, says):
    def attempt(client):
        client.agents.deploy("firm", ECHO)
        before = client.agents.get("firm")
        with pytest.raises(error, match=says):
            client.agents.update("firm", **change)
        after = client.agents.get("firm")
        assert client.messages.send("firm", b'"still"').reply.content == b'"still"'
        client.agents.undeploy("firm")
        return before, after

    before, after = await call(n1.local, attempt)
    assert (after.instance, after.module_sha256) == (before.instance, before.module_sha256)
    assert after.detail.limits == before.detail.limits


async def test_memory_that_the_node_does_not_have_is_refused_with_the_sum(tmp_path):
    async with founder(tmp_path / "small", "n1", "runtime.memory_bytes_max=16MiB") as node:

        def grow(client):
            client.agents.deploy("large", ECHO)
            with pytest.raises(ResourceLimit, match="does not fit") as caught:
                client.agents.update("large", limits={"memory_bytes": 17 * 2**20})
            assert "of 16,777,216 bytes are promised" in caught.value.why
            return client.agents.update("large", limits={"memory_bytes": 16 * 2**20}).agent

        assert (await call(node.local, grow)).detail.limits.memory_bytes == 16 * 2**20


async def test_any_node_changes_an_agent_of_another_and_tells_its_history(n1, n2):
    await call(n1.local, lambda client: client.agents.deploy("afar", ECHO, node="n2"))
    await seen_by(n1, "afar")

    def drive(client):
        assert client.agents.update("afar", limits={"mailbox_depth": 5}).agent.node == "n2"
        assert client.agents.update("afar", module=ECHO_2).agent.instance == "afar#1.0.0.2@n2"
        moves = client.agents.history("afar")
        client.agents.undeploy("afar")
        return moves

    moves = await call(n1.local, drive)
    assert moves[0].at_unix_ms >= moves[-1].at_unix_ms
    assert (moves[-1].event, moves[-1].to_state) == (pb.AGENT_EVENT_LOAD, pb.AGENT_STATE_LOADED)


async def test_history_is_newest_first_and_cut_where_asked(n1):
    def live(client):
        client.agents.deploy("past", ECHO)
        client.agents.stop("past")
        client.agents.start("past")
        moves, latest = client.agents.history("past"), client.agents.history("past", limit=2)
        client.agents.undeploy("past")
        with pytest.raises(NotFound, match="no agent past"):
            client.agents.history("past")
        return moves, latest

    moves, latest = await call(n1.local, live)
    words = [pb.AgentEvent.Name(move.event).removeprefix("AGENT_EVENT_").lower() for move in moves]
    assert words == ["start", "load", "stop", "drain", "start", "load"]
    assert [move.instance for move in moves] == ["past#1.0.0.1@n1"] * 6
    assert (moves[3].from_state, moves[3].to_state) == (pb.AGENT_STATE_RUNNING, pb.AGENT_STATE_DRAINING)
    assert list(latest) == list(moves[:2])


@pytest.mark.story("016")
async def test_an_agent_may_be_metered_deterministic_and_allowed_a_feature(n1):
    def live(client):
        with pytest.raises(InvalidModule, match="needs bulk memory"):
            client.agents.deploy("special", USES_BULK.encode())
        deployed = client.agents.deploy(
            "special",
            USES_BULK.encode(),
            cpu="metered",
            wasm_features=["bulk-memory"],
            seed=7,
            limits={"host_calls_per_s": 50, "messages_per_s": 9, "table_elements": 0},
        )
        detail = deployed.agent.detail
        assert (detail.cpu, list(detail.wasm_features)) == (pb.CPU_MODE_METERED, ["bulk-memory"])
        assert (detail.deterministic.seed, detail.limits.batch_max) == (7, 1)
        assert (detail.limits.host_calls_per_s, detail.limits.messages_per_s) == (50, 9)
        assert detail.limits.table_elements == 0
        with pytest.raises(InvalidModule, match="needs bulk memory"):
            client.agents.update("special", wasm_features=[])
        updated = client.agents.update("special", module=ECHO, wasm_features=[], cpu="both")
        assert (list(updated.agent.detail.wasm_features), updated.agent.detail.cpu) == ([], pb.CPU_MODE_BOTH)
        client.agents.undeploy("special")

    await call(n1.local, live)


async def test_allowing_a_feature_is_in_the_audit_log_with_who_did_it(n1, capfd):
    configure_logs(level="info", format="json")

    def live(client):
        client.agents.deploy("noted", ECHO, wasm_features=["simd"])
        client.agents.update("noted", wasm_features=["simd", "bulk-memory"])
        client.agents.update("noted", limits={"batch_max": 7})
        client.agents.undeploy("noted")

    await call(n1.remote(), live)
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if '"audit"' in line]
    allowed = [line for line in lines if line["event"] == "AllowWasmFeatures"]
    assert [line["features"] for line in allowed] == [["simd"], ["bulk-memory", "simd"]]
    assert {(line["principal"], line["role"]) for line in allowed} == {("admin", "admin")}
    assert allowed[0]["subject"].startswith("default/noted#")
    by_trace = {line["trace_id"]: line["event"] for line in lines if line["event"] != "AllowWasmFeatures"}
    assert [by_trace[line["trace_id"]] for line in allowed] == ["DeployAgent", "UpdateAgent"]
    updates = [line for line in lines if line["event"] == "UpdateAgent"]
    assert [(line["subject"], line["outcome"]) for line in updates] == [("noted", "OK")] * 2


async def test_a_viewer_reads_history_and_changes_nothing(n1):
    token = await n1.daemon.store.tokens.issue_api_token(env="test", client="eve", role=Role.VIEWER)
    await call(n1.local, lambda client: client.agents.deploy("seen", ECHO))

    def look(client):
        assert client.agents.history("seen")
        with pytest.raises(Forbidden):
            client.agents.update("seen", limits={"batch_max": 1})
        with pytest.raises(Forbidden):
            client.agents.validate(ECHO)

    await call(n1.remote(token), look)
    await call(n1.local, lambda client: client.agents.undeploy("seen"))


async def test_a_failure_is_told_with_kind_frames_and_message(n1):
    await call(n1.local, lambda client: client.agents.deploy("sick", faulty().encode()))
    sent = await call(
        n1.local, lambda client: client.messages.send("sick", b"zero", language="text", wait=False)
    )
    found = await settled(n1, "sick", lambda found: found.detail.restarts)
    failure = found.detail.failure
    assert (failure.kind, failure.message) == ("arithmetic", "it divided by zero")
    assert [frame.partition(" at ")[0] for frame in failure.backtrace] == [
        "misbehave",
        "answer",
        "caxton_handle",
    ]
    assert (failure.message_id, failure.verdict) == (sent.message_id, "")
    assert failure.at_unix_ms >= found.detail.deployed_unix_ms
    await settled(n1, "sick", lambda found: found.state == pb.AGENT_STATE_RUNNING)
    await call(n1.local, lambda client: client.agents.undeploy("sick"))
