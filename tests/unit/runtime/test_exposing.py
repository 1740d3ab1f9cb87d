from __future__ import annotations

import re

import pytest
import wasmtime

from caxton_node.runtime.binary import CODE, EXPORT, SECTIONS_MAX, BrokenModule, Layout, sections
from caxton_node.runtime.engine import to_binary
from caxton_node.runtime.exposing import SLOTS_MAX, Exposed, GlobalSlot, expose
from caxton_node.runtime.opcodes import PREFIXED, SIMD_PREFIX
from caxton_node.runtime.profile import FEATURES, STRICT, Profile
from caxton_node.runtime.settings import EngineSettings, make_config
from tests.support.guests import RUST, rust, tiny, wat

pytestmark = pytest.mark.story("047")

BOTH = ("bulk-memory", "reference-types")
RELAXED = wasmtime.Engine(make_config(Profile(tuple(FEATURES)), EngineSettings()))


def exports(module: bytes) -> dict[str, object]:
    return {item.name: item.type for item in wasmtime.Module(RELAXED, module).exports}


def sections_but_exports(module: bytes) -> list[tuple[int, bytes]]:
    return [(it.kind, module[it.start : it.end]) for it in sections(module) if it.kind != EXPORT]


def code_at(module: bytes) -> int:
    return next(item.start for item in sections(module) if item.kind == CODE)


GLOBALS = to_binary("""(module
  (import "caxton" "log" (func (param i32 i32 i32)))
  (import "host" "constant" (global i32))
  (global (mut i32) (i32.const 1))
  (global i32 (global.get 0))
  (global (mut i64) (i64.const -1))
  (global (export "seen") (mut f32) (f32.const nan:0x200001))
  (global (mut f64) (f64.const 3))
  (func (export "go") (result i32) (global.get 1)))""")


def test_every_mutable_global_gets_a_name_and_no_other_does() -> None:
    exposed = expose(GLOBALS)
    assert exposed.whole
    assert exposed.globals == (
        GlobalSlot("caxton:g1", 1, "i32"),
        GlobalSlot("caxton:g3", 3, "i64"),
        GlobalSlot("caxton:g4", 4, "f32"),
        GlobalSlot("caxton:g5", 5, "f64"),
    )
    found = exports(exposed.binary)
    assert set(found) == {"go", "seen", *(slot.name for slot in exposed.globals)}
    for slot in exposed.globals:
        kind = found[slot.name]
        assert isinstance(kind, wasmtime.GlobalType)
        assert (str(kind.content), kind.mutable) == (slot.type, True)


@pytest.mark.parametrize("name", sorted(path.stem for path in RUST.glob("*.wasm")))
def test_nothing_but_the_exports_of_a_real_module_changes(name: str) -> None:
    binary = rust(name)
    for features in ((), BOTH):
        exposed = expose(binary, features)
        assert (exposed.whole, [slot.type for slot in exposed.globals]) == (True, ["i32"])
        assert sections_but_exports(exposed.binary) == sections_but_exports(binary)
        assert exposed.shift == code_at(exposed.binary) - code_at(binary) == 12
        assert Layout(exposed.binary).export_names() == Layout(binary).export_names()


def test_a_module_without_exports_gets_them_behind_its_globals() -> None:
    binary = to_binary("""(module (memory 1) (global (mut i32) (i32.const 0)) (func $f) (start $f)
                          (data (i32.const 0) "x"))""")
    exposed = expose(binary)
    assert set(exports(exposed.binary)) == {"caxton:g0"}
    assert sections_but_exports(exposed.binary) == sections_but_exports(binary)
    assert exposed.shift == len(exposed.binary) - len(binary)


def test_a_module_without_mutable_globals_stays_as_it_is() -> None:
    binary = to_binary("(module (global i32 (i32.const 0)) (memory 1))")
    assert expose(binary) == Exposed(binary)
    assert expose(binary).binary is binary


def test_names_that_are_taken_are_avoided() -> None:
    first = expose(GLOBALS)
    second = expose(first.binary)
    third = expose(second.binary)
    assert [slot.name for slot in third.globals] == ["caxton:2g1", "caxton:2g3", "caxton:2g4", "caxton:2g5"]
    assert len(exports(third.binary)) == 2 + 3 * 4


def test_a_module_that_takes_all_the_names_is_not_whole() -> None:
    taken = "".join(f'(export "caxton:{number or ""}g" (global 0))' for number in range(50))
    exposed = expose(to_binary(f"(module (global (mut i32) (i32.const 0)) {taken})"))
    assert (exposed.whole, exposed.globals) == (False, ())
    assert "names" in exposed.reason


def test_offsets_in_traps_move_by_the_shift() -> None:
    binary = to_binary("""(module (memory 1) (global (mut i32) (i32.const 0))
                          (func (export "go") (i32.store8 (i32.const 0) (i32.const 1)) unreachable))""")
    exposed = expose(binary)
    assert _trap_offset(exposed.binary) == _trap_offset(binary) + exposed.shift
    assert exposed.shift > 0


def _trap_offset(module: bytes) -> int:
    store = wasmtime.Store(RELAXED)
    store.set_fuel(1_000)
    store.set_epoch_deadline(1_000)
    go = wasmtime.Instance(store, wasmtime.Module(RELAXED, module), []).exports(store)["go"]
    assert isinstance(go, wasmtime.Func)
    with pytest.raises(wasmtime.Trap) as caught:
        go(store)
    found = re.search(r"0x([0-9a-f]+) - ", caught.value.message)
    assert found
    return int(found[1], 16)


TABLE = "(table 4 funcref) (elem $e func $f) (func $f)"
NOT_WHOLE = [
    ('(import "a" "b" (global (mut i32)))', "imports a mutable global"),
    ('(import "a" "b" (table 1 funcref))', "imports a table"),
    ('(import "a" "b" (memory 1))', "imports a memory"),
    ("(global (mut funcref) (ref.null func))", "global 0 holds a reference"),
    ("(global (mut externref) (ref.null extern))", "global 0 holds a reference"),
    ("(global (mut v128) (v128.const i64x2 1 2))", "global 0 holds a reference or a vector"),
    ("(memory 1) (memory 1)", "2 memories"),
    (f"{TABLE} (func (table.set (i32.const 0) (ref.null func)))", "function 1 uses table.set"),
    (f"{TABLE} (func (drop (table.grow (ref.null func) (i32.const 1))))", "function 1 uses table.grow"),
    (f"{TABLE} (func (table.fill (i32.const 0) (ref.null func) (i32.const 1)))", "uses table.fill"),
    (f"{TABLE} (func (table.copy (i32.const 0) (i32.const 1) (i32.const 1)))", "uses table.copy"),
    (f"{TABLE} (func (table.init $e (i32.const 0) (i32.const 0) (i32.const 1)))", "uses table.init"),
    (f"{TABLE} (func (elem.drop $e))", "uses elem.drop"),
    ('(memory 1) (data $d "x") (func (data.drop $d))', "uses data.drop"),
    (f'(import "a" "f" (func)) {TABLE} (func (elem.drop $e))', "function 2 uses elem.drop"),
    (f"{TABLE} (func (block (br_table 0 1 0 1 (i32.const 3))) (elem.drop $e))", "uses elem.drop"),
]


@pytest.mark.parametrize(("text", "reason"), NOT_WHOLE, ids=[reason for _, reason in NOT_WHOLE])
def test_a_module_with_other_state_is_not_whole_and_says_why(text: str, reason: str) -> None:
    binary = to_binary(f"(module {text})")
    exposed = expose(binary, BOTH)
    assert (exposed.binary, exposed.globals, exposed.whole) == (binary, (), False)
    assert reason in exposed.reason


HARMLESS = [
    '(memory 1) (data $d "x") (func (memory.init $d (i32.const 0) (i32.const 0) (i32.const 1)))',
    "(memory 1) (func (memory.copy (i32.const 0) (i32.const 0) (i32.const 1)))",
    "(memory 1) (func (memory.fill (i32.const 0) (i32.const 0) (i32.const 1)))",
    f"{TABLE} (func (drop (table.get (i32.const 0))))",
    f"{TABLE} (func (drop (table.size)))",
    f"{TABLE} (func (call_indirect (i32.const 0)))",
    "(func $f) (elem declare func $f) (func (drop (ref.is_null (ref.func $f))))",
    "(func (param funcref) (drop (select (result funcref) (local.get 0) (local.get 0) (i32.const 1))))",
    "(global funcref (ref.null func)) (func $f) (global funcref (ref.func $f))",
    "(global v128 (v128.const i64x2 0x260b0b0b 2))",
    "(global (mut i32) (i32.add (i32.const 0x0b) (i32.mul (i32.const -1) (i32.const 300))))",
    "(func (result i32 i64) (block (result i32 i64) (i32.const 1) (i64.const 2)))",
    "(func $f (return_call $f))",
    # The bytes of table.set (26) and data.drop (fc 09) where they are numbers, indices and labels.
    "(func (drop (i32.const 38)) (drop (i64.const 0x2626262626262626)) (drop (i32.const 1276)))",
    f"(func (local i32 f64 v128 {'i64 ' * 40}) (local.set 38 (local.get 39)))",
    "(func (drop (f32.const nan:0x262626)) (drop (f64.const nan:0x9fc2609fc2626)))",
    "(func (drop (v128.const i64x2 0x26fc0926fc09 0x26)))",
    f"(func {'(block ' * 40} (br_table {' '.join(map(str, range(40)))} (i32.const 0)) {')' * 40})",
    f"(func (block (br_table {'0 ' * 300} (i32.const 0))))",
    "(memory 1) (func (drop (i32.load offset=38 (i32.const 0))) (drop (i64.load offset=1276 (i32.const 0))))",
]


@pytest.mark.parametrize("text", HARMLESS)
def test_what_changes_no_table_and_drops_no_segment_does_not_count(text: str) -> None:
    exposed = expose(to_binary(f"(module {text})"), FEATURES)
    assert (exposed.whole, exposed.reason) == (True, "")


PLAIN = """
    i32.wrap_i64 i64.extend_i32_s i64.extend_i32_u f32.demote_f64 f64.promote_f32
    i32.reinterpret_f32 i64.reinterpret_f64 f32.reinterpret_i32 f64.reinterpret_i64 i32.extend8_s
    i32.extend16_s i64.extend8_s i64.extend16_s i64.extend32_s memory.size memory.grow nop drop
    select return i32.load i64.load f32.load f64.load i32.load8_s i32.load8_u i32.load16_s
    i32.load16_u i64.load8_s i64.load8_u i64.load16_s i64.load16_u i64.load32_s i64.load32_u
    i32.store i64.store f32.store f64.store i32.store8 i32.store16 i64.store8 i64.store16
    i64.store32
"""


def _numeric() -> list[str]:
    """Name the instructions that take nothing but operands, for the text parser to check."""
    compare = "eqz eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u"
    whole = "clz ctz popcnt add sub mul div_s div_u rem_s rem_u and or xor shl shr_s shr_u rotl rotr"
    real = "eq ne lt gt le ge abs neg ceil floor trunc nearest sqrt add sub mul div min max copysign"
    names = [f"{kind}.{name}" for kind in ("i32", "i64") for name in f"{compare} {whole}".split()]
    names += [f"{kind}.{name}" for kind in ("f32", "f64") for name in real.split()]
    names += [
        f"{a}.{b}_{c}_{s}"
        for a in ("i32", "i64")
        for b in ("trunc", "trunc_sat")
        for c in ("f32", "f64")
        for s in "su"
    ]
    names += [f"{a}.convert_{b}_{s}" for a in ("f32", "f64") for b in ("i32", "i64") for s in "su"]
    return names + PLAIN.split()


def _vector() -> list[str]:
    literal = {"v128.const": " i32x4 38 252 9 38", "i8x16.shuffle": " 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15"}
    names = [name for name in PREFIXED[SIMD_PREFIX] if name != "-"]
    assert len(names) > 250
    return [
        name + literal.get(name, " 1" if "lane" in name and "laneselect" not in name else "")
        for name in names
    ]


@pytest.mark.parametrize("written", [_numeric(), _vector()], ids=["numbers", "vectors"])
def test_every_instruction_of_the_specification_is_stepped_over(written: list[str]) -> None:
    body = "\n".join(f"unreachable {instruction} unreachable" for instruction in written)
    exposed = expose(
        to_binary(f"(module (memory 1) (func {body}) {TABLE} (func {body} (elem.drop $e)))"), FEATURES
    )
    assert exposed.reason == "its function 2 uses elem.drop"


def test_an_instruction_that_this_node_does_not_know_makes_a_module_not_whole() -> None:
    binary = bytearray(to_binary("(module (func (nop) (nop)))"))
    at = binary.rindex(b"\x01\x01")
    binary[at] = 0xFF
    exposed = expose(bytes(binary), BOTH)
    assert exposed.reason == f"its function 0 uses an unknown instruction at offset {at:#x}"


def test_code_is_not_read_when_the_profile_has_no_instruction_that_counts() -> None:
    binary = to_binary(f"(module {TABLE} (func (elem.drop $e)))")
    assert expose(binary, ("simd", "multi-value", "tail-call")).whole
    with pytest.raises(wasmtime.WasmtimeError):
        wasmtime.Module.validate(wasmtime.Engine(make_config(STRICT, EngineSettings())), binary)


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + _padded(len(content)) + content


def _padded(value: int) -> bytes:
    return bytes(
        [
            value & 0x7F | 0x80,
            value >> 7 & 0x7F | 0x80,
            value >> 14 & 0x7F | 0x80,
            value >> 21 & 0x7F | 0x80,
            value >> 28,
        ]
    )


HEAD = b"\0asm\x01\0\0\0"
ONE_GLOBAL = b"\x7f\x01\x41\x00\x0b"


def test_numbers_written_longer_than_needed_are_read() -> None:
    binary = (
        HEAD
        + section(6, _padded(1) + ONE_GLOBAL)
        + section(7, _padded(1) + _padded(1) + b"g\x03" + _padded(0))
    )
    wasmtime.Module.validate(RELAXED, binary)
    assert set(exports(expose(binary).binary)) == {"g", "caxton:g0"}


@pytest.mark.parametrize(
    ("count", "reason"), [(20_001, "20,001 globals"), (SLOTS_MAX + 1, "1,001 mutable globals")]
)
def test_more_globals_than_any_compiler_makes_are_not_looked_through(count: int, reason: str) -> None:
    binary = HEAD + section(6, _padded(count) + ONE_GLOBAL * count)
    wasmtime.Module.validate(RELAXED, binary)
    exposed = expose(binary)
    assert (exposed.whole, exposed.binary) == (False, binary)
    assert reason in exposed.reason
    assert len(expose(HEAD + section(6, _padded(SLOTS_MAX) + ONE_GLOBAL * SLOTS_MAX)).globals) == SLOTS_MAX


def test_more_imports_than_any_compiler_makes_are_not_looked_through() -> None:
    binary = (
        HEAD + section(1, b"\x01\x60\x00\x00") + section(2, _padded(20_001) + b"\x01a\x01b\x00\x00" * 20_001)
    )
    wasmtime.Module.validate(RELAXED, binary)
    assert "20,001 imports" in expose(binary).reason


def test_exports_that_leave_no_room_are_not_added_to() -> None:
    names = b"".join(b"\x05" + b"%05x" % number + b"\x03\x00" for number in range(1_000_000))
    binary = HEAD + section(6, b"\x01" + ONE_GLOBAL) + section(7, _padded(1_000_000) + names)
    assert "1,000,000 exports" in expose(binary).reason


def test_a_module_of_too_many_sections_is_refused_before_it_costs_anything() -> None:
    empty = b"\x00\x01\x00"
    assert expose(HEAD + empty * SECTIONS_MAX).whole
    for binary in (HEAD + empty * (SECTIONS_MAX + 1), HEAD + empty * 1_000_000):
        wasmtime.Module.validate(RELAXED, binary)
        with pytest.raises(BrokenModule, match="more than 10,000 sections"):
            expose(binary)


@pytest.mark.parametrize(
    ("binary", "match"),
    [
        (b"", "not a core module"),
        (b"\0asm\x0d\0\x01\0", "not a core module"),
        (HEAD + section(6, b"\x00") * 2, "two sections of the kind global"),
        (HEAD + b"\x06\xff\xff\xff\xff\x0f", "overrun"),
        (HEAD + b"\x06\xff\xff\xff\xff\xff\x0f", "too long"),
        (HEAD + section(2, b"\x01\xff\xff\xff\xff\x0f"), "overrun"),
        (HEAD + section(6, b"\xff\xff\xff\xff\x0f"), "items"),
        (HEAD + section(6, b"\x02" + ONE_GLOBAL), "ends"),
        (HEAD + section(10, b"\x01\x7f"), "overrun"),
        (HEAD + section(10, b"\x01\x06\xff\xff\xff\xff\x0f\x0b"), "overrun their function"),
        (HEAD + section(10, b"\x01\x04\x00\x0e\x7f\x0b"), "overrun their function"),
        (HEAD + section(10, b"\x01\x05\x00\x0e\x01\x80\x80"), "is not 2 items"),
    ],
)  # fmt: skip
def test_a_module_that_overruns_itself_is_broken(binary: bytes, match: str) -> None:
    with pytest.raises(BrokenModule, match=match):
        expose(binary, BOTH)


@pytest.mark.parametrize("cut", ["echo", "relay", "tiny"])
def test_a_module_cut_anywhere_is_broken_or_stays_invalid(cut: str) -> None:
    binary = to_binary(tiny(extra="(global (mut i64) (i64.const 7))") if cut == "tiny" else wat(cut))
    assert _stays_as_valid(binary)
    assert {_stays_as_valid(binary[:end]) for end in range(len(binary))} == {True, False}


def _stays_as_valid(binary: bytes) -> bool:
    """Return whether a module is valid, which exposing must not change."""
    try:
        exposed = expose(binary, BOTH)
    except BrokenModule:
        exposed = None
    before = _is_valid(binary)
    assert before == (exposed is not None and _is_valid(exposed.binary))
    return before


def _is_valid(binary: bytes) -> bool:
    try:
        wasmtime.Module.validate(RELAXED, binary)
    except wasmtime.WasmtimeError:
        return False
    return True
