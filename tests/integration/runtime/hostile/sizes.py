"""Modules that are large where nobody looks, cut short, or no modules at all."""

from __future__ import annotations

from caxton_node.agents.manifest import MODULE_BYTES_MAX
from caxton_node.runtime import to_binary
from tests.integration.runtime.hostile.building import (
    CODE,
    DATA,
    EXPORT,
    FUNCTION,
    IMPORT,
    MAGIC,
    MEMORY,
    NOTHING,
    TYPE,
    escape,
    number,
    one_function,
    section,
    vector,
)
from tests.integration.runtime.hostile.cases import Hostile, refused, trapped
from tests.support.guests import tiny, wat

_DEPTH = 5_000
_MANY = 20_000


def _imports(count: int, name: bytes) -> bytes:
    one = number(len(name)) + name + b"\x01f\0\0"
    return MAGIC + section(TYPE, vector(1, NOTHING)) + section(IMPORT, vector(count, one * count))


def _export_named(name: bytes) -> bytes:
    return _with_exports(vector(1, number(len(name)) + name + b"\0\0"))


def _exports(count: int) -> bytes:
    return _with_exports(vector(count, b"".join(b"\x05%05d\0\0" % number for number in range(count))))


def _with_exports(content: bytes) -> bytes:
    functions = section(FUNCTION, b"\x01\0")
    return one_function(b"").replace(functions, functions + section(EXPORT, content))


def _trap_in(name: str) -> str:
    named = f'(func $bad (@name "{escape(name.encode())}") unreachable)'
    return tiny(handle="(call $bad) (i32.const 0)", extra=named)


def _unfolding_name() -> str:
    """Return a name of C++ whose every part stands for two of the one before."""
    digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    parts = (f"S{high}{low}_" for high in ("", "1") for low in digits)
    return f"_Z1fI1pIiiE{''.join(f'S_I{part}{part}E' for part in parts)}Evv"


def _data_segments(count: int) -> bytes:
    empty = b"\0\x41\0\x0b\0"
    return MAGIC + section(MEMORY, b"\x01\0\x01") + section(DATA, vector(count, empty * count))


def _types(one: bytes, count: int) -> bytes:
    return MAGIC + section(TYPE, vector(count, one * count))


def _whole() -> bytes:
    return to_binary(wat("echo"))


def _nested() -> bytes:
    """Return an agent whose handle is so many blocks in one another; the text form cannot nest that deep."""
    code = b"\0" + b"\x02\x40" * _DEPTH + b"\0" + b"\x0b" * _DEPTH + b"\0\x0b"
    return _with_handle(number(len(code)) + code)


def _with_handle(body: bytes) -> bytes:
    """Return a small agent with this function, its size in front, as handle."""
    binary = to_binary(tiny(handle="unreachable"))
    plain = b"\x03\0\0\x0b"
    assert binary.count(plain) == 1
    return _replace_code(binary, plain, body)


def _replace_code(binary: bytes, old: bytes, new: bytes) -> bytes:
    """Swap one function body and set the size of the code section right."""
    at = binary.index(bytes([CODE]), binary.index(b"caxton_handle"))
    size, start = 0, at + 1
    for shift in range(0, 35, 7):
        size |= (binary[start] & 0x7F) << shift
        start += 1
        if binary[start - 1] < 0x80:
            break
    code = binary[start : start + size].replace(old, new)
    return binary[:at] + section(CODE, code) + binary[start + size :]


SIZES = [
    Hostile("nothing", "a module of no bytes", lambda: b"", refused("is empty", "INVALID_ARGUMENT")),
    Hostile(
        "one-byte-too-many",
        "a module of 50 MiB and a byte",
        lambda: MAGIC + bytes(MODULE_BYTES_MAX - 7),
        refused("at most", "INVALID_ARGUMENT"),
    ),
    Hostile(
        "zeros", "40 MiB of zeros behind the magic number", lambda: MAGIC + bytes(40 * 2**20), refused("")
    ),
    Hostile(
        "sections-without-end",
        "20,000 empty custom sections",
        lambda: _whole() + b"\0\x01\0" * _MANY,
        refused("more than 10,000 sections"),
    ),
    Hostile(
        "locals-50001",
        "more variables than a function may have",
        lambda: one_function(b"", b"\x01" + number(50_001) + b"\x7e"),
        refused("too many locals"),
    ),
    Hostile(
        "locals-4-billion",
        "variables that a counter of 32 bits cannot count",
        lambda: one_function(b"", b"\x02" + (number(2**32 - 1) + b"\x7e") * 2),
        refused("too many locals"),
    ),
    Hostile(
        "switch-100000",
        "a br_table of 100,000 arms",
        lambda: one_function(b"\x41\0\x0e" + number(100_000) + bytes(100_001)),
        refused("br_table"),
    ),
    Hostile(
        "types-1000001",
        "a type more than there may be",
        lambda: _types(NOTHING, 1_000_001),
        refused("1000001"),
    ),
    Hostile(
        "parameters-1001",
        "a function type of 1,001 parameters",
        lambda: _types(b"\x60" + number(1_001) + b"\x7f" * 1_001 + b"\0", 1),
        refused("params size is out of bounds"),
    ),
    Hostile(
        "imports-with-long-names",
        "2,000 imports whose names have 1,000 letters each",
        lambda: _imports(2_000, b"a" * 1_000),
        refused("imports aaa"),
    ),
    Hostile(
        "imports-100000",
        "100,000 imports, each of which the node would look at",
        lambda: _imports(100_000, b"m"),
        refused("100,000 imports"),
    ),
    Hostile(
        "exports-100000",
        "the same with exports",
        lambda: _exports(100_000),
        refused("100,000 exports"),
    ),
    Hostile(
        "export-with-endless-name",
        "an export whose name is 100,001 bytes long",
        lambda: _export_named(b"a" * 100_001),
        refused("string size"),
    ),
    Hostile(
        "data-100001",
        "a data segment more than there may be",
        lambda: _data_segments(100_001),
        refused("data segments count"),
    ),
    Hostile(
        "nested-blocks",
        "blocks nested 5,000 deep, for the stack of the compiler",
        _nested,
        trapped("unreachable"),
    ),
    Hostile(
        "long-name-in-a-backtrace",
        "a trap in a function whose name has 90,000 letters",
        lambda: tiny(
            handle=f"(call ${'a' * 90_000}) (i32.const 0)", extra=f"(func ${'a' * 90_000} unreachable)"
        ),
        trapped("unreachable"),
    ),
    Hostile(
        "poison-in-a-backtrace",
        "a trap in a function whose name clears the terminal",
        lambda: tiny(
            handle='(call $"\\1b[2J\\0d\\0alevel=error") (i32.const 0)',
            extra='(func $"\\1b[2J\\0d\\0alevel=error" unreachable)',
        ),
        trapped("unreachable"),
    ),
    Hostile(
        "frames-in-a-name",
        "a trap in a function whose name looks like 10,000 frames of a backtrace",
        lambda: _trap_in("a" + "\n    1:   0x10 - <unknown>!forged" * 10_000),
        trapped("unreachable"),
    ),
    Hostile(
        "unfolding-name-in-a-backtrace",
        "a trap in a function whose name stands for one of gigabytes",
        lambda: _trap_in(_unfolding_name()),
        trapped("unreachable"),
    ),
    Hostile(
        "poison-in-an-import",
        "an import whose name clears the terminal",
        lambda: _imports(1, b"\x1b[2J\r\n"),
        refused("the module imports"),
    ),
]

BROKEN = [
    Hostile(
        "half-a-module",
        "the first half of a good agent",
        lambda: _whole()[: len(_whole()) // 2],
        refused("broken"),
    ),
    Hostile("a-byte-short", "a good agent without its last byte", lambda: _whole()[:-1], refused("broken")),
    Hostile(
        "garbage",
        "a thousand bytes of noise behind the magic number",
        lambda: MAGIC + bytes(n * 151 % 251 for n in range(1000)),
        refused(""),
    ),
    Hostile("only-magic", "eight bytes and no more", lambda: MAGIC, refused("does not export memory")),
    Hostile("another-version", "version 2 of the format", lambda: b"\0asm\x02\0\0\0", refused("version")),
    Hostile("a-component", "a component", lambda: b"\0asm\x0d\0\x01\0", refused("this is a component")),
    Hostile(
        "a-program",
        "a program for Linux",
        lambda: b"\x7fELF\x02\x01\x01" + bytes(60),
        refused("not a WebAssembly module"),
    ),
    Hostile("broken-text", "text that is no module", lambda: "(module (func (bla", refused("does not parse")),
    Hostile(
        "nested-text", "text with 100,000 open parentheses", lambda: "(" * 100_000, refused("does not parse")
    ),
    Hostile(
        "section-of-4-gib",
        "a section that says it has 4 GiB",
        lambda: MAGIC + b"\x01\xff\xff\xff\xff\x0f",
        refused("broken"),
    ),
    Hostile(
        "endless-number",
        "a length whose bytes never end",
        lambda: MAGIC + b"\x01" + b"\xff" * 1000,
        refused("broken"),
    ),
    Hostile(
        "sections-out-of-order",
        "code before its types",
        lambda: MAGIC + section(CODE, b"\x01\x02\0\x0b") + section(TYPE, vector(1, NOTHING)),
        refused("not valid"),
    ),
    Hostile(
        "two-code-sections",
        "two sections of code",
        lambda: one_function(b"") + section(CODE, b"\x01\x02\0\x0b"),
        refused("not valid"),
    ),
    Hostile("untyped", "a stack that does not add up", lambda: one_function(b"\x6a"), refused("not valid")),
    Hostile(
        "jump-out-of-it-all",
        "a branch out of more blocks than there are",
        lambda: one_function(b"\x0c\x07"),
        refused("not valid"),
    ),
    Hostile(
        "calls-nobody",
        "a call of a function that is not there",
        lambda: one_function(b"\x10\xff\xff\x03"),
        refused("not valid"),
    ),
]
