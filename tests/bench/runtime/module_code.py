"""A module of any size that costs a compiler what compiled programs cost it.

Functions are made of what compilers emit for ordinary code: arithmetic on locals, loads and stores with
offsets, comparisons, branches, counted loops, switches, direct calls, some 64-bit integers. The same seed
gives the same bytes. Nothing of it is ever called: the exports of ABI v1 are functions of their own.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

VOID, I32, I64 = 0x40, 0x7F, 0x7E
PARAMS, INTS, LONGS = 2, 6, 2
"""Locals of each function: two parameters, then i32, then i64."""
_BINARY = (0x6A, 0x6A, 0x6A, 0x6B, 0x6C, 0x71, 0x72, 0x73, 0x74, 0x75, 0x76)
_COMPARE = (0x46, 0x47, 0x48, 0x49, 0x4A, 0x4B, 0x4D, 0x4F)
_LOADS = ((0x28, 2), (0x28, 2), (0x28, 2), (0x2D, 0), (0x2F, 1))
_STORES = ((0x36, 2), (0x36, 2), (0x3A, 0), (0x3B, 1))
_BLOCK_AT, _INBOX_AT = 64, 1024


def leb(number: int) -> bytes:
    """Write an unsigned LEB128."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def sleb(number: int) -> bytes:
    """Write a signed LEB128."""
    out = bytearray()
    while not -64 <= number < 64:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number & 0x7F)
    return bytes(out)


class _Function:
    """Writes one body; `index` is its own, so that it calls only functions before it."""

    def __init__(self, rng: random.Random, index: int, first: int) -> None:
        self._rng = rng
        self._callees = range(first, index)

    def body(self) -> bytes:
        """Return the body with its locals and its size in front."""
        statements = b"".join(self._statement(0) for _ in range(self._rng.randint(2, 6)))
        code = b"\x02" + leb(INTS) + bytes([I32]) + leb(LONGS) + bytes([I64])
        code += statements + self._value(0) + b"\x0b"
        return leb(len(code)) + code

    def _statement(self, depth: int) -> bytes:
        kinds = ("set", "set", "set", "store", "store", "long", "if", "loop", "call", "switch")
        kind = self._rng.choice(kinds[:6] if depth > 2 else kinds)
        return bytes(getattr(self, f"_{kind}")(depth))

    def _block(self, depth: int) -> bytes:
        return b"".join(self._statement(depth + 1) for _ in range(self._rng.randint(1, 4)))

    def _set(self, depth: int) -> bytes:
        return self._value(depth) + b"\x21" + leb(self._int())

    def _store(self, depth: int) -> bytes:
        opcode, align = self._rng.choice(_STORES)
        return self._place() + self._value(depth + 1) + bytes([opcode, align]) + leb(self._offset())

    def _long(self, depth: int) -> bytes:
        local = leb(PARAMS + INTS + self._rng.randrange(LONGS))
        wide = self._value(depth + 2) + b"\xad"  # i64.extend_i32_u
        return b"\x20" + local + wide + bytes([self._rng.choice((0x7C, 0x7D, 0x7E, 0x85))]) + b"\x21" + local

    def _if(self, depth: int) -> bytes:
        otherwise = b"\x05" + self._block(depth) if self._rng.random() < 0.4 else b""
        return self._condition(depth) + bytes([0x04, VOID]) + self._block(depth) + otherwise + b"\x0b"

    def _loop(self, depth: int) -> bytes:
        counter = leb(self._int())
        step = b"\x20" + counter + b"\x41" + sleb(1) + b"\x6a\x22" + counter
        again = step + b"\x41" + sleb(self._rng.randint(2, 500)) + b"\x49\x0d\x00"
        return bytes([0x03, VOID]) + self._block(depth) + again + b"\x0b"

    def _call(self, depth: int) -> bytes:
        if not self._callees:
            return self._set(depth)
        return self._invoke(depth) + b"\x21" + leb(self._int())

    def _switch(self, depth: int) -> bytes:
        cases = self._rng.randint(2, 5)
        table = b"\x0e" + leb(cases) + b"".join(map(leb, range(cases))) + leb(cases)
        arms = b"".join(self._block(depth) + b"\x0b" for _ in range(cases))
        opening = bytes([0x02, VOID]) * (cases + 1)
        return opening + self._value(depth + 2) + table + b"\x0b" + arms

    def _condition(self, depth: int) -> bytes:
        return self._value(depth + 1) + self._value(depth + 2) + bytes([self._rng.choice(_COMPARE)])

    def _value(self, depth: int) -> bytes:
        """Return an expression that leaves one i32."""
        kinds = ("local", "local", "const", "binary", "binary", "load", "load", "select", "invoke", "wrap")
        kind = self._rng.choice(kinds[:3] if depth > 3 else kinds)
        if kind == "local":
            return b"\x20" + leb(self._int())
        if kind == "const":
            return b"\x41" + sleb(self._rng.choice((0, 1, 4, 8, 255, -1, self._rng.randint(-70_000, 70_000))))
        if kind == "binary":
            return self._value(depth + 1) + self._value(depth + 1) + bytes([self._rng.choice(_BINARY)])
        if kind == "load":
            opcode, align = self._rng.choice(_LOADS)
            return self._place() + bytes([opcode, align]) + leb(self._offset())
        if kind == "select":
            return self._value(depth + 2) + self._value(depth + 2) + self._condition(depth + 1) + b"\x1b"
        if kind == "wrap":
            return b"\x20" + leb(PARAMS + INTS + self._rng.randrange(LONGS)) + b"\xa7"
        return self._invoke(depth) if self._callees else self._value(depth + 1)

    def _invoke(self, depth: int) -> bytes:
        callee = self._rng.choice(self._callees[-300:])
        return self._value(depth + 2) + self._value(depth + 2) + b"\x10" + leb(callee)

    def _place(self) -> bytes:
        return b"\x20" + leb(self._int())

    def _offset(self) -> int:
        return 4 * self._rng.randint(0, 40)

    def _int(self) -> int:
        return self._rng.randrange(PARAMS + INTS)


def section(number: int, content: bytes) -> bytes:
    """Write one section."""
    return bytes([number]) + leb(len(content)) + content


def _vector(items: Sequence[bytes]) -> bytes:
    return leb(len(items)) + b"".join(items)


def _name(text: str) -> bytes:
    return leb(len(text)) + text.encode()


def build(seed: int, code_bytes: int, data_bytes: int = 0) -> bytes:
    """Return an agent that does nothing and carries so much code and data.

    Args:
        seed: Makes the functions.
        code_bytes: Size of the code section, reached within one function.
        data_bytes: Size of a data segment beside it.
    """
    rng = random.Random(seed)
    abi = {"caxton_abi_v1": (0, _BLOCK_AT), "caxton_inbox": (1, _INBOX_AT), "caxton_init": (1, 0)}
    abi["caxton_handle"] = (1, 0)
    bodies = []
    for _, value in abi.values():
        code = b"\x00\x41" + sleb(value) + b"\x0b"
        bodies.append(leb(len(code)) + code)
    types, size = [kind for kind, _ in abi.values()], 0
    while size < code_bytes:
        bodies.append(_Function(rng, len(bodies), len(abi)).body())
        types.append(2)
        size += len(bodies[-1])
    signatures = [b"\x60\x00\x01\x7f", b"\x60\x01\x7f\x01\x7f", b"\x60\x02\x7f\x7f\x01\x7f"]
    exports = [_name("memory") + b"\x02\x00"]
    exports += [_name(name) + b"\x00" + leb(index) for index, name in enumerate(abi)]
    pages = 2 + data_bytes // 65_536
    data = [_segment(_BLOCK_AT, b"\x01\x00\x00\x00")]
    if data_bytes:
        data.append(_segment(65_536, rng.randbytes(data_bytes)))
    return b"\0asm\x01\0\0\0" + b"".join(
        [
            section(1, _vector(signatures)),
            section(3, _vector([leb(kind) for kind in types])),
            section(5, _vector([b"\x00" + leb(pages)])),
            section(7, _vector(exports)),
            section(10, _vector(bodies)),
            section(11, _vector(data)),
        ]
    )


def mark(module: bytes, number: int) -> bytes:
    """Return the same module with another digest, so that no cache has seen it."""
    return module + section(0, _name("bench") + leb(number))


def _segment(offset: int, data: bytes) -> bytes:
    return b"\x00\x41" + sleb(offset) + b"\x0b" + leb(len(data)) + data
