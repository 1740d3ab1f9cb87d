from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from caxton_node.runtime import Engine
from tests.conformance.abi.__main__ import main
from tests.conformance.abi.checks import CHECKS
from tests.conformance.abi.subject import Subject
from tests.conformance.abi.suite import Verdict, draw, run
from tests.support.guests import rust, tiny, wat

_COUNT = """(local $at i32) (local.set $at (i32.const 1024))
  (loop $next {each}
    (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))
    (br_if $next (i32.lt_u (local.get $at) (i32.add (i32.const 1024) (local.get 0)))))
  {after} (i32.const 0)"""
_ONE_MORE = "(i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.const 1)))"
_LEAK = "(drop (memory.grow (i32.const 1)))"
_COUNTS = _COUNT.format(each=_ONE_MORE, after="")
_REFUSES = "(select (i32.const 0) (i32.const 1024) (i32.gt_u (local.get 0) (i32.const 900000)))"

EXAMPLES = {
    "echo": (wat("echo"), {}, b"hello"),
    "relay": (wat("relay"), {"next": "ring-1"}, b"hello"),
    "sink": (wat("relay"), {}, b"hello"),
    "contractor": (rust("contractor"), {"capability": "painting", "price": 42.5}, b'"price"'),
    "buyer, idle": (rust("buyer"), {}, b'"hello"'),
    "buyer, buying": (rust("buyer"), {}, b'{"task":"paint","capability":"painting"}'),
    "greeter": (rust("greeter"), {}, b'{"greeting":"hello","turn":1}'),
    "greeter, talking": (rust("greeter"), {}, b'{"talk_to":"echo","turns":3}'),
}

BROKEN = {
    "module": "(module)",
    "init": tiny(init="(i32.const 1)"),
    "init-any-config": tiny(
        init="(if (i32.lt_u (local.get 0) (i32.const 30)) (then unreachable)) (i32.const 0)"
    ),
    "control-block": tiny(extra='(data (i32.const 80) "\\01")'),
    "single": tiny(handle="(call $handled (i32.const 2)) (i32.const 0)"),
    "batch": tiny(handle="(call $handled (i32.const 1)) (i32.const 0)"),
    "forms": tiny(handle=_COUNTS, memory="2", inbox="(i32.const 40000)"),
    "garbage": tiny(
        handle=_COUNT.format(
            each=_ONE_MORE
            + "(if (i32.ne (i32.load8_u offset=4 (local.get $at)) (i32.const 0xdc)) (then unreachable))",
            after="",
        ),
        memory="16",
    ),
    "inbox-refusal": tiny(handle=_COUNTS, memory="16"),
    "inbox-reuse": tiny(handle=_COUNT.format(each=_ONE_MORE, after=_LEAK), memory="16", inbox=_REFUSES),
    "stopped": tiny(
        handle=_COUNT.format(each=_ONE_MORE, after="").replace(
            "(loop $next", "(i32.store (i32.const 68) (i32.const 1)) (loop $next"
        ),
        memory="16",
        inbox=_REFUSES,
    ),
}


@pytest.fixture(scope="module")
def engine() -> Iterator[Engine]:
    engine = Engine()
    yield engine
    engine.close()


@pytest.mark.story("001")
@pytest.mark.parametrize("name", EXAMPLES)
def test_every_example_agent_conforms(engine: Engine, name: str) -> None:
    data, config, request = EXAMPLES[name]
    findings = list(run(Subject(engine, data, config, request)))
    assert len(findings) == len(CHECKS)
    assert Verdict.FAILED not in {finding.verdict for finding in findings}, draw(findings)


@pytest.mark.story("001")
@pytest.mark.parametrize("check", BROKEN)
def test_a_guest_with_one_fault_fails_the_check_for_it(engine: Engine, check: str) -> None:
    findings = list(run(Subject(engine, BROKEN[check])))
    failed = {finding.check.name: finding.remark for finding in findings if finding.verdict is Verdict.FAILED}
    assert check in failed
    assert failed[check]


@pytest.mark.story("001")
def test_the_command_prints_a_table_and_fails_for_a_guest_that_does_not_conform(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = tmp_path / "good.wat", tmp_path / "bad.wasm"
    good.write_text(wat("echo"))
    bad.write_bytes(b"\0asm\x01\0\0\0")
    assert main([str(good)]) == 0
    assert "It conforms to ABI v1." in capsys.readouterr().out
    assert main([str(bad)]) == 1
    assert "does not export memory" in capsys.readouterr().out


@pytest.mark.story("001")
def test_the_readme_says_each_rule_as_it_is_checked() -> None:
    text = (Path(__file__).parent / "README.md").read_text()
    for check in CHECKS:
        assert f"| {check.name} | {check.rule} |" in text
