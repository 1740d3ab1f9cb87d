"""Modules tried without being deployed, through the real API and the command line."""

import asyncio
import json

import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.observability import configure_logs
from caxton_node.pb import agents_pb2 as pb
from tests.support.api import call
from tests.support.cli import caxton
from tests.support.guests import RUST, rust, tiny, wat

pytestmark = [pytest.mark.story("012"), pytest.mark.asyncio(loop_scope="session")]
ECHO = wat("echo").encode()
SPIN = tiny(handle="(loop $again (br $again)) (i32.const 0)")
STAGES = ["static", "sandbox", "contracts", "resources"]


async def run(node, *words):
    return await asyncio.to_thread(caxton, "--data-dir", node.data_dir, *words)


async def test_a_report_says_what_a_module_is_and_does_and_nothing_is_deployed(n1):
    before = await call(n1.local, lambda client: {found.instance for found in client.agents.list()})
    report = await call(n1.local, lambda client: client.agents.validate(rust("contractor")))
    after = await call(n1.local, lambda client: {found.instance for found in client.agents.list()})
    assert (report.passed, [stage.name for stage in report.stages]) == (True, STAGES)
    assert {stage.outcome for stage in report.stages} == {pb.STAGE_OUTCOME_PASSED}
    assert (report.module.module_bytes, list(report.module.imports)) == (
        len(rust("contractor")),
        ["caxton.log"],
    )
    assert list(report.start.capabilities) == ["work"]
    assert [(facts.name, facts.given) for facts in report.messages] == [
        ("request", 1),
        ("not-understood", 1),
        ("batch", 16),
    ]
    assert all(facts.fuel and facts.elapsed_us and facts.memory_bytes for facts in report.messages)
    assert report.limits.memory_bytes == 10 * 2**20
    assert before == after


async def test_the_worst_modules_end_in_a_report_within_five_seconds(n1):
    limits = {"fuel_per_message": 2**50, "wall_time_ms": 3_600_000}
    endless = "(loop $again (br $again)) (i32.const 0)"
    for text in (
        tiny(init=endless),
        tiny(handle=endless),
        tiny(extra="(start $go) (func $go (loop (br 0)))"),
    ):
        report = await call(
            n1.local, lambda client, text=text: client.agents.validate(text.encode(), limits=limits)
        )
        assert not report.passed
        assert report.elapsed_us < 5_000_000


async def test_any_node_can_be_asked_to_try_it(n1, n2):
    report = await call(n1.local, lambda client: client.agents.validate(ECHO, node="n2"))
    assert report.passed


async def test_limits_config_and_features_are_those_of_a_deployment(n1):
    def attempt(client):
        small = client.agents.validate(ECHO, limits={"memory_bytes": 65_536, "fuel_per_message": 1000})
        assert [stage.outcome for stage in small.stages][2] == pb.STAGE_OUTCOME_FAILED
        assert "it used up its fuel" in small.stages[2].reason
        deadline = client.agents.validate(ECHO, cpu="deadline", config={"depth": 3})
        assert (deadline.passed, deadline.cpu, deadline.start.fuel) == (True, pb.CPU_MODE_DEADLINE, 0)
        for wrong in ({"limits": {"batch_max": 999}}, {"wasm_features": ["gc"]}, {"module": b""}):
            with pytest.raises(InvalidArgument):
                client.agents.validate(**{"module": ECHO, **wrong})

    await call(n1.local, attempt)


async def test_a_trial_is_logged_with_its_result_and_audited(n1, capfd):
    configure_logs(level="info", format="json")
    await call(n1.remote(), lambda client: client.agents.validate(SPIN.encode()))
    lines = [json.loads(line) for line in capfd.readouterr().err.splitlines() if line.startswith("{")]
    (told,) = [line for line in lines if line["event"] == "module validated"]
    assert (told["passed"], told["stage"]) == (False, "contracts")
    (audited,) = [line for line in lines if line["event"] == "ValidateAgent"]
    assert (audited["package"], audited["principal"]) == ("audit", "admin")


async def test_the_command_prints_a_report_and_leaves_0_when_it_passed(n1):
    done = await run(n1, "agent", "validate", RUST / "contractor.wasm")
    assert (done.code, done.err) == (0, "")
    lines = [line.split() for line in done.out.splitlines()]
    assert lines[0][:2] == ["contractor.wasm", "passed"]
    assert [line[0] for line in lines if line and line[-1:] == ["passed"]] == STAGES
    assert ["registers", "work"] in lines
    assert ["imports", "caxton.log"] in lines
    as_json = json.loads((await run(n1, "agent", "validate", RUST / "contractor.wasm", "-o", "json")).out)
    assert (as_json["passed"], as_json["stages"][3]["outcome"]) == (True, "passed")


async def test_the_command_leaves_1_and_says_where_and_why_when_it_failed(n1, tmp_path):
    (tmp_path / "spin.wat").write_text(SPIN)
    done = await run(n1, "agent", "validate", tmp_path / "spin.wat")
    assert done.code == 1
    words = done.out.split()
    assert words[:2] == ["spin.wat", "failed"]
    for said in ("request: it used up its fuel", "caxton_handle at 0x", "raise the limit"):
        assert said in done.out
    (tmp_path / "text.txt").write_text("no module at all")
    done = await run(n1, "agent", "try", tmp_path / "text.txt")
    assert (done.code, "not a WebAssembly module" in done.out, done.out.count("skipped")) == (1, True, 3)
