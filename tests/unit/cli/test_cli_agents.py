"""How agents and reports look, and what the options of `caxton agent` ask for."""

from __future__ import annotations

import json
from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from caxton_node.cli.agent_options import (
    BATCHING,
    PROTOCOLS,
    config_of,
    config_options,
    engine_options,
    limit_options,
    limits_of,
    message_options,
    state_options,
)
from caxton_node.cli.agent_report import show_report
from caxton_node.cli.agent_sheet import BATCHING as AS_WORDS
from caxton_node.cli.agent_sheet import show_agent
from caxton_node.cli.output import Output
from caxton_node.cli.sheet import period, size
from caxton_node.client.plain import enum_word, plain
from caxton_node.pb import agents_pb2 as pb
from caxton_node.runtime.batching import RULES, Batching, BatchRule

pytestmark = pytest.mark.story("008")


def given(*words: object) -> dict[str, object]:
    """Return the options that a command line gives."""
    found: dict[str, object] = {}

    @click.command()
    @limit_options
    @engine_options
    @state_options
    @message_options
    @config_options
    def take(**options: object) -> None:
        found.update(options)

    done = CliRunner().invoke(take, [str(word) for word in words])
    if done.exit_code:
        raise click.UsageError(done.output)
    return found


def agent(**detail: object) -> pb.Agent:
    made = pb.Agent(
        name="a",
        version="1.0.0",
        instance="a#1.0.0.1@n1",
        node="n1",
        state=pb.AGENT_STATE_FAILED,
        module_sha256="ab" * 32,
        detail=pb.AgentDetail(
            module_bytes=2048,
            limits=pb.Limits(
                memory_bytes=10 * 2**20,
                fuel_per_message=10_000_000,
                wall_time_ms=250,
                message_bytes_max=2**20,
                mailbox_depth=10_000,
                batch_max=256,
                host_calls_per_s=20_000,
                log_lines_per_s=0,
                messages_per_s=0,
                table_elements=100,
                checkpoint_bytes_max=2**24,
            ),
            cpu=pb.CPU_MODE_BOTH,
            keeping=pb.KEEPING_AUTO,
            batching=pb.BATCHING_ADAPTIVE,
            protocols=pb.PROTOCOL_POLICY_ENFORCE,
            **detail,
        ),
    )
    made.detail.config.update({"depth": 3})
    return made


def shown(made: pb.Agent, capsys: pytest.CaptureFixture[str]) -> list[str]:
    show_agent(Output(), plain(made))
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


# -- options ------------------------------------------------------------------------------------------------


@pytest.mark.story("016")
def test_every_limit_of_the_schema_has_an_option():
    assert set(limits_of(given())) == set(pb.Limits.DESCRIPTOR.fields_by_name)
    assert set(limits_of(given()).values()) == {None}


@pytest.mark.story("016")
def test_limits_are_given_in_the_units_that_people_use():
    words = ["--memory", "2MiB", "--wall-time", "1.5s", "--log-lines", 0, "--messages-rate", 0, "--table", 5]
    limits = {name: value for name, value in limits_of(given(*words)).items() if value is not None}
    assert limits == {
        "memory_bytes": 2**21,
        "wall_time_ms": 1500,
        "log_lines_per_s": 0,
        "messages_per_s": 0,
        "table_elements": 5,
    }


@pytest.mark.story("016")
@pytest.mark.parametrize(
    "option", ["--memory", "--fuel", "--wall-time", "--mailbox", "--batch", "--host-calls"]
)
def test_0_is_refused_where_it_would_silently_mean_something_else(option):
    with pytest.raises(click.UsageError, match="more than 0"):
        given(option, 0)


@pytest.mark.story("016")
def test_a_time_too_short_to_be_written_is_not_taken_for_none():
    assert limits_of(given("--wall-time", "0.1ms"))["wall_time_ms"] == 1


def test_single_settings_change_those_of_before_and_a_file_replaces_them(tmp_path: Path):
    before = {"depth": 1, "name": "x"}
    assert config_of(given("--config", "depth=3"), before) == {"depth": 3, "name": "x"}
    (tmp_path / "config.yaml").write_text("rate: 0.5\n")
    words = ["--config-file", tmp_path / "config.yaml", "--config", "depth=3"]
    assert config_of(given(*words), before) == {"rate": 0.5, "depth": 3}


def test_features_can_be_named_several_times():
    options = given("--wasm-feature", "simd", "--wasm-feature", "bulk-memory", "--cpu", "deadline")
    assert (options["wasm_features"], options["cpu"]) == (("simd", "bulk-memory"), "deadline")


@pytest.mark.story("031")
def test_turns_and_protocols_have_the_words_of_the_schema():
    for option, words, enum in (
        ("--batching", BATCHING, pb.Batching),
        ("--protocols", PROTOCOLS, pb.ProtocolPolicy),
    ):
        assert [enum_word(enum.DESCRIPTOR, number) for number in enum.values() if number] == list(words)
        assert {given(option, word)[option.strip("-")] for word in words} == set(words)
        with pytest.raises(click.UsageError, match="is not one of"):
            given(option, "some")


# -- one agent in full --------------------------------------------------------------------------------------


def test_an_agent_is_shown_with_limits_and_how_it_runs(capsys: pytest.CaptureFixture[str]):
    lines = shown(agent(wasm_features=["simd"], checkpoint_every_ms=1500), capsys)
    for line in (
        "a#1.0.0.1@n1 is Failed",
        "module abababababab…, 2 KiB",
        "memory 10 MiB",
        "wall time 250 ms a message",
        "log lines 0 a second",
        "messages sent as many as others take",
        "cpu both: by fuel and wall time, whichever ends first",
        "batching adaptive: as many messages as fit into 2 ms",
        "protocols enforce: what they do not allow goes back to its sender",
        "wasm features simd",
        "checkpoints every 1.5 s, and when it ends",
        'config {"depth": 3}',
    ):
        assert line in lines
    assert "last failure" not in lines


@pytest.mark.story("031")
def test_an_agent_that_runs_says_how_many_messages_its_next_turn_may_take(
    capsys: pytest.CaptureFixture[str],
):
    lines = shown(agent(batch_now=37), capsys)
    assert "batching adaptive: as many messages as fit into 2 ms; at most 37 in its next turn" in lines


@pytest.mark.story("031")
@pytest.mark.parametrize(("batching", "rule"), RULES.items())
def test_the_words_for_a_strategy_have_its_numbers(batching: Batching, rule: BatchRule):
    words = AS_WORDS[batching]
    assert words.startswith(f"{batching}: ")
    assert (f"{rule.turn_s * 1000:g} ms" in words) == (batching is not Batching.SINGLE)


@pytest.mark.story("003")
def test_a_failure_is_shown_with_one_frame_a_line_and_its_verdict(capsys: pytest.CaptureFixture[str]):
    failure = pb.Failure(
        kind="fuel",
        message="it used up its fuel",
        at_unix_ms=1_700_000_000_000,
        backtrace=["spin at 0x1f", "caxton_handle at 0x2a"],
        message_id="0123",
        verdict="it failed 11 times within 60 s",
    )
    lines = shown(agent(failure=failure), capsys)
    at = lines.index("backtrace spin at 0x1f")
    assert lines[at + 1] == "caxton_handle at 0x2a"
    assert {"kind fuel", "what it used up its fuel", "message id 0123"} <= set(lines)
    assert lines[-1] == "verdict left alone: it failed 11 times within 60 s"


@pytest.mark.story("003")
def test_a_failure_without_a_verdict_says_what_comes(capsys: pytest.CaptureFixture[str]):
    made = agent(failure=pb.Failure(kind="fuel", message="m"))
    assert shown(made, capsys)[-1] == "verdict it will be started again"
    made.state = pb.AGENT_STATE_RUNNING
    lines = shown(made, capsys)
    assert lines[-1] == "verdict it was started again"
    assert "message id none: it was handling no message" in lines


def test_what_an_agent_wrote_does_nothing_to_the_terminal(capsys: pytest.CaptureFixture[str]):
    failure = pb.Failure(
        kind="exit", message="\x1b[2J\nforged", backtrace=["\x1b]0;x\x07 at 0x1", "f" * 5000]
    )
    show_agent(Output(), plain(agent(failure=failure)))
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "\x07" not in out
    assert "\nforged" not in out
    assert max(map(len, out.splitlines())) < 1100


def test_a_deterministic_agent_says_its_seed(capsys: pytest.CaptureFixture[str]):
    world = pb.Determinism(seed=7, start_unix_us=946_684_800_000_000)
    (line,) = [line for line in shown(agent(deterministic=world), capsys) if line.startswith("determin")]
    assert line.startswith("deterministic seed 7, its clock starts at ")


def test_programs_get_everything(capsys: pytest.CaptureFixture[str]):
    row = plain(agent(failure=pb.Failure(kind="fuel", backtrace=["x"])))
    show_agent(Output("json"), row)
    found = json.loads(capsys.readouterr().out)
    assert found["detail"]["failure"]["backtrace"] == ["x"]
    assert found["detail"]["limits"]["log_lines_per_s"] == 0
    assert (found["detail"]["cpu"], found["detail"]["keeping"]) == ("both", "auto")


# -- a report -----------------------------------------------------------------------------------------------


def report(**fields: object) -> pb.ValidateAgentResponse:
    stages = [
        pb.ValidationStage(name="static", outcome=pb.STAGE_OUTCOME_PASSED),
        pb.ValidationStage(name="sandbox", outcome=pb.STAGE_OUTCOME_PASSED),
        pb.ValidationStage(
            name="contracts",
            outcome=pb.STAGE_OUTCOME_FAILED,
            reason="batch, message 3: it panicked",
            hint="answer it",
            backtrace=["f at 0x1", "g at 0x2"],
            notes=["the request was not answered"],
        ),
        pb.ValidationStage(name="resources", outcome=pb.STAGE_OUTCOME_SKIPPED),
    ]
    return pb.ValidateAgentResponse(
        stages=stages,
        module=pb.ModuleFacts(sha256="cd" * 32, module_bytes=1523, exports=["memory"], compile_us=1500),
        start=pb.StartFacts(elapsed_us=450, fuel=98, memory_bytes=65_536, capabilities=["work"]),
        messages=[
            pb.MessageFacts(
                name="request", given=1, handled=1, sent=["inform", "inform"], sent_count=70, fuel=300
            )
        ],
        limits=pb.Limits(memory_bytes=10 * 2**20, fuel_per_message=10_000),
        log=["info: \x1b[2J"],
        elapsed_us=12_000,
        **fields,
    )


@pytest.mark.story("012")
def test_a_report_tells_each_stage_with_what_was_found(capsys: pytest.CaptureFixture[str]):
    show_report(Output(), "price.wasm", plain(report()))
    out = capsys.readouterr().out
    lines = [" ".join(line.split()) for line in out.splitlines()]
    for line in (
        "price.wasm failed after 12 ms",
        "static passed",
        "module cdcdcdcdcdcd…, 1.49 KiB",
        "needs no feature beyond MVP WebAssembly",
        "started in 450 µs, 98 fuel",
        "registers work",
        "request 1 of 1 handled, sent 2 inform and 68 more",
        "contracts failed",
        "why batch, message 3: it panicked",
        "where f at 0x1",
        "g at 0x2",
        "next answer it",
        "note the request was not answered",
        "resources skipped",
    ):
        assert line in lines
    assert "\x1b" not in out


@pytest.mark.story("012")
def test_a_report_on_what_is_no_module_says_nothing_of_one(capsys: pytest.CaptureFixture[str]):
    stages = [pb.ValidationStage(name="static", outcome=pb.STAGE_OUTCOME_FAILED, reason="it is none")]
    show_report(Output(), "x", plain(pb.ValidateAgentResponse(stages=stages, module=pb.ModuleFacts())))
    lines = [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]
    assert lines == ["x failed after 0 s", "", "static failed", "why it is none"]


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 bytes"), (1, "1 byte"), (700, "700 bytes"), (65_536, "64 KiB"), (10 * 2**20, "10 MiB"),
     (118_930, "116 KiB"), (1023 * 1024, "1,023 KiB"), (5 * 2**30, "5 GiB"), (2**42, "4,096 GiB")],
)  # fmt: skip
def test_sizes_have_the_unit_that_suits_them(count, text):
    assert size(count) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (5, "5 s"), (3600, "3,600 s"), (0.25, "250 ms"), (0.0015, "1.5 ms"), (1.7e-5, "17 µs")],
)
def test_times_have_the_unit_that_suits_them(seconds, text):
    assert period(seconds) == text
