"""Whatever a module looks like, exposing its globals changes neither its validity nor what it exported."""

from __future__ import annotations

from dataclasses import dataclass
from struct import pack

import pytest
import wasmtime
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.runtime.binary import BrokenModule, Layout
from caxton_node.runtime.exposing import Exposed, expose
from caxton_node.runtime.profile import FEATURES, Profile
from caxton_node.runtime.settings import EngineSettings, make_config

pytestmark = pytest.mark.story("047")

HEAD = b"\0asm\x01\0\0\0"
ENGINE = wasmtime.Engine(make_config(Profile(tuple(FEATURES)), EngineSettings()))
TYPES = {0x7F: "i32", 0x7E: "i64", 0x7D: "f32", 0x7C: "f64"}


@dataclass(frozen=True)
class Made:
    """A module that was put together, and what exposing it must find."""

    binary: bytes
    mutable: list[tuple[int, str]]
    mutates: bool


def leb(value: int, width: int = 0) -> bytes:
    """Write a number, perhaps longer than needed, as linkers do to patch it later."""
    data = bytearray()
    while value > 0x7F or len(data) + 1 < width:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


widths = st.sampled_from([0, 0, 3, 5])


def vector(items: list[bytes], width: int) -> bytes:
    return leb(len(items), width) + b"".join(items)


def named(name: str) -> bytes:
    data = name.encode()
    return leb(len(data)) + data


names = st.one_of(
    st.text(max_size=6),
    st.builds("caxton:{}g{}".format, st.sampled_from(["", 1, 2]), st.integers(0, 6)),
)
customs = st.lists(st.tuples(names, st.binary(max_size=9)), max_size=2)
constants = {
    0x7F: st.binary(max_size=4).map(lambda data: b"\x41" + bytes(byte | 0x80 for byte in data) + b"\x00"),
    0x7E: st.integers(0, 63).map(lambda value: b"\x42" + leb(value) + b"\x42\x7f\x7c"),
    0x7D: st.integers(0, 2**32 - 1).map(lambda bits: b"\x43" + pack("<I", bits)),
    0x7C: st.integers(0, 2**64 - 1).map(lambda bits: b"\x44" + pack("<Q", bits)),
    0x70: st.just(b"\xd0\x70"),
}  # fmt: skip
# Instructions that leave the stack as it was; the second list changes a table or drops a segment.
harmless = st.sampled_from([
    b"\x01", b"\x41\x26\x1a", b"\x41\xfc\x09\x1a", b"\x44\x26\x26\x26\x26\xfc\x09\xfc\x09\x1a",
    b"\x02\x40\x0b", b"\x02\x40\x02\x40\x41\x01\x0e\x02\x00\x01\x00\x0b\x0b", b"\x3f\x00\x1a",
    b"\x41\x00\x28\x02\x26\x1a",
    b"\x41\x00\x41\x00\x41\x00\xfc\x0b\x00", b"\x41\x00\x25\x00\x1a", b"\xfc\x10\x00\x1a", b"\xd0\x70\x1a",
    b"\xfd\x0c" + b"\x26\xfc\x09\x0b" * 4 + b"\x1a", b"\x43\x00\x00\x80\x3f\xfc\x00\x1a",
])  # fmt: skip
mutating = st.sampled_from(
    [b"\x41\x00\xd0\x70\x26\x00", b"\xfc\x0d\x00", b"\xd0\x70\x41\x00\xfc\x0f\x00\x1a"]
)


@st.composite
def modules(draw: st.DrawFn) -> Made:
    """Build a valid module section by section, with custom sections anywhere."""
    imports = draw(st.lists(st.sampled_from(["function", *TYPES]), max_size=4))
    kinds = draw(st.lists(st.tuples(st.sampled_from([*TYPES, 0x70]), st.booleans()), max_size=8))
    kinds = [(kind, mutable and kind != 0x70) for kind, mutable in kinds]
    bodies = draw(st.lists(st.lists(harmless, max_size=12), min_size=1, max_size=4))
    mutates = draw(st.booleans())
    if mutates:
        draw(st.sampled_from(bodies)).append(draw(mutating))
    functions, first = imports.count("function"), len(imports) - imports.count("function")
    parts = [
        (1, [b"\x60\x00\x00"]),
        (2, [named(f"m{at}") + named("x") + (b"\x00\x00" if kind == "function" else bytes([3, int(kind), 0]))
             for at, kind in enumerate(imports)]),
        (3, [b"\x00"] * len(bodies)),
        (4, [b"\x70\x00\x04"]),
        (5, [b"\x01\x01\x02"]),
        (6, [draw(globals_of(kind, mutable)) for kind, mutable in kinds]),
        (7, draw(exports(functions + len(bodies), first + len(kinds)))),
        (8, b"\x00" if functions == 0 and draw(st.booleans()) else []),
        (9, [b"\x01\x00\x01\x00"]),
        (10, [draw(body(code)) for code in bodies]),
        (11, [b"\x00\x41\x00\x0b\x02\xfc\x09"]),
    ]  # fmt: skip
    binary = draw(assembled(parts))
    found = [(at, TYPES[kind]) for at, (kind, mutable) in enumerate(kinds, first) if mutable]
    return Made(binary, found, mutates)


@st.composite
def globals_of(draw: st.DrawFn, kind: int, mutable: bool) -> bytes:
    return bytes([kind, mutable]) + draw(constants[kind]) + b"\x0b"


@st.composite
def exports(draw: st.DrawFn, functions: int, globals_: int) -> list[bytes]:
    chosen = draw(
        st.lists(
            st.tuples(names, st.sampled_from([0, 2, 3]), st.integers(0, 20)),
            max_size=6,
            unique_by=lambda it: it[0],
        )
    )
    counts = {0: functions, 2: 1, 3: globals_}
    return [named(name) + bytes([kind]) + leb(at % counts[kind]) for name, kind, at in chosen if counts[kind]]


@st.composite
def body(draw: st.DrawFn, code: list[bytes]) -> bytes:
    groups = draw(st.lists(st.tuples(st.integers(0, 200), st.sampled_from([*TYPES, 0x70, 0x7B])), max_size=5))
    content = (
        vector([leb(count) + bytes([kind]) for count, kind in groups], draw(widths))
        + b"".join(code)
        + b"\x0b"
    )
    return leb(len(content), draw(widths)) + content


@st.composite
def assembled(draw: st.DrawFn, parts: list[tuple[int, list[bytes] | bytes]]) -> bytes:
    made = [HEAD]
    for kind, items in parts:
        made += [section(0, named(name) + data, 0) for name, data in draw(customs)]
        if items:
            content = items if isinstance(items, bytes) else vector(items, draw(widths))
            made.append(section(kind, content, draw(widths)))
    return b"".join(made)


def section(kind: int, content: bytes, width: int) -> bytes:
    return bytes([kind]) + leb(len(content), width) + content


def is_valid(binary: bytes) -> bool:
    try:
        wasmtime.Module.validate(ENGINE, binary)
    except wasmtime.WasmtimeError:
        return False
    return True


def export_types(binary: bytes) -> dict[str, str]:
    return {item.name: describe(item.type) for item in wasmtime.Module(ENGINE, binary).exports}


def describe(kind: object) -> str:
    if isinstance(kind, wasmtime.GlobalType):
        return f"{'mutable ' if kind.mutable else ''}{kind.content}"
    return type(kind).__name__


@given(modules())
@settings(deadline=None)
def test_an_exposed_module_is_valid_and_exports_its_mutable_globals_besides_all_it_did(made: Made) -> None:
    exposed = expose(made.binary)
    before, after = export_types(made.binary), export_types(exposed.binary)
    added = {slot.name: f"mutable {slot.type}" for slot in exposed.globals}
    assert exposed.whole
    assert after == before | added
    assert len(after) == len(before) + len(added)
    assert [(slot.index, slot.type) for slot in exposed.globals] == made.mutable
    assert exposed.shift == len(exposed.binary) - len(made.binary)
    assert Layout(exposed.binary).export_names() == Layout(made.binary).export_names()


@given(modules())
@settings(deadline=None)
def test_a_module_is_whole_exactly_when_no_instruction_changes_what_an_image_lacks(made: Made) -> None:
    exposed = expose(made.binary, FEATURES)
    assert exposed.whole is not made.mutates, exposed.reason
    assert exposed == expose(made.binary) or exposed == Exposed(
        made.binary, whole=False, reason=exposed.reason
    )


@given(modules(), st.data())
@settings(deadline=None)
def test_damage_of_any_kind_ends_in_an_answer_and_makes_no_module_valid(
    made: Made, data: st.DataObject
) -> None:
    broken = bytearray(made.binary)
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(8, len(broken) - 1))
        broken[at] = data.draw(st.integers(0, 255) | st.sampled_from([broken[at] ^ 1, broken[at] ^ 0x80]))
    damaged = bytes(broken[: data.draw(st.integers(8, len(broken)) | st.just(len(broken)))])
    for features in ((), FEATURES):
        try:
            exposed = expose(damaged, features)
        except BrokenModule:
            assert not is_valid(damaged)
        else:
            assert is_valid(exposed.binary) == is_valid(damaged)


@given(st.binary(max_size=300))
@settings(deadline=None)
def test_any_bytes_behind_the_magic_end_in_an_answer(data: bytes) -> None:
    for features in ((), FEATURES):
        try:
            exposed = expose(HEAD + data, features)
        except BrokenModule:
            continue
        assert exposed.whole or exposed.binary == HEAD + data
