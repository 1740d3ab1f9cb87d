import pytest

from caxton_node.agents.change import Change
from caxton_node.agents.manifest import Keeping
from caxton_node.api.agent_requests import (
    WITH_PRESENCE,
    ZERO_IS_ABSENT,
    given_limits,
    read_change,
    read_limits,
    read_manifest,
)
from caxton_node.config import load
from caxton_node.config.schema import BY_KEY
from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.pb import agents_pb2 as pb
from caxton_node.runtime import Cpu, Limits
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.host.determinism import START_UNIX_US
from caxton_node.runtime.limits import RANGES

CONFIG = load(environ={}, overrides=["agents.log_lines_per_s=7", "agents.checkpoint_bytes_max=1MiB"])


@pytest.mark.story("016")
def test_what_a_request_does_not_name_is_the_node_s_default():
    limits = read_limits(pb.Limits(memory_bytes=2**20), CONFIG)
    assert limits == Limits(memory_bytes=2**20, log_lines_per_s=7, checkpoint_bytes_max=2**20)


@pytest.mark.story("016")
@pytest.mark.parametrize("name", WITH_PRESENCE)
def test_nothing_at_all_differs_from_not_saying(name):
    assert given_limits(pb.Limits()) == {}
    assert given_limits(pb.Limits(**{name: 0})) == {name: 0}


@pytest.mark.story("016")
def test_0_is_absence_where_no_agent_could_run_with_it():
    zeros = dict.fromkeys(ZERO_IS_ABSENT, 0)
    assert read_limits(pb.Limits(wall_time_ms=0, **zeros), CONFIG) == read_limits(pb.Limits(), CONFIG)


def test_every_limit_of_the_schema_is_read():
    named = {"wall_time_ms", *ZERO_IS_ABSENT, *WITH_PRESENCE}
    assert set(pb.Limits.DESCRIPTOR.fields_by_name) == named
    asked = pb.Limits(**dict.fromkeys(named, 200))
    assert set(given_limits(asked)) == {*Limits.__dataclass_fields__}


@pytest.mark.story("003")
def test_a_deployment_that_says_little_is_strict_and_keeps_by_itself():
    manifest = read_manifest(pb.DeployAgentRequest(name="a"), CONFIG)
    assert (manifest.cpu, manifest.wasm_features, manifest.world) == (Cpu.DEADLINE, (), None)
    assert (manifest.keeping, manifest.checkpoint_every_s) == (Keeping.AUTO, 0.0)


@pytest.mark.story("016")
def test_processor_time_is_bounded_as_the_rest_of_a_deployment_needs_it():
    fuelled = pb.DeployAgentRequest(name="a", limits=pb.Limits(fuel_per_message=5_000))
    assert read_manifest(fuelled, CONFIG).cpu is Cpu.BOTH
    seeded = pb.DeployAgentRequest(name="a", deterministic=pb.Determinism(seed=0))
    assert read_manifest(seeded, CONFIG).cpu is Cpu.METERED
    told = pb.DeployAgentRequest(name="a", limits=pb.Limits(fuel_per_message=5_000), cpu=pb.CPU_MODE_DEADLINE)
    assert read_manifest(told, CONFIG).cpu is Cpu.DEADLINE


@pytest.mark.story("003")
def test_a_deployment_may_say_how_it_runs_and_what_it_leaves():
    request = pb.DeployAgentRequest(
        name="a",
        cpu=pb.CPU_MODE_DEADLINE,
        wasm_features=["simd", "bulk-memory"],
        deterministic=pb.Determinism(seed=2**64 - 1),
        keeping=pb.KEEPING_IMAGE,
        checkpoint_every_ms=1500,
    )
    manifest = read_manifest(request, CONFIG)
    assert (manifest.cpu, manifest.wasm_features) == (Cpu.DEADLINE, ("bulk-memory", "simd"))
    assert manifest.world is not None
    assert (manifest.world.seed, manifest.world.start_unix_us) == (2**64 - 1, START_UNIX_US)
    assert (manifest.limits.batch_max, manifest.keeping) == (1, Keeping.IMAGE)
    assert manifest.checkpoint_every_s == 1.5


@pytest.mark.story("031")
def test_turns_and_protocols_are_as_asked_or_as_the_node_has_them():
    strict = read_manifest(pb.DeployAgentRequest(name="a"), CONFIG)
    assert (strict.batching, strict.protocols) == (Batching.ADAPTIVE, ProtocolPolicy.ENFORCE)
    config = load(environ={}, overrides=["agents.batching=latency", "agents.protocols=warn"])
    node_s = read_manifest(pb.DeployAgentRequest(name="a"), config)
    assert (node_s.batching, node_s.protocols) == (Batching.LATENCY, ProtocolPolicy.WARN)
    asked = pb.DeployAgentRequest(name="a", batching=pb.BATCHING_THROUGHPUT, protocols=pb.PROTOCOL_POLICY_OFF)
    manifest = read_manifest(asked, config)
    assert (manifest.batching, manifest.protocols) == (Batching.THROUGHPUT, ProtocolPolicy.OFF)


@pytest.mark.story("031")
def test_a_setting_has_no_value_that_no_agent_could_have():
    assert BY_KEY["agents.batching"].choices == tuple(Batching)
    assert BY_KEY["agents.protocols"].choices == tuple(ProtocolPolicy)
    assert BY_KEY["agents.batch_max"].maximum == RANGES["batch_max"][1]


@pytest.mark.story("031")
@pytest.mark.parametrize(("enum", "words"), [(pb.Batching, Batching), (pb.ProtocolPolicy, ProtocolPolicy)])
def test_every_word_is_in_the_schema(enum, words):
    prefix = enum.Name(0).removesuffix("UNSPECIFIED")
    assert {name.removeprefix(prefix).lower() for name in enum.keys()[1:]} == set(words)


@pytest.mark.story("003")
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"wasm_features": ["gc"]}, "'gc' is not a feature that can be allowed"),
        ({"cpu": 9}, "9 is not a CpuMode"),
        ({"keeping": 9}, "9 is not a Keeping"),
        ({"batching": 9}, "9 is not a Batching"),
        ({"protocols": 9}, "9 is not a ProtocolPolicy"),
        ({"checkpoint_every_ms": 1}, "out of range"),
        ({"deterministic": pb.Determinism(start_unix_us=-1)}, "start_unix_us"),
        ({"deterministic": pb.Determinism(start_unix_us=2**62)}, "start_unix_us"),
        ({"limits": pb.Limits(host_calls_per_s=0)}, "host_calls_per_s"),
        ({"limits": pb.Limits(table_elements=2**32 - 1)}, "table_elements"),
    ],
)
def test_what_cannot_be_used_is_named(fields, says):
    with pytest.raises(InvalidArgument, match=says):
        read_manifest(pb.DeployAgentRequest(name="a", **fields), CONFIG)


@pytest.mark.story("003")
def test_a_change_has_only_what_was_given():
    assert read_change(pb.UpdateAgentRequest(name="a")) == Change()
    empty = pb.UpdateAgentRequest(
        name="a", capabilities=pb.Names(), wasm_features=pb.Names(), config={}, checkpoint_every_ms=0
    )
    assert read_change(empty) == Change(config={}, capabilities=(), wasm_features=(), checkpoint_every_s=0.0)


@pytest.mark.story("003")
def test_a_change_may_have_everything():
    request = pb.UpdateAgentRequest(
        name="a",
        module=b"m",
        version="2.0.0",
        limits=pb.Limits(fuel_per_message=5000, messages_per_s=0),
        config={"depth": 3},
        capabilities=pb.Names(names=["x"]),
        cpu=pb.CPU_MODE_METERED,
        wasm_features=pb.Names(names=["simd"]),
        keeping=pb.KEEPING_OFF,
        checkpoint_every_ms=2000,
        batching=pb.BATCHING_SINGLE,
        protocols=pb.PROTOCOL_POLICY_WARN,
    )
    assert read_change(request) == Change(
        module=b"m",
        version="2.0.0",
        limits={"fuel_per_message": 5000, "messages_per_s": 0},
        config={"depth": 3},
        capabilities=("x",),
        cpu=Cpu.METERED,
        wasm_features=("simd",),
        keeping=Keeping.OFF,
        checkpoint_every_s=2.0,
        batching=Batching.SINGLE,
        protocols=ProtocolPolicy.WARN,
    )
