"""Host calls with addresses and lengths that the host must not follow."""

from __future__ import annotations

from struct import pack

from tests.integration.runtime.hostile.building import DONE, escape
from tests.integration.runtime.hostile.cases import Hostile, trapped
from tests.support.guests import tiny

_WASI = "wasi_snapshot_preview1"


def _call(
    name: str, params: str, *arguments: int, module: str = _WASI, data: bytes = b"", result: bool = True
) -> str:
    """Return an agent that makes one host call; `data` lie at 256."""
    types = " ".join("i64" if letter == "l" else "i32" for letter in params)
    values = " ".join(
        f"({'i64' if letter == 'l' else 'i32'}.const {value})"
        for letter, value in zip(params, arguments, strict=True)
    )
    call = f"(call $call {values})"
    results = "(result i32)" if result else ""
    return tiny(
        imports=f'(import "{module}" "{name}" (func $call (param {types}) {results}))',
        handle=f"{f'(drop {call})' if result else call} {DONE}",
        extra=f'(data (i32.const 256) "{escape(data)}")',
    )


def _log(address: int, length: int) -> str:
    return _call("log", "iii", 1, address, length, module="caxton", result=False)


def _random(address: int, length: int) -> str:
    return _call("random", "ii", address, length, module="caxton", result=False)


def _write(*vectors: tuple[int, int], count: int | None = None, at: int = 256, written: int = 64) -> str:
    data = b"".join(pack("<II", address, length) for address, length in vectors)
    return _call("fd_write", "iiii", 1, at, len(vectors) if count is None else count, written, data=data)


_WRONG = trapped("bad_call", "outside of its memory")

POINTERS = [
    Hostile("log-from-outside", "logs what lies behind its memory", lambda: _log(65_536, 16), _WRONG),
    Hostile("log-astride-the-end", "logs over the end of its memory", lambda: _log(65_530, 16), _WRONG),
    Hostile("log-wrapping", "address and length whose sum wraps", lambda: _log(-16, 32), _WRONG),
    Hostile(
        "log-of-4-gib", "logs 4 GiB less one", lambda: _log(0, -1), trapped("bad_call", "at most 65,536")
    ),
    Hostile(
        "random-over-the-end", "random bytes over the end of its memory", lambda: _random(65_535, 2), _WRONG
    ),
    Hostile(
        "random-of-4-gib",
        "4 GiB of random bytes",
        lambda: _random(0, -1),
        trapped("bad_call", "at most 65,536"),
    ),
    Hostile(
        "vectors-outside", "a list of pieces behind its memory", lambda: _write(at=65_532, count=1), _WRONG
    ),
    Hostile(
        "vectors-wrapping",
        "a list of pieces around the end of 32 bits",
        lambda: _write(at=-4, count=1),
        _WRONG,
    ),
    Hostile("piece-outside", "a piece behind its memory", lambda: _write((70_000, 4)), _WRONG),
    Hostile("piece-of-4-gib", "a piece of 4 GiB less one", lambda: _write((4, 2**32 - 1)), _WRONG),
    Hostile(
        "piece-wrapping", "a piece whose end wraps to something small", lambda: _write((2**32 - 4, 8)), _WRONG
    ),
    Hostile(
        "count-outside",
        "has the count written behind its memory",
        lambda: _write((0, 4), written=65_534),
        _WRONG,
    ),
    Hostile(
        "clock-outside",
        "has the time written behind its memory",
        lambda: _call("clock_time_get", "ili", 0, 0, 65_529),
        _WRONG,
    ),
    Hostile(
        "sizes-outside",
        "has sizes written at 4 GiB less one",
        lambda: _call("args_sizes_get", "ii", -1, -1),
        _WRONG,
    ),
    Hostile(
        "status-outside",
        "has a status written over the end",
        lambda: _call("fd_fdstat_get", "ii", 1, 65_535),
        _WRONG,
    ),
]
