"""Forged control blocks: every number in them is the guest's to lie with."""

from __future__ import annotations

from tests.integration.runtime.hostile.building import DONE
from tests.integration.runtime.hostile.cases import Hostile, not_started, trapped
from tests.support.guests import tiny

_COUNTING = "(global $calls (mut i32) (i32.const 0))"
_COUNT = "(global.set $calls (i32.add (global.get $calls) (i32.const 1)))"
_IS_START = "(i32.eq (global.get $calls) (i32.const 1))"

_NO_MEMORY = """(module (memory (export "memory") 0)
  (func (export "caxton_abi_v1") (result i32) (i32.const 64))
  (func (export "caxton_inbox") (param i32) (result i32) (i32.const 1024))
  (func (export "caxton_init") (param i32) (result i32) (i32.const 0))
  (func (export "caxton_handle") (param i32) (result i32) (i32.const 0)))"""


def _handled(value: str) -> str:
    return tiny(handle=f"(call $handled {value}) (i32.const 0)")


def _outbox(address: int, length: int) -> str:
    return tiny(handle=f"(call $out (i32.const {address}) (i32.const {length})) {DONE}")


def _block(address: int, extra: str = "") -> str:
    return tiny(abi=f"(i32.const {address})", extra=extra)


def _length(value: int) -> str:
    """Return what writes the length of a frame at 4096."""
    return f"(i32.store (i32.const 4096) (i32.const {value}))"


def _inbox_that_moves(address: int) -> str:
    """Return the body of an inbox that is here, but at 1024 for the configuration; needs `_COUNTING`."""
    return f"{_COUNT} (select (i32.const 1024) (i32.const {address}) {_IS_START})"


def _inbox_later(address: int) -> str:
    """Return an agent whose inbox is where it should be at the start and here for its messages."""
    return tiny(
        inbox=_inbox_that_moves(address),
        handle=DONE,
        extra=_COUNTING,
    )


BLOCKS = [
    Hostile(
        "handled-too-much",
        "handled more messages than it got",
        lambda: _handled("(i32.const 2)"),
        trapped("abi", "says 2 of 1"),
    ),
    Hostile(
        "handled-too-little",
        "returns well with nothing handled",
        lambda: _handled("(i32.const 0)"),
        trapped("abi", "says 0 of 1"),
    ),
    Hostile(
        "handled-minus-one",
        "handled 4 billion messages",
        lambda: _handled("(i32.const -1)"),
        trapped("abi", "4,294,967,295 of 1"),
    ),
    Hostile(
        "handled-backwards",
        "counts its messages up and then down again",
        lambda: tiny(handle="(call $handled (i32.const 1)) (call $handled (i32.const 0)) (i32.const 0)"),
        trapped("abi", "says 0 of 1"),
    ),
    Hostile(
        "outbox-outside", "an outbox behind its memory", lambda: _outbox(65_536, 4), trapped("abi", "outside")
    ),
    Hostile(
        "outbox-astride-the-end",
        "an outbox that begins in its memory and ends outside",
        lambda: _outbox(65_530, 8),
        trapped("abi", "outside"),
    ),
    Hostile(
        "outbox-wrapping",
        "address and length whose sum wraps to something small",
        lambda: _outbox(-8, 16),
        trapped("abi", "outside"),
    ),
    Hostile(
        "outbox-of-4-gib", "a length of 4 GiB less one", lambda: _outbox(0, -1), trapped("abi", "outside")
    ),
    Hostile(
        "outbox-of-minus-one-at-minus-one",
        "both as large as can be",
        lambda: _outbox(-1, -1),
        trapped("abi", "outside"),
    ),
    Hostile(
        "outbox-over-the-block",
        "its control block as outbox",
        lambda: _outbox(64, 20),
        trapped("abi", "outbox is broken"),
    ),
    Hostile(
        "outbox-of-zeros", "an outbox of empty frames", lambda: _outbox(4_096, 64), trapped("abi", "is empty")
    ),
    Hostile(
        "frame-longer-than-the-outbox",
        "a frame that runs on behind its outbox",
        lambda: tiny(handle=f"{_length(-1)} (call $out (i32.const 4096) (i32.const 64)) {DONE}"),
        trapped("abi", "behind the outbox"),
    ),
    Hostile(
        "half-a-length",
        "three bytes behind the last frame",
        lambda: tiny(handle=f"{_length(1)} (call $out (i32.const 4096) (i32.const 8)) {DONE}"),
        trapped("abi", "too few"),
    ),
    Hostile(
        "block-at-zero", "a control block at 0", lambda: _block(0), not_started("abi", "control block at 0x0")
    ),
    Hostile(
        "block-outside",
        "a control block behind its memory",
        lambda: _block(65_536),
        not_started("abi", "outside"),
    ),
    Hostile(
        "block-astride-the-end",
        "a control block whose last word is outside",
        lambda: _block(65_520),
        not_started("abi", "outside"),
    ),
    Hostile(
        "block-at-minus-one",
        "a control block at 4 GiB less one",
        lambda: _block(-1),
        not_started("abi", "outside"),
    ),
    Hostile(
        "block-in-no-memory", "a memory of no pages", lambda: _NO_MEMORY, not_started("abi", "of 0 bytes")
    ),
    Hostile(
        "abi-of-the-future",
        "speaks ABI 2",
        lambda: tiny(extra='(data (i32.const 64) "\\02")'),
        not_started("abi", "says ABI 2"),
    ),
    Hostile(
        "abi-of-nothing",
        "forgets to say which ABI it speaks",
        lambda: tiny(extra='(data (i32.const 64) "\\00")'),
        not_started("abi", "says ABI 0"),
    ),
    Hostile(
        "block-in-the-last-bytes",
        "a control block that just fits, and nothing handled",
        lambda: tiny(abi="(i32.const 65516)", extra='(data (i32.const 65516) "\\01")'),
        trapped("abi", "says 0 of 1"),
    ),
    Hostile(
        "abi-changed-later",
        "speaks another ABI once it runs, and lies in that one",
        lambda: tiny(
            handle="(i32.store (i32.const 64) (i32.const 2)) (call $handled (i32.const 9)) (i32.const 0)"
        ),
        trapped("abi", "says 9 of 1"),
    ),
    Hostile(
        "block-overwritten-by-the-inbox",
        "an inbox over its control block, so that the host overwrites what it has to believe",
        lambda: tiny(
            inbox=_inbox_that_moves(60),
            extra=_COUNTING,
        ),
        trapped("abi"),
    ),
    Hostile(
        "inbox-outside",
        "an inbox behind its memory",
        lambda: _inbox_later(65_530),
        trapped("abi", "inbox at"),
    ),
    Hostile(
        "inbox-wrapping",
        "an inbox whose end wraps to something small",
        lambda: _inbox_later(-16),
        trapped("abi", "inbox at"),
    ),
    Hostile(
        "inbox-refusing",
        "takes no message, however small",
        lambda: _inbox_later(0),
        trapped("refused", "does not take"),
    ),
    Hostile(
        "error-with-everything",
        "an error code after a message that it says is handled twice",
        lambda: tiny(handle="(call $handled (i32.const 2)) (i32.const -1)"),
        trapped("guest_error", "error -1"),
    ),
]
