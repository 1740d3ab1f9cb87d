"""Modules on trial: the honest pass, and each kind of fault fails in its stage with its reason."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import AsyncIterator, Callable

import pytest
import pytest_asyncio

from caxton_node.agents.contracts import CASES
from caxton_node.agents.findings import LISTED_MAX, Report, StageName, StageOutcome
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.validation import TrialSettings, Validator
from caxton_node.core.errors import InvalidArgument, ResourceLimit
from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.runtime import Cpu, Engine, EngineSettings, Limits, Profile
from caxton_node.runtime.engine import LocalCompiler
from tests.support.clock import HandClock
from tests.support.guests import faulty, rust, tiny, wat
from tests.support.versions import keeper

pytestmark = pytest.mark.story("012")
SPIN = "(loop $again (br $again)) (i32.const 0)"
LITTLE_FUEL = Limits(fuel_per_message=100_000)
PATIENT = Limits(fuel_per_message=3_000_000_000, wall_time_s=3600)  # seconds of work, in any mode
IMPORT_LOG = '(import "caxton" "log" (func $log (param i32 i32 i32)))'
HONEST = {
    "buyer": rust("buyer"),
    "contractor": rust("contractor"),
    "greeter": rust("greeter"),
    "echo": wat("echo").encode(),
    "relay": wat("relay").encode(),
    "keeper": keeper(),
    "faulty": faulty().encode(),  # only certain words make it misbehave
}


def says(frames: bytes, *, when: str = "handle", import_log: bool = False) -> bytes:
    """Return a guest that sends these bytes whenever it starts, or is called."""
    text = "".join(f"\\{byte:02x}" for byte in frames)
    out = f"(call $out (i32.const 4096) (i32.const {len(frames)})) "
    count = """(func $count (param $at i32) (param $end i32) (local $n i32)
      (loop $next
        (local.set $at (i32.add (i32.add (local.get $at) (i32.const 4)) (i32.load (local.get $at))))
        (local.set $n (i32.add (local.get $n) (i32.const 1)))
        (br_if $next (i32.lt_u (local.get $at) (local.get $end))))
      (call $handled (local.get $n)))"""
    handle = "(call $count (i32.const 65536) (i32.add (i32.const 65536) (local.get 0)))"
    return tiny(
        imports=IMPORT_LOG if import_log else "",
        memory="3",
        inbox="(i32.const 65536)",
        init=f"{out if when == 'init' else ''}(i32.const 0)",
        handle=f"{handle}{out if when == 'handle' else ''}(i32.const 0)",
        extra=f'(data (i32.const 4096) "{text}") {count}',
    ).encode()


def framed(*envelopes: Envelope | bytes) -> bytes:
    bodies = [each if isinstance(each, bytes) else encode(each) for each in envelopes]
    return b"".join(len(body).to_bytes(4, "little") + body for body in bodies)


def register(content: bytes) -> Envelope:
    return Envelope(Performative.REQUEST, None, "df", content)


def outcomes(report: Report) -> list[str]:
    return [str(stage.outcome) for stage in report.stages]


@pytest.fixture(scope="module")
def engine():
    engine = Engine()
    yield engine
    engine.close()


@pytest_asyncio.fixture
async def validator(engine: Engine) -> AsyncIterator[Validator]:
    validator = Validator(engine, "n1", settings=TrialSettings(within_s=60.0))  # busy machines compile slowly
    yield validator
    await validator.close()


async def judge(
    validator: Validator, module: bytes | str, limits: Limits | None = None, **fields: object
) -> Report:
    data = module.encode() if isinstance(module, str) else module
    return await validator.validate(Manifest("trial", limits=limits or Limits(), **fields), data)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", HONEST)
async def test_an_honest_agent_passes_every_stage(validator, name):
    report = await judge(validator, HONEST[name])
    assert report.passed, report.failed
    assert [stage.name for stage in report.stages] == list(StageName)
    assert outcomes(report) == ["passed"] * 4
    assert [(facts.name, facts.given, facts.handled) for facts in report.messages] == [
        ("request", 1, 1),
        ("not-understood", 1, 1),
        ("batch", 16, 16),
    ]


async def test_a_report_tells_what_a_module_is_and_how_it_started(validator):
    report = await judge(validator, HONEST["contractor"])
    assert report.module.size == len(HONEST["contractor"])
    assert report.module.imports == ("caxton.log",)
    assert "caxton_handle" in report.module.exports
    assert (report.module.needs, report.module.checkpoints, report.module.whole) == ((), False, True)
    assert report.start is not None
    assert report.start.capabilities == ("work",)
    assert report.start.started.fuel_units > 0
    assert report.messages[0].sent == ("inform",)
    assert all(facts.fuel_units > 0 and facts.elapsed_s > 0 for facts in report.messages)
    assert (await judge(validator, keeper())).module.checkpoints


SIMD = '(module (memory (export "memory") 1) (func $mix (drop (v128.const i64x2 0 0))))'
LOOP = Envelope(Performative.NOT_UNDERSTOOD, None, "validator", b"{}", in_reply_to="request-1")


@pytest.mark.parametrize(
    ("module", "stage", "reason", "rest"),
    [
        ("no module", "static", "not a WebAssembly module", ["skipped"] * 3),
        ("(module (func", "static", "WAT text does not parse", ["skipped"] * 3),
        ("(module)", "static", "does not export memory", ["skipped"] * 3),
        (SIMD, "static", "needs SIMD: function 0 `mix` uses v128.const", ["skipped"] * 3),
        (tiny(imports='(import "env" "open" (func))'), "static", "imports env.open", ["skipped"] * 3),
        (tiny(init="(i32.const 7)"), "sandbox", "it returned error 7", ["skipped"] * 2),
        (tiny(init="(unreachable)"), "sandbox", "it panicked", ["skipped"] * 2),
        (tiny(init=SPIN), "sandbox", "it used up its fuel", ["skipped"] * 2),
        (tiny(memory="9999"), "sandbox", "memory minimum size", ["skipped"] * 2),
        (tiny(handle="(unreachable)"), "contracts", "request: it panicked", ["skipped"]),
        (tiny(handle="(i32.const 3)"), "contracts", "request: it returned error 3", ["skipped"]),
        (tiny(handle=SPIN), "contracts", "request: it used up its fuel", ["failed"]),
        (says(framed(b"\xc1")), "contracts", "request: what it sent cannot be delivered", ["passed"]),
        (
            says(framed(Envelope(Performative.INFORM, None, None, b"x"))),
            "contracts",
            "a message needs a receiver",
            ["passed"],
        ),
        (
            says(framed(Envelope(Performative.INFORM, None, "x", b"plain words"))),
            "contracts",
            "content is not JSON",
            ["passed"],
        ),
        (says(framed(LOOP)), "contracts", "not-understood: it answers not-understood with", ["passed"]),
        (says(framed(b"\xc1"), when="init"), "sandbox", "what it sent cannot be", ["passed", "passed"]),
        (
            says(framed(register(b'{"action":"register","capabilities":[{"name":"A B"}]}')), when="init"),
            "sandbox",
            "the directory would not register this",
            ["passed", "passed"],
        ),
    ],
)
async def test_a_fault_fails_in_its_stage_with_its_reason(validator, module, stage, reason, rest):
    report = await judge(validator, module, LITTLE_FUEL)
    failed = report.failed
    assert failed is not None
    assert (failed.name, reason in failed.reason) == (stage, True), failed.reason
    before = list(StageName).index(StageName(stage))
    assert outcomes(report) == ["passed"] * before + ["failed"] + rest


async def test_a_trap_is_told_with_its_frames(validator):
    module = tiny(handle="(call $deep) (i32.const 0)", extra="(func $deep (unreachable))")
    failed = (await judge(validator, module)).failed
    assert failed is not None
    assert [frame.partition(" at ")[0] for frame in failed.backtrace] == ["deep", "caxton_handle"]


async def test_a_refused_feature_is_named_with_the_option_that_allows_it(validator):
    report = await judge(validator, SIMD)
    assert report.module.needs == ("simd",)
    assert "--wasm-feature simd" in report.stages[0].hint
    allowed = await judge(validator, SIMD, wasm_features=("simd",))
    assert "does not export" in allowed.stages[0].reason
    assert "--wasm-feature" not in allowed.stages[0].hint


@pytest.mark.parametrize("cpu", Cpu)
@pytest.mark.parametrize("place", ["init", "handle"])
async def test_patience_without_end_does_not_keep_the_node(validator, cpu, place):
    report = await judge(validator, tiny(**{place: SPIN}), PATIENT, cpu=cpu)
    assert report.failed is not None
    assert "which is all that a trial gives" in report.failed.reason


async def test_without_fuel_none_is_told(validator):
    report = await judge(validator, wat("echo"), cpu=Cpu.DEADLINE)
    assert report.passed
    assert [facts.fuel_units for facts in report.messages] == [0, 0, 0]


async def test_a_checkpoint_is_left_and_taken(validator):
    report = await judge(validator, keeper())
    assert report.passed
    assert "it leaves a checkpoint of 4 bytes, and its successor takes it" in report.stages[2].notes


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ({"before_checkpoint": "(unreachable)"}, "its checkpoint: it panicked"),
        ({"before_checkpoint": "(loop $again (br $again))"}, "its checkpoint: it used up its fuel"),
        ({"checkpoint_code": 5}, "its checkpoint: it refused with 5"),
        ({"checkpoint_bytes": 2**31}, "its checkpoint: "),
        ({"checkpoint_bytes": 3}, "a successor that takes its checkpoint: it does not take the checkpoint"),
        ({"before_restore": "(unreachable)"}, "a successor that takes its checkpoint: it panicked"),
        ({"restore_code": 5}, "it returned error 5"),
    ],
)
async def test_a_checkpoint_that_cannot_be_left_or_taken_fails(validator, fault, reason):
    report = await judge(validator, keeper(**fault), Limits(fuel_per_message=100_000))
    assert report.failed is not None
    assert (report.failed.name, reason in report.failed.reason) == ("contracts", True), report.failed.reason
    assert outcomes(report) == ["passed", "passed", "failed", "passed"]


async def test_an_agent_that_takes_one_message_at_a_time_gets_one(validator):
    report = await judge(validator, wat("echo"), Limits(batch_max=1))
    assert [facts.given for facts in report.messages] == [1, 1, 1]


async def test_a_rate_that_is_passed_is_noted_and_no_fault(validator):
    answer = Envelope(Performative.INFORM, None, "validator", b"1")
    report = await judge(validator, says(framed(*[answer] * 5)), Limits(messages_per_s=1))
    assert report.passed
    assert "5 of 1 messages, throttled" in report.stages[-1].notes


async def test_silence_is_noted_and_no_fault(validator):
    report = await judge(validator, wat("relay"))
    assert report.passed
    assert report.stages[2].notes == ("the request was not answered",)


async def test_the_first_lines_of_its_log_are_told(validator):
    talk = "(loop $next (call $log (i32.const 2) (i32.const 900) (i32.const 5)) (br $next)) (i32.const 0)"
    module = tiny(imports=IMPORT_LOG, extra='(data (i32.const 900) "hello")', init=talk)
    report = await judge(validator, module)
    assert report.failed is not None
    assert report.log[:2] == ("warning: hello", "warning: hello")
    assert len(report.log) == 20


async def test_a_flood_does_not_flood_the_report(validator):
    good = Envelope(Performative.INFORM, None, "validator", b"1")
    report = await judge(validator, says(framed(*[good] * 200, *[b"\xc1"] * 200)))
    facts = report.messages[0]
    assert (len(facts.sent), facts.sent_count) == (LISTED_MAX, 400)
    assert all(len(stage.notes) < 20 for stage in report.stages)


async def test_a_config_reaches_the_guest_and_must_be_usable(validator):
    with pytest.raises(InvalidArgument, match="not JSON"):
        await judge(validator, wat("echo"), config={"x": object()})


async def test_what_cannot_be_a_module_is_an_error_and_no_report(validator):
    with pytest.raises(InvalidArgument, match="empty"):
        await judge(validator, b"")


async def test_more_memory_than_trials_may_have_is_refused(engine):
    validator = Validator(engine, "n1", settings=TrialSettings(memory_bytes_max=2**20))
    with pytest.raises(ResourceLimit, match="cannot be tried here"):
        await judge(validator, wat("echo"), Limits(memory_bytes=2**20 + 1))
    assert (await judge(validator, wat("echo"), Limits(memory_bytes=2**20))).passed


class SlowCompiler:
    """Compiles after something else has happened."""

    def __init__(self, first: Callable[[], object]) -> None:
        self._first = first
        self._real = LocalCompiler(EngineSettings())

    def compile(self, binary: bytes, profile: Profile) -> bytes:
        self._first()
        return self._real.compile(binary, profile)


async def test_a_compiler_that_does_not_end_keeps_a_place_but_not_the_caller():
    go = threading.Event()
    engine = Engine(compiler=SlowCompiler(go.wait))
    hasty = TrialSettings(within_s=0.05, grace_s=0.05, at_once=1, wait_s=0.05)
    validator = Validator(engine, "n1", settings=hasty)
    try:
        report = await judge(validator, wat("echo"))
        assert report.failed is not None
        assert report.failed.reason == "it was not compiled within 0.05 s"
        assert outcomes(report) == ["failed", "skipped", "skipped", "skipped"]
        with pytest.raises(ResourceLimit, match="other modules are being tried"):
            await judge(validator, wat("echo"))
    finally:
        go.set()
        await asyncio.wait(validator._tasks)
        await validator.close()
        engine.close()


async def test_no_time_left_after_compiling_is_said_and_no_guest_is_begun():
    clock = HandClock()
    engine = Engine(compiler=SlowCompiler(lambda: clock.advance(4.4)))
    validator = Validator(engine, "n1", clock)
    report = await judge(validator, wat("echo"))
    await validator.close()
    engine.close()
    assert report.failed is not None
    assert (report.failed.name, "no time was left" in report.failed.reason) == ("sandbox", True)


async def test_a_caller_that_leaves_gives_its_place_back(engine):
    validator = Validator(engine, "n1", settings=TrialSettings(at_once=1))
    task = asyncio.create_task(judge(validator, tiny(init=SPIN), PATIENT))
    while not validator._tasks:  # noqa: ASYNC110  it tells nobody
        await asyncio.sleep(0.001)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (await judge(validator, wat("echo"))).passed
    await validator.close()


def test_the_batch_has_every_act_with_every_content():
    batch = CASES[-1].messages
    assert len(batch) == len(set(batch)) == 16


def test_every_outcome_has_a_word():
    assert [str(each) for each in StageOutcome] == ["passed", "failed", "skipped"]
