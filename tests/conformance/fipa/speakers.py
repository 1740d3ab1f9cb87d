"""Guests that say given messages when they start: real agents for tests of what agents may say."""

from __future__ import annotations

from collections.abc import Iterable

from tests.support.guests import tiny

_AT = 4096


def speaker(frames: Iterable[bytes]) -> str:
    """Return an agent that sends these frames when it starts, and handles nothing."""
    outbox = b"".join(len(frame).to_bytes(4, "little") + frame for frame in frames)
    data = "".join(f"\\{byte:02x}" for byte in outbox)
    return tiny(
        init=f"(call $out (i32.const {_AT}) (i32.const {len(outbox)})) (i32.const 0)",
        extra=f'(data (i32.const {_AT}) "{data}")',
        memory="2",
    )
