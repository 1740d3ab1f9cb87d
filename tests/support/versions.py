"""Versions of one agent for reloads: they pass messages on in order, and may hand their state over.

Built from the relay of `sdk/wat`: what it sends on is what came in. A version that keeps counts the messages
that it and those before it have handled, and leaves the count as its checkpoint.
"""

from __future__ import annotations

from tests.support.guests import wat

_KEEP = """
  (global $count (mut i32) (i32.const {start}))
  (func (export "caxton_checkpoint") (result i32)
    {before_checkpoint}
    (i32.store (i32.const 1024) (global.get $count))
    (i32.store (i32.const 72) (i32.const 1024))
    (i32.store (i32.const 76) (i32.const {checkpoint_bytes}))
    (i32.const {checkpoint_code}))
  (func (export "caxton_restore") (param $len i32) (result i32)
    {before_restore}
    (if (i32.ne (local.get $len) (i32.const 4)) (then (return (i32.const 9))))
    (global.set $count (i32.load (i32.const 1024)))
    (i32.const {restore_code}))
  (func (export "counted") (result i32) (global.get $count))
"""


def passer(mark: str = "a") -> bytes:
    """Return a version that keeps nothing; `mark` makes modules differ."""
    text = wat("relay").rstrip().removesuffix(")")
    return f'{text}\n  (data (i32.const 992) "{mark}"))\n'.encode()


def keeper(
    mark: str = "a",
    *,
    start: int = 0,
    before_checkpoint: str = "",
    checkpoint_bytes: int = 4,
    checkpoint_code: int = 0,
    before_restore: str = "",
    restore_code: int = 0,
) -> bytes:
    """Return a version that counts and hands the count over; the rest makes it misbehave."""
    text = wat("relay")
    at = text.index('(func (export "caxton_handle")')
    hook = "        (i32.store (i32.const 68) (i32.add (i32.load (i32.const 68)) (i32.const 1)))"
    assert text.count(hook) == 1, "the relay has changed"
    assert text.index(hook) > at, "the relay has changed"
    text = text.replace(
        hook, f"{hook}\n        (global.set $count (i32.add (global.get $count) (i32.const 1)))"
    )
    more = _KEEP.format(
        start=start,
        before_checkpoint=before_checkpoint,
        checkpoint_bytes=checkpoint_bytes,
        checkpoint_code=checkpoint_code,
        before_restore=before_restore,
        restore_code=restore_code,
    )
    return f'{text.rstrip().removesuffix(")")}{more}  (data (i32.const 992) "{mark}"))\n'.encode()
