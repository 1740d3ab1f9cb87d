"""A guest that sends what it gets on as durable messages: the relay of sdk/wat with a longer letter."""

from __future__ import annotations

from tests.support.guests import wat

_CHANGES = {
    # Seventeen positions instead of five: array 16, then INFORM, nil, next.
    "(i32.store8 (i32.const 256) (i32.const 0x95)) ;; five positions": (
        "(i32.store8 (i32.const 256) (i32.const 0xdc)) (i32.store8 (i32.const 257) (i32.const 0x00))"
        " (i32.store8 (i32.const 258) (i32.const 0x11))"
    ),
    "(i32.store8 (i32.const 257) (i32.const 0x08))": "(i32.store8 (i32.const 259) (i32.const 0x08))",
    "(i32.store8 (i32.const 258) (i32.const 0xc0))": "(i32.store8 (i32.const 260) (i32.const 0xc0))",
    "(call $copy (i32.const 259) (local.get $next)": "(call $copy (i32.const 261) (local.get $next)",
    "(i32.add (i32.const 3) (local.get $length)))\n    (i32.const 0))": (
        "(i32.add (i32.const 5) (local.get $length)))\n    (i32.const 0))"
    ),
    # Behind content and conversation: eleven nils, and the headers {durable: true}.
    '(data (i32.const 96) "\\a6config")': (
        '(data (i32.const 96) "\\a6config")\n  (data (i32.const 160)\n'
        '    "\\c0\\c0\\c0\\c0\\c0\\c0\\c0\\c0\\c0\\c0\\c0\\81\\a7durable\\c3")'
    ),
    "(i32.store (local.get $out) (i32.add (global.get $head) (local.get $i)))": (
        "(i32.store (local.get $out) (i32.add (i32.add (global.get $head) (local.get $i)) (i32.const 21)))"
    ),
    (
        "(call $copy (local.get $out) (local.get $from) (local.get $i))\n"
        "    (i32.add (local.get $out) (local.get $i)))"
    ): (
        "(call $copy (local.get $out) (local.get $from) (local.get $i))\n"
        "    (local.set $out (i32.add (local.get $out) (local.get $i)))\n"
        "    (call $copy (local.get $out) (i32.const 160) (i32.const 21))\n"
        "    (i32.add (local.get $out) (i32.const 21)))"
    ),
}


def durable_relay() -> str:
    """Return a relay whose messages are durable; without `next` it is a sink."""
    text = wat("relay")
    for before, after in _CHANGES.items():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    return text
