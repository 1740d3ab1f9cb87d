import pytest

from caxton_node.agents.chronicle import AgentMoved
from caxton_node.agents.failures import Failure
from caxton_node.agents.lifecycle import Event, State
from caxton_node.agents.manifest import Keeping, Manifest
from caxton_node.agents.views import AgentView
from caxton_node.api.agent_answers import agent_of, cpu_of, limits_of, transition_of
from caxton_node.api.agent_requests import given_limits
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.pb import agents_pb2 as pb
from caxton_node.runtime import Cpu, Limits
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.host.determinism import Determinism

FAILURE = Failure("fuel", "it used up its fuel", 5, ("spin at 0x1", "caxton_handle at 0x2"), "ab" * 16, "so")


def view(manifest: Manifest, failure: Failure | None = None) -> AgentView:
    return AgentView(
        manifest=manifest,
        instance="default/a#1.0.0.3@n1",
        number=3,
        node="n1",
        state=State.RUNNING,
        module_sha256="0" * 64,
        module_bytes=10,
        capabilities=(),
        deployed_unix_ms=1,
        restarts=2,
        last_error=str(failure or ""),
        failure=failure,
        waiting=4,
        memory_bytes=65_536,
        batch_now=12,
    )


@pytest.mark.story("016")
def test_limits_come_back_as_they_were_read():
    limits = Limits(wall_time_s=0.25, log_lines_per_s=0, messages_per_s=3, checkpoint_bytes_max=0)
    written = limits_of(limits)
    assert written.HasField("log_lines_per_s")
    assert Limits(**given_limits(written)) == limits


@pytest.mark.story("003")
def test_an_answer_tells_how_an_agent_runs_and_what_it_leaves():
    manifest = Manifest(
        name="a",
        cpu=Cpu.METERED,
        wasm_features=("simd",),
        world=Determinism(7, 9),
        keeping=Keeping.OFF,
        checkpoint_every_s=1.5,
        batching=Batching.LATENCY,
        protocols=ProtocolPolicy.OFF,
    )
    agent = agent_of(view(manifest))
    detail = agent.detail
    assert (agent.instance, detail.number) == ("a#1.0.0.3@n1", 3)
    assert (detail.cpu, list(detail.wasm_features)) == (pb.CPU_MODE_METERED, ["simd"])
    assert (detail.deterministic.seed, detail.deterministic.start_unix_us) == (7, 9)
    assert (detail.keeping, detail.checkpoint_every_ms) == (pb.KEEPING_OFF, 1500)
    assert (detail.batching, detail.batch_now) == (pb.BATCHING_LATENCY, 12)
    assert detail.protocols == pb.PROTOCOL_POLICY_OFF
    assert not detail.HasField("failure")


@pytest.mark.story("003")
def test_an_agent_that_is_not_deterministic_says_nothing_of_it():
    assert not agent_of(view(Manifest(name="a"))).detail.HasField("deterministic")


@pytest.mark.story("003")
def test_a_failure_keeps_frames_message_and_verdict():
    failure = agent_of(view(Manifest(name="a"), FAILURE)).detail.failure
    assert (failure.kind, failure.at_unix_ms, failure.verdict) == ("fuel", 5, "so")
    assert list(failure.backtrace) == ["spin at 0x1", "caxton_handle at 0x2"]
    assert failure.message_id == "ab" * 16


@pytest.mark.story("003")
@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_every_move_can_be_told(event, state):
    moved = AgentMoved("default/a", "default/a#1.0.0.1@n1", state, event, state, "why", 5)
    written = transition_of(moved)
    assert pb.AgentEvent.Name(written.event) == f"AGENT_EVENT_{event.name}"
    assert pb.AgentState.Name(written.to_state) == f"AGENT_STATE_{state.name}"
    assert (written.instance, written.reason) == ("a#1.0.0.1@n1", "why")


@pytest.mark.parametrize("cpu", Cpu)
def test_every_way_to_bound_time_is_in_the_schema(cpu):
    assert cpu_of(cpu) in dict(pb.CpuMode.items())


@pytest.mark.parametrize("keeping", Keeping)
def test_every_way_to_keep_is_in_the_schema(keeping):
    assert f"KEEPING_{keeping.name}" in dict(pb.Keeping.items())
