"""Says why a module was refused in words that its author can use: feature, function, instruction.

wasmtime's own message names an offset and, inside code, sometimes a function. Its offset is the reliable
part, so the function is found by reading the module here.
"""

from __future__ import annotations

import re
from typing import NamedTuple

import wasmtime

from caxton_node.core.errors import InvalidModule
from caxton_node.core.shown import show
from caxton_node.runtime import opcodes
from caxton_node.runtime.binary import CODE, DATA, DATA_COUNT, TYPE, BrokenModule, Layout, Section

TEXT_CHARS_MAX = 500
_QUOTED = re.compile(r"`[^`]*`")
_OFFSET = re.compile(r"\s*\(at offset 0x([0-9a-f]+)\)\s*$")


class _Feature(NamedTuple):
    name: str
    words: tuple[str, ...]


# The first entry with a word in the message wins, so the narrower ones stand first.
_FEATURES = (
    _Feature("the component model", ("encoded as a component",)),
    _Feature("relaxed SIMD", ("relaxed simd",)),
    _Feature("SIMD", ("simd",)),
    _Feature("bulk memory", ("bulk memory", "bulk-memory")),
    _Feature("shared-everything threads", ("shared-everything",)),
    _Feature("threads", ("threads",)),
    _Feature("memory64", ("memory64", "64-bit")),
    _Feature("multiple memories", ("multiple memories", "multi-memory")),
    _Feature("tail calls", ("tail call",)),
    _Feature("exceptions", ("exception",)),
    _Feature("function references", ("function references", "function-references")),
    _Feature("GC", ("gc feature", "gc proposal", "gc support", "gc types")),
    _Feature(
        "reference types", ("reference types", "reference-types", "multiple tables", "zero byte expected")
    ),
    _Feature("multi-value", ("multi-value", "multiple values")),
    _Feature("wide arithmetic", ("wide arithmetic",)),
    _Feature("custom page sizes", ("custom page sizes", "custom-page-sizes")),
    _Feature("stack switching", ("stack switching", "stack-switching")),
)
_HINT = "build for MVP WebAssembly (clang -mcpu=mvp; Rust: see sdk/rust/README.md) or lower it with wasm-opt"


def explain(engine: wasmtime.Engine, binary: bytes, message: str) -> InvalidModule:
    """Return the error for a module that does not compile.

    Args:
        engine: The strict engine, to validate once more for the offset.
        binary: The module.
        message: What wasmtime said when compiling; the fallback when validation alone has no objection.
    """
    fault = _validate(engine, binary)
    if fault is None:
        return InvalidModule("the module does not compile", why=show(_last_line(message), TEXT_CHARS_MAX))
    text, offset = fault
    feature = _find_feature(text, binary, offset)
    try:
        where = _locate(engine, binary, offset)
    except BrokenModule as error:
        return InvalidModule("the module is broken", why=str(error))
    if feature is None:
        return InvalidModule("the module is not valid", why=f"{where}: {text}" if where else text)
    return InvalidModule(f"the module needs {feature}", why=where or text, hint=_HINT)


def _validate(engine: wasmtime.Engine, binary: bytes) -> tuple[str, int] | None:
    """Return what validation objects to and at which offset, or None."""
    try:
        wasmtime.Module.validate(engine, binary)
    except wasmtime.WasmtimeError as error:
        text = _last_line(str(error))
        found = _OFFSET.search(text)
        return show(_OFFSET.sub("", text), TEXT_CHARS_MAX), int(found[1], 16) if found else 0
    return None


def _last_line(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return re.sub(r"^\d+: ", "", lines[-1]) if lines else "no reason given"


def _find_feature(text: str, binary: bytes, offset: int) -> str | None:
    lowered = _QUOTED.sub("", text.lower())  # what is quoted is a name of the module's own
    name = next((item.name for item in _FEATURES if any(word in lowered for word in item.words)), None)
    is_vector = name == "SIMD" and binary[offset : offset + 1] == bytes([opcodes.SIMD_PREFIX])
    if is_vector and opcodes.secondary(binary, offset) >= opcodes.RELAXED_SIMD_FIRST:
        return "relaxed SIMD"
    return name


def _locate(engine: wasmtime.Engine, binary: bytes, offset: int) -> str:
    """Return "function 3 `mix` uses i8x16.add", or the section when no function is to blame."""
    layout = Layout(binary)
    section = layout.find_section(offset)
    if section is None:
        return ""
    if section.kind == CODE:
        return _in_function(layout, offset)
    if section.kind == TYPE:
        return _in_type(layout, offset)
    if section.kind in {DATA_COUNT, DATA}:
        return _behind_data(engine, layout, section)
    return f"its {section.name} section, offset {offset:#x}"


def _in_function(layout: Layout, offset: int) -> str:
    index = layout.find_function(offset)
    if index is None:
        return f"its code section, offset {offset:#x}"
    instruction = opcodes.name_at(layout.data, offset)
    doing = f"uses {instruction}" if instruction else f"at offset {offset:#x}"
    return f"{_call(layout, index)} {doing}"


def _in_type(layout: Layout, offset: int) -> str:
    type_index = layout.find_type(offset)
    user = None if type_index is None else layout.find_user(type_index)
    if user is None:
        return f"its type {type_index}"
    return f"{_call(layout, user)} has it in its signature (type {type_index})"


def _behind_data(engine: wasmtime.Engine, layout: Layout, section: Section) -> str:
    """Find the function for which passive data were written, by validating without the data.

    Both sections go, since validation looks at each before it looks at code.
    """
    rest, cut, length = layout.without_data()
    fault = _validate(engine, rest)
    if fault is None or fault[1] < cut:
        return f"its {section.name} section, offset {section.start:#x}"
    return _in_function(layout, fault[1] + length)


def _call(layout: Layout, index: int) -> str:
    name = layout.name_of(index)
    return f"function {index} `{show(name)}`" if name else f"function {index}"
