from __future__ import annotations

import subprocess
import sys

import pytest
import wasmtime

from caxton_node.core.errors import InvalidModule
from caxton_node.runtime import Engine, EngineSettings, opcodes, to_binary

_MEMORY = "(memory 1)"
_ZEROS = "i32.const 0 i32.const 0 i32.const 0"
_VECTOR = "v128.const i32x4 0 0 0 0"

REFUSED = [
    ("SIMD", f"(module (func) (func $mix (drop ({_VECTOR}))))", "function 1 `mix` uses v128.const"),
    ("SIMD", "(module (func $mix unreachable i8x16.add drop))", "function 0 `mix` uses i8x16.add"),
    ("SIMD", "(module (func $mix (param v128)))", "function 0 `mix` has it in its signature"),
    (
        "relaxed SIMD",
        "(module (func $mix unreachable i8x16.relaxed_swizzle drop))",
        "uses i8x16.relaxed_swizzle",
    ),
    ("bulk memory", f"(module {_MEMORY} (func $move {_ZEROS} memory.copy))", "`move` uses memory.copy"),
    ("bulk memory", f"(module {_MEMORY} (func $wipe {_ZEROS} memory.fill))", "`wipe` uses memory.fill"),
    (
        "bulk memory",
        f'(module {_MEMORY} (data $d "a") (func) (func $load {_ZEROS} memory.init $d))',
        "function 1 `load` uses memory.init",
    ),
    ("bulk memory", f'(module {_MEMORY} (data $d "a") (func $drop data.drop $d))', "`drop` uses data.drop"),
    ("reference types", "(module (func $point (drop (ref.null func))))", "`point` uses ref.null"),
    ("reference types", "(module (table 1 externref))", "its table section"),
    ("reference types", "(module (table 1 funcref) (table 1 funcref))", "its table section"),
    ("reference types", "(module (func $take (param externref)))", "`take` has it in its signature"),
    ("threads", "(module (memory 1 1 shared))", "its memory section"),
    (
        "threads",
        f"(module {_MEMORY} (func $add {_ZEROS} i32.atomic.rmw.add drop))",
        "uses i32.atomic.rmw.add",
    ),
    ("threads", "(module (func $sync atomic.fence))", "`sync` uses atomic.fence"),
    ("memory64", "(module (memory i64 1))", "its memory section"),
    ("multiple memories", "(module (memory 1) (memory 1))", "its memory section"),
    ("tail calls", "(module (func $again return_call $again))", "`again` uses return_call"),
    ("exceptions", "(module (tag $t) (func $fail throw $t))", "its tag section"),
    ("GC", "(module (type $s (struct)) (func $make (drop (struct.new $s))))", "its type 0"),
    ("multi-value", "(module (func $two (result i32 i32) i32.const 1 i32.const 2))", "`two` has it"),
    (
        "multi-value",
        "(module (func $two i32.const 1 i32.const 2 (block (param i32 i32) drop drop)))",
        "function 0 `two`",
    ),
    (
        "wide arithmetic",
        "(module (func $wide unreachable i64.add128 drop drop))",
        "function 0 `wide` uses i64.add128",
    ),
    ("custom page sizes", "(module (memory 1 (pagesize 1)))", "its memory section"),
]


@pytest.mark.story("001")
@pytest.mark.parametrize(("feature", "text", "words"), REFUSED)
def test_a_refused_module_says_which_feature_and_where(
    engine: Engine, feature: str, text: str, words: str
) -> None:
    with pytest.raises(InvalidModule) as caught:
        engine.compile(text)
    assert caught.value.what == f"the module needs {feature}"
    assert words in caught.value.why
    assert "mvp" in caught.value.hint


@pytest.mark.story("001")
def test_a_function_without_a_name_is_called_by_its_export_and_counted_with_imports(engine: Engine) -> None:
    text = f"""(module (import "caxton" "now_ns" (func (result i64))) {_MEMORY} (func)
      (func (export "wipe") {_ZEROS} memory.fill))"""
    stripped = to_binary(text)
    with pytest.raises(InvalidModule, match=r"function 2 `wipe` uses memory\.fill"):
        engine.compile(stripped)


@pytest.mark.story("001")
def test_what_always_is_on_is_accepted(engine: Engine) -> None:
    text = """(module (global (export "g") (mut i32) (i32.const 0)) (func (param f32 i32)
      (drop (i32.trunc_sat_f32_s (local.get 0))) (drop (i32.extend8_s (local.get 1)))))"""
    with pytest.raises(InvalidModule, match="does not export"):
        engine.compile(text)


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "not a WebAssembly module"),
        (b"#!/bin/sh\n", "starts with b'#!/bin/s'"),
        (b"\x7fELF\x02\x01", "not a WebAssembly module"),
        ("(module (func bla))", "line 1:15"),
        ("(module", "does not parse"),
        (b"\0asm\x0d\x00\x01\x00", "component"),
        (b"\0asm", "unexpected end"),
        (b"\0asm\x02\x00\x00\x00", "version"),
        (b"\0asm\x01\x00\x00\x00\x07\x08", "broken"),
        (b"\0asm\x01\x00\x00\x00\x0a\xff\xff\xff\xff\xff\xff", "broken"),
        ("(module (func $f (result i32) (i64.const 0)))", "function 0 `f` at offset"),
    ],
)
def test_what_is_no_module_is_refused_with_a_reason(engine: Engine, data: bytes | str, words: str) -> None:
    with pytest.raises(InvalidModule) as caught:
        engine.compile(data)
    assert words in str(caught.value)


@pytest.mark.story("001")
def test_any_damage_to_a_module_is_an_invalid_module_or_harmless(engine: Engine) -> None:
    text = '(module (memory 1) (data "a") (func $f (param v128)) (func (export "x") atomic.fence))'
    whole = to_binary(text)
    for at in range(8, len(whole)):
        for byte in (0x00, 0x7F, 0x80, 0xFF):
            with pytest.raises(InvalidModule):
                engine.compile(whole[:at] + bytes([byte]) + whole[at + 1 :])
        with pytest.raises(InvalidModule):
            engine.compile(whole[:at])


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            '(module (import "env" "a" (func)) (import "wasi_snapshot_preview1" "path_open" (func)))',
            "imports env.a, wasi_snapshot_preview1.path_open",
        ),
        ('(module (import "env" "memory" (memory 1)))', "imports env.memory"),
        ('(module (import "caxton" "log" (func (param i32))))', "caxton.log has type (i32) -> ()"),
        ('(module (import "caxton" "now_ns" (global i64)))', "caxton.now_ns has type other than a function"),
        ("(module)", "memory, caxton_abi_v1, caxton_inbox, caxton_init, caxton_handle"),
    ],
)
def test_imports_and_exports_that_do_not_fit_are_named(engine: Engine, text: str, words: str) -> None:
    with pytest.raises(InvalidModule) as caught:
        engine.compile(text)
    assert words in caught.value.what


@pytest.mark.story("001")
@pytest.mark.parametrize(
    "export",
    [
        '(func (export "caxton_handle") (param i64) (result i32) (i32.const 0))',
        '(func (export "caxton_handle") (param i32))',
        '(func (export "caxton_handle") (param i32 i32) (result i32) (i32.const 0))',
        '(global (export "caxton_handle") i32 (i32.const 0))',
    ],
)
def test_an_export_of_another_type_is_refused_before_it_can_be_called(engine: Engine, export: str) -> None:
    text = f"""(module (memory (export "memory") 1) {export}
      (func (export "caxton_abi_v1") (result i32) (i32.const 64))
      (func (export "caxton_inbox") (param i32) (result i32) (i32.const 0))
      (func (export "caxton_init") (param i32) (result i32) (i32.const 0)))"""
    with pytest.raises(
        InvalidModule, match=r"export caxton_handle has type .*ABI v1 says \(i32\) -> \(i32\)"
    ):
        engine.compile(text)


@pytest.mark.story("001")
def test_a_module_over_the_size_limit_is_refused() -> None:
    engine = Engine(EngineSettings(module_bytes_max=100))
    with pytest.raises(InvalidModule, match="at most 100"):
        engine.compile(b"\0asm\x01\x00\x00\x00" + bytes(100))
    engine.close()


@pytest.mark.story("001")
def test_the_strict_engine_does_not_abort_its_process() -> None:
    code = """
import wasmtime
from caxton_node.runtime.engine import Engine
Engine().close()
from caxton_node.runtime import native
half = native.strict_config()
print("strict")
"""
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "strict\n"), done.stderr


@pytest.mark.story("001")
def test_names_of_instructions_are_those_of_the_text_format() -> None:
    checked = 0
    for prefix, names in opcodes.PREFIXED.items():
        for number, name in enumerate(names):
            if name == "-" or prefix == 0xFB:
                continue
            encoded = (
                bytes([prefix, number & 0x7F | 0x80, number >> 7])
                if number > 0x7F
                else bytes([prefix, number])
            )
            for operands in ("", " 0", " i32x4 0 0 0 0", " 0" * 16):
                try:
                    text = (
                        f'(module (memory 1) (table 1 funcref) (data "") (elem func) (func {name}{operands}))'
                    )
                    binary = bytes(wasmtime.wat2wasm(text))
                except wasmtime.WasmtimeError:
                    continue
                assert encoded in binary, name
                assert opcodes.name_at(encoded, 0) == name
                checked += 1
                break
    assert checked > 330
