"""Changes a WebAssembly module section by section, so that most variants are looked at deeply.

Blind bytes nearly always break a length near the beginning and all end in the same place. Here a module is
taken apart without trust (what cannot be taken apart stays one piece), one thing is changed, and lengths are
written anew, except where the change is to make them lie. It shares no code with `runtime/binary.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from random import Random

from tests.fuzz.havoc import Blind

HEAD = b"\0asm\1\0\0\0"
CODE, CUSTOM = 10, 0
# One of each kind that validation looks at in its own way; those of refused features above all.
_INSTRUCTIONS = """
    00 01 1a 0b 0f 05 0240 0340 0440 0c00 0d00 0e0000 1000 110000 1200 130000 1400 1500 1c017f 0640
    0700 0800 0900 0a 1800 19 1f4000 2000 2100 2200 2300 2400 2500 2600 280200 360200 3f00 4000 4100
    41ffffffff07 4200 4300000000 440000000000000000 45 6a 6d a7 c0 d070 d06f d1 d200 d3 d4 fb0000
    fb1c fc00 fc0800 fc0900 fc0a0000 fc0b00 fc0c0000 fc0d00 fc0e0000 fc0f00 fc1000 fc1100 fc13
    fd0c00000000000000000000000000000000 fd6e fd8002 fd9302 fdff01 fe0300 fe100200 fe1e0200 fe480200
    ff00 0202 0205
"""
INSTRUCTIONS = tuple(map(bytes.fromhex, _INSTRUCTIONS.split()))
ODD = (0, 1, 2, 0x7F, 0x80, 1_000, 0xFFFF, 100_001, 1_000_000, 1_000_001, 0x7FFFFFFF, 0xFFFFFFFF, 2**35 - 1)


@dataclass
class Part:
    """A section, or bytes that are none (kind -1)."""

    kind: int
    content: bytes

    def render(self) -> bytes:
        """Write it with its true length."""
        return self.content if self.kind < 0 else bytes([self.kind]) + leb(len(self.content)) + self.content


def leb(value: int, width: int = 1) -> bytes:
    """Write an unsigned LEB128 number, padded to at least so many bytes."""
    data = bytearray()
    while value > 0x7F or len(data) + 1 < width:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*data, value])


def read_leb(data: bytes, at: int) -> tuple[int, int]:
    """Return a number and where it ends; a number that is none is 0 and ends where it begins."""
    value = 0
    for index, byte in enumerate(data[at : at + 5]):
        value |= (byte & 0x7F) << 7 * index
        if byte < 0x80:
            return value, at + index + 1
    return 0, at


def take_apart(module: bytes) -> list[Part]:
    """Cut a module into sections, as far as that goes."""
    parts, at = [], len(HEAD)
    while at < len(module):
        size, start = read_leb(module, at + 1)
        if start == at + 1 or start + size > len(module):
            parts.append(Part(-1, module[at:]))
            break
        parts.append(Part(module[at], module[start : start + size]))
        at = start + size
    return parts


def put_together(parts: Sequence[Part]) -> bytes:
    """Write a module."""
    return HEAD + b"".join(part.render() for part in parts)


@dataclass
class Surgeon:
    """One operation.

    Attributes:
        rng: Chooses.
        blind: Changes bytes.
        size_max: Most bytes of the result.
        pool: Modules to graft from.
    """

    rng: Random
    blind: Blind
    size_max: int
    pool: Sequence[bytes]

    def operate(self, module: bytes) -> bytes:
        """Return a variant of a module, or of anything else."""
        parts = take_apart(module) or [Part(CUSTOM, b"\x01a")]
        operation: Callable[[list[Part]], None] = self.rng.choice(
            (self._edit, self._edit, self._edit, self._insert, self._insert, self._count, self._graft,
             self._graft, self._move, self._drop, self._double, self._lie, self._custom, self._number)
        )  # fmt: skip
        operation(parts)
        return put_together(parts)[: self.size_max]

    def _at(self, parts: list[Part]) -> int:
        return self.rng.randrange(len(parts))

    def _edit(self, parts: list[Part]) -> None:
        part = parts[self._at(parts)]
        part.content = self.blind(part.content, max(len(part.content) + 64, 64))

    def _insert(self, parts: list[Part]) -> None:
        """Put an instruction into some function, and keep the lengths right."""
        code = next((part for part in parts if part.kind == CODE), None)
        if code is None:
            return
        count, at = read_leb(code.content, 0)
        bodies = []
        while at < len(code.content) and len(bodies) < count:
            size, start = read_leb(code.content, at)
            if start == at:  # the rest cannot be taken apart
                break
            bodies.append(code.content[start : start + size])
            at = start + size
        if not bodies:
            return
        chosen = self.rng.randrange(len(bodies))
        body, place = bodies[chosen], self.rng.randint(0, max(len(bodies[chosen]) - 1, 0))
        bodies[chosen] = body[:place] + self.rng.choice(INSTRUCTIONS) + body[place:]
        code.content = leb(count) + b"".join(leb(len(body)) + body for body in bodies)

    def _count(self, parts: list[Part]) -> None:
        part = parts[self._at(parts)]
        count, at = read_leb(part.content, 0)
        count = self.rng.choice((*ODD, count + 1, max(count - 1, 0)))
        part.content = leb(count, self.rng.choice((1, 1, 5))) + part.content[at:]

    def _number(self, parts: list[Part]) -> None:
        part = parts[self._at(parts)]
        place = self.rng.randint(0, len(part.content))
        _, end = read_leb(part.content, place)
        part.content = part.content[:place] + leb(self.rng.choice(ODD)) + part.content[end:]

    def _graft(self, parts: list[Part]) -> None:
        donor = take_apart(self.rng.choice(self.pool))
        if donor:
            new = self.rng.choice(donor)
            same = [at for at, part in enumerate(parts) if part.kind == new.kind]
            if same and self.rng.random() < 0.7:
                parts[same[0]] = new
            else:
                parts.insert(self.rng.randint(0, len(parts)), new)

    def _move(self, parts: list[Part]) -> None:
        parts.insert(self._at(parts), parts.pop(self._at(parts)))

    def _drop(self, parts: list[Part]) -> None:
        del parts[self._at(parts)]

    def _double(self, parts: list[Part]) -> None:
        at = self._at(parts)
        parts[at:at] = [Part(parts[at].kind, parts[at].content)] * self.rng.choice((1, 1, 1, 3, 12_000))
        if len(put_together(parts)) > self.size_max:
            del parts[at + 1 :]

    def _lie(self, parts: list[Part]) -> None:
        """Write a section with a length that is not true, or with an unknown id."""
        at = self._at(parts)
        part = parts[at]
        size = leb(self.rng.choice((*ODD, len(part.content) + 1, max(len(part.content) - 1, 0))))
        kind = self.rng.choice((part.kind & 0x7F, self.rng.randrange(16), 0x7F))
        parts[at] = Part(-1, bytes([kind]) + size + part.content)

    def _custom(self, parts: list[Part]) -> None:
        """Add a custom section; most are name sections, with names that nobody should print."""
        names = b"\x00\x09\x02\x00\x03a\x1bb\x01\x02\n." if self.rng.random() < 0.5 else self.rng.randbytes(9)
        kind = self.rng.choice((0, 1, 1, 1, 2, 4))
        names = b"\x02" + names[1:] if kind == 1 else names
        content = b"\x04name" + bytes([kind]) + leb(len(names)) + names
        parts.insert(self.rng.randint(0, len(parts)), Part(CUSTOM, self.blind(content, 200)))
