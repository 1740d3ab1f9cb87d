"""Names of functions: hidden from the engine, told by the node."""

from __future__ import annotations

import pytest
import wasmtime

from caxton_node.runtime import Engine, TrapKind
from caxton_node.runtime.binary import NAMES_MAX, BrokenModule, sections
from caxton_node.runtime.function_names import hide_names, read_names, unmangle
from tests.integration.runtime.hostile.building import number, section
from tests.support.guests import request, start, tiny

pytestmark = pytest.mark.story("016")


def with_names(*names: bytes, count: int | None = None) -> bytes:
    """Return a module of one function with a section of names."""
    listed = b"".join(number(index) + number(len(name)) + name for index, name in enumerate(names))
    body = number(len(names) if count is None else count) + listed
    return wasmtime.wat2wasm('(module (func (export "e")))') + section(
        0, b"\x04name" + b"\x01" + number(len(body)) + body
    )


def traps_in(name: str) -> str:
    """Return a guest that traps in a function of this name."""
    spelled = "".join(f"\\{byte:02x}" for byte in name.encode())
    return tiny(handle="(call $bad) (i32.const 0)", extra=f'(func $bad (@name "{spelled}") unreachable)')


# -- hiding -------------------------------------------------------------------------------------------------


def test_nothing_moves_and_only_the_name_of_the_section_changes():
    binary = with_names(b"first")
    hidden = hide_names(binary)
    assert len(hidden) == len(binary)
    assert list(sections(hidden)) == list(sections(binary))
    assert hidden == binary.replace(b"\x04name", b"\x04nome")
    wasmtime.Module.validate(wasmtime.Engine(), hidden)


def test_every_section_of_names_is_hidden_wherever_it_stands():
    names = section(0, b"\x04name")
    binary = wasmtime.wat2wasm("(module)") + names + section(0, b"\x05other") + names
    assert hide_names(binary).count(b"name") == 0
    assert b"other" in hide_names(binary)


def test_a_module_without_names_is_the_same_module():
    binary = wasmtime.wat2wasm('(module (func (export "name")))')
    assert hide_names(binary) is binary


def test_a_section_that_overruns_is_for_the_engine_to_refuse():
    with pytest.raises(BrokenModule):
        hide_names(b"\0asm\x01\0\0\0" + section(0, b"\x40name"))


# -- reading ------------------------------------------------------------------------------------------------


def test_a_name_comes_before_that_of_an_export():
    assert read_names(with_names(b"first")) == {0: "first"}
    assert read_names(with_names(b"")) == {}
    assert read_names(wasmtime.wat2wasm('(module (func (export "e")))')) == {0: "e"}


def test_names_are_made_fit_to_be_shown():
    assert read_names(with_names(b"a\x1b[2J\n" + b"x" * 1000))[0] == "a\\x1b[2J\\n" + "x" * 70 + "..."


def test_more_names_than_any_module_has_are_not_read():
    assert len(read_names(with_names(*[b"n"] * (NAMES_MAX + 5)))) == NAMES_MAX


def test_a_section_of_names_that_lies_hides_no_export():
    assert read_names(with_names(b"first", count=9)) == {0: "e"}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("_ZN4core3fmt5write17h0123456789abcdefE", "core::fmt::write"),
        (
            "_ZN49_$LT$alloc..vec..Vec$LT$T$GT$$u20$as$u20$Drop$GT$4drop17h0123456789abcdefE",
            "<alloc::vec::Vec<T> as Drop>::drop",
        ),
        ("_ZN3foo3barEv", "_ZN3foo3barEv"),
        ("_ZN3foo3barE", "_ZN3foo3barE"),
        ("_ZN17h0123456789abcdefE", "_ZN17h0123456789abcdefE"),
        ("_ZN99foo17h0123456789abcdefE", "_ZN99foo17h0123456789abcdefE"),
        ("_ZN1f1pS_IS0_S0_E", "_ZN1f1pS_IS0_S0_E"),
        ("_RNvCs1234_7mycrate3foo", "_RNvCs1234_7mycrate3foo"),
        ("caxton_handle", "caxton_handle"),
        ("", ""),
    ],
)
def test_plain_paths_of_rust_are_written_as_people_write_them(name, shown):
    assert unmangle(name) == shown


# -- what a trap tells --------------------------------------------------------------------------------------


def frames(engine: Engine, name: str) -> tuple[str, ...]:
    sandbox, _ = start(engine, traps_in(name))
    trap = sandbox.handle([request("x")]).trap
    assert trap is not None
    assert trap.kind is TrapKind.UNREACHABLE
    return tuple(frame.partition(" at 0x")[0] for frame in trap.backtrace)


def test_a_trap_names_the_functions_that_it_went_through(engine: Engine):
    assert frames(engine, "price::find") == ("price::find", "caxton_handle")
    assert frames(engine, "_ZN5price4find17h0123456789abcdefE") == ("price::find", "caxton_handle")


def test_a_name_with_line_breaks_forges_no_frame(engine: Engine):
    forged = "a" + "".join(f"\n    {number}:   0x10 - <unknown>!forged" for number in range(1000))
    found = frames(engine, forged)
    assert len(found) == 2
    assert found[0].startswith("a\\n")


def unfolding(parts: int) -> str:
    """Return a name of C++ whose every part stands for two of the one before."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    return f"_Z1fI1pIiiE{''.join(f'S_IS{digits[at]}_S{digits[at]}_E' for at in range(parts))}Evv"


def text_of_trap(binary: bytes) -> str:
    """Return what wasmtime says of a trap in the first function, as it comes."""
    engine = wasmtime.Engine()
    store = wasmtime.Store(engine)
    instance = wasmtime.Instance(store, wasmtime.Module(engine, binary), [])
    call = instance.exports(store)["e"]
    assert isinstance(call, wasmtime.Func)
    with pytest.raises(wasmtime.Trap) as caught:
        call(store)
    return caught.value.message


def test_a_name_that_would_unfold_without_bound_stays_as_it_is(engine: Engine):
    (name, _) = frames(engine, unfolding(36))
    assert name == f"{unfolding(36)[:80]}..."


def test_the_engine_unfolds_names_that_it_finds_and_finds_none_that_are_hidden():
    binary = wasmtime.wat2wasm(f'(module (func $f (@name "{unfolding(20)}") (export "e") unreachable))')
    assert len(text_of_trap(binary)) > 20_000
    assert len(text_of_trap(hide_names(binary))) < 300
