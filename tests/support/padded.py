"""Modules of any size: an agent, and behind it a custom section that nothing reads."""

from __future__ import annotations

import random

from caxton_node.runtime.engine import to_binary
from tests.support.guests import wat

PAD = b"padding"


def padded_echo(size_bytes: int, seed: int = 1) -> bytes:
    """Return the echo agent as a binary of about this size; different seeds give different modules."""
    filling = bytes([len(PAD)]) + PAD + random.Random(seed).randbytes(size_bytes)
    return to_binary(wat("echo").encode()) + b"\0" + _leb(len(filling)) + filling


def _leb(number: int) -> bytes:
    out = bytearray()
    while True:
        number, low = number >> 7, number & 0x7F
        out.append(low | (0x80 if number else 0))
        if not number:
            return bytes(out)
