"""The cutting of an outbox into frames, against a slow and obvious one."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any

from caxton_node.runtime import abi
from tests.fuzz.source import Source

BYTES_MAX = 1024 * 1024
TIMES_BITS_MAX = 18
EXAMPLES = 400


class _Counted(bytes):
    """Bytes that count how often a piece is cut from them, each of which costs the host memory."""

    cuts = 0

    def __getitem__(self, key: Any) -> Any:
        self.cuts += 1
        return super().__getitem__(key)


def check(data: bytes) -> None:
    """Repeat the input, as often as its first byte says, into an outbox."""
    source = Source(data)
    times = 1 << source.number() % TIMES_BITS_MAX
    outbox = _Counted((source.rest() * times)[:BYTES_MAX])
    expected = _split(bytes(outbox))
    try:
        frames: list[bytes] | None = abi.split_frames(outbox)
    except abi.BrokenOutbox:
        frames = None
    assert frames == expected
    assert frames is None or abi.join_frames(frames) == outbox
    assert outbox.cuts <= abi.OUTBOX_FRAMES_MAX + 1


def _split(outbox: bytes) -> list[bytes] | None:
    """Return the frames, None if it is no run of frames."""
    frames, at = [], 0
    while at < len(outbox):
        if at + 4 > len(outbox) or len(frames) == abi.OUTBOX_FRAMES_MAX:
            return None
        (length,) = struct.unpack("<I", outbox[at : at + 4])
        at += 4 + length
        if length == 0 or at > len(outbox):
            return None
        frames.append(outbox[at - length : at])
    return frames


def seeds() -> Iterator[bytes]:
    """Good ones and bad ones, one of as many frames as are taken, and one of twice that."""
    for frames in ([], [b"a"], [b"one", b"two", b"three"]):
        yield b"\0" + abi.join_frames(frames)
    yield b"\0\x02\0\0\0a"
    yield b"\0\x01\0\0\0a\0\0\0\0"
    yield b"\x10" + abi.join_frames([b"a"])
    yield b"\x11" + abi.join_frames([b"a"])
