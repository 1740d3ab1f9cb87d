"""Floods and poison for the log, which people and their terminals read."""

from __future__ import annotations

from caxton_node.runtime import Limits
from tests.integration.runtime.hostile.building import DONE, LOG, escape
from tests.integration.runtime.hostile.cases import End, Hostile, How, trapped
from tests.support.guests import tiny

_RICH = Limits(fuel_per_message=10**8, wall_time_s=60.0, batch_max=1)
_ERROR = "(i32.const 3)"
_FD_WRITE = '(import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))'


def _logs(text: bytes, times: int = 1) -> str:
    """Return an agent that logs this so many times."""
    return tiny(
        imports=LOG,
        handle=f"""(local $left i32) (local.set $left (i32.const {times}))
          (loop $again
            (call $log {_ERROR} (i32.const 65536) (i32.const {len(text)}))
            (br_if $again (local.tee $left (i32.sub (local.get $left) (i32.const 1)))))
          {DONE}""",
        memory="3",
        extra=f'(data (i32.const 65536) "{escape(text)}")',
    )


def _prints(text: bytes) -> str:
    """Return an agent that writes this to stderr, as one vector."""
    return tiny(
        imports=_FD_WRITE,
        handle=f"(drop (call $write (i32.const 2) (i32.const 256) (i32.const 1) (i32.const 300))) {DONE}",
        memory="3",
        extra=f"""(data (i32.const 256) "\\00\\00\\01\\00{escape(len(text).to_bytes(4, "little"))}")
          (data (i32.const 65536) "{escape(text)}")""",
    )


def cut(what: str) -> End:
    """Return the end of what an agent wrote to its log."""
    return End(How.CUT, what)


LOGS = [
    Hostile("log-flood", "10,000 lines", lambda: _logs(b"line", 10_000), cut("rate"), _RICH),
    Hostile(
        "log-flood-in-one-call", "65,536 lines in one call", lambda: _logs(b"\n" * 65_536), cut("rate"), _RICH
    ),
    Hostile(
        "log-flood-on-stderr",
        "65,536 lines in one write to stderr",
        lambda: _prints(b"\n" * 65_536),
        cut("rate"),
        _RICH,
    ),
    Hostile("log-one-long-line", "one line of 64 KB", lambda: _logs(b"x" * 65_536), cut("length"), _RICH),
    Hostile(
        "log-endless-line",
        "a line on stderr that does not end",
        lambda: _prints(b"x" * 65_535),
        cut("length"),
        _RICH,
    ),
    Hostile(
        "log-too-long",
        "one line of 64 KB and a byte",
        lambda: _logs(b"x" * 65_537),
        trapped("bad_call", "at most 65,536"),
        _RICH,
    ),
    Hostile("log-no-utf-8", "bytes that are no text", lambda: _logs(b"a\xff\xfe\xc0\x80z"), cut("encoding")),
    Hostile(
        "log-escapes",
        "clears the terminal and moves the cursor up",
        lambda: _logs(b"\x1b[2J\x1b[1A\x1b]0;title\x07done"),
        cut("control"),
    ),
    Hostile(
        "log-carriage-return",
        "overwrites the beginning of its line",
        lambda: _logs(b"agent failed\rall is well"),
        cut("control"),
    ),
    Hostile(
        "log-forged-line",
        "a second line that looks like one of the node",
        lambda: _logs(b'x\n{"level":"error","event":"agent given up"}'),
        cut("lines"),
    ),
    Hostile(
        "log-c1-controls",
        "control characters beyond ASCII",
        lambda: _logs("a\x9b2Jb".encode()),
        cut("control"),
    ),
    Hostile(
        "log-bidi",
        "turns the direction of what follows",
        lambda: _logs("a\u202egnp.exe".encode()),
        cut("control"),
    ),
]
