"""Changes bytes without knowing what they mean; what atheris does better, for runs without it."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

Blind = Callable[[bytes, int], bytes]
"""Takes bytes and the most that may be returned."""

ODD = (0, 1, 0x7F, 0x80, 0xFF, 0xFFFF, 0x10000, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)


def havoc(data: bytes, size_max: int, rng: Random) -> bytes:
    """Return a variant: bits flipped, bytes written, cut, doubled, or an odd number put in."""
    at = rng.randint(0, len(data))
    end = min(len(data), at + rng.randint(1, 8))
    match rng.randrange(6):
        case 0 if at < len(data):
            new = data[:at] + bytes([data[at] ^ 1 << rng.randrange(8)]) + data[at + 1 :]
        case 1:
            new = data[:at] + rng.randbytes(end - at) + data[end:]
        case 2:
            new = data[:at] + data[end:]
        case 3:
            new = data[:at] + data[at:end] * 2 + data[end:]
        case 4:
            length = rng.choice((1, 2, 4))
            odd = (rng.choice(ODD) & (1 << 8 * length) - 1).to_bytes(length, "little")
            new = data[:at] + odd + data[at + length :]
        case _:
            new = data[:at] + rng.randbytes(rng.randint(1, 8)) + data[at:]
    return new[:size_max]
