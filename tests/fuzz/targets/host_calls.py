"""Every function that a guest may import, with any arguments: a result or a trap, and no stray byte."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache
from typing import NamedTuple

from caxton_node.runtime import Limits, Sandbox, TrapKind, abi
from caxton_node.runtime.host.imports import TABLE, HostImport
from caxton_node.runtime.host.wasi import VECTORS_MAX
from caxton_node.runtime.limits import PAGE_BYTES
from tests.fuzz.puppets import check_trap, compiled, dress
from tests.fuzz.source import Source

CALLS_MAX = 20
TIMES_MAX = 8
EXAMPLES = 300
_BLOCK, _RESULT, _INBOX = 64, 256, 1_024
MEMORY_BYTES = 2 * PAGE_BYTES
TAKEN_MAX = 65_536
_ODD = (0, 1, _INBOX, MEMORY_BYTES - 4, MEMORY_BYTES, 65_536, 65_537, 2**31, 2**32 - 1, 2**32 - 8, 2**63)
_ERRNOS = frozenset({0, 8, 28, 52})
_REFUSALS = re.compile(
    r"[\d,]+ bytes at 0x[0-9a-f]+ are outside of its memory of [\d,]+ bytes"
    r"|(?:log|random) of [\d,]+ bytes; at most 65,536 are (?:taken|given) at once"
    r"|the agent called proc_exit\(\d+\)"
    r"|it calls its host too often: more than \d+ for one batch"
)

Range = tuple[int, int]


class HostCall(NamedTuple):
    """A call that the guest is told to make, perhaps several times."""

    entry: HostImport
    times: int
    arguments: tuple[int, ...]

    def pack(self) -> bytes:
        """Write it as the guest reads it."""
        head = bytes([TABLE.index(self.entry), self.times])
        return head + b"".join(argument.to_bytes(8, "little") for argument in self.arguments)

    def writes(self) -> list[Range]:
        """Return where it may write: address and length."""
        return _WRITES.get(self.entry.name, _nothing)(self._values())

    def reads(self) -> list[Range]:
        """Return where it must read."""
        return _READS.get(self.entry.name, _nothing)(self._values())

    def _values(self) -> list[int]:
        return [argument & 0xFFFFFFFF for argument in self.arguments]


def _nothing(_values: list[int]) -> list[Range]:
    return []


_WRITES: dict[str, Callable[[list[int]], list[Range]]] = {
    "random": lambda values: [(values[0], values[1])],
    "random_get": lambda values: [(values[0], values[1])],
    "args_sizes_get": lambda values: [(values[0], 4), (values[1], 4)],
    "environ_sizes_get": lambda values: [(values[0], 4), (values[1], 4)],
    "clock_res_get": lambda values: [(values[1], 8)],
    "clock_time_get": lambda values: [(values[2], 8)],
    "fd_write": lambda values: [(values[3], 4)],
    "fd_read": lambda values: [(values[3], 4)],
    "fd_fdstat_get": lambda values: [(values[1], 24)],
}
_READS: dict[str, Callable[[list[int]], list[Range]]] = {
    "log": lambda values: [(values[1], values[2])],
    "fd_write": lambda values: [(values[1], 8 * values[2])],
}


@cache
def _guest() -> str:
    """Return a guest that reads a call from its inbox, makes it, and keeps the last result."""
    imports = "\n".join(
        f'(import "{entry.module}" "{entry.name}" (func ${entry.name} (param {" ".join(entry.params)})'
        f" (result {' '.join(entry.results)})))"
        for entry in TABLE
    )
    # What the host writes may hit the inbox, so arguments are taken out of it before the first call.
    kept = "\n".join(f"(global $a{index} (mut i64) (i64.const 0))" for index in range(4))
    loads = "\n".join(
        f"(global.set $a{index} (i64.load offset={_INBOX + 6 + 8 * index} (i32.const 0)))"
        for index in range(4)
    )
    cases = "\n".join(_case(number, entry) for number, entry in enumerate(TABLE))
    return f"""(module {imports} {kept}
      (memory (export "memory") 2)
      (data (i32.const {_BLOCK}) "\\01")
      (func (export "caxton_abi_v1") (result i32) (i32.const {_BLOCK}))
      (func (export "caxton_inbox") (param i32) (result i32) (i32.const {_INBOX}))
      (func (export "caxton_init") (param i32) (result i32) (i32.const 0))
      (func (export "caxton_handle") (param i32) (result i32)
        (local $which i32) (local $times i32) (local $result i64)
        (local.set $which (i32.load8_u offset={_INBOX + 4} (i32.const 0)))
        (local.set $times (i32.load8_u offset={_INBOX + 5} (i32.const 0)))
        {loads}
        (loop $next
          (local.set $result (call $make (local.get $which)))
          (br_if $next (local.tee $times (i32.sub (local.get $times) (i32.const 1)))))
        (i64.store (i32.const {_RESULT}) (local.get $result))
        (i32.store (i32.const {_BLOCK + 4}) (i32.const 1))
        (i32.const 0))
      (func $make (param $which i32) (result i64)
        {cases}
        unreachable))"""


def _case(number: int, entry: HostImport) -> str:
    arguments = " ".join(
        f"(i32.wrap_i64 (global.get $a{index}))" if kind == "i32" else f"(global.get $a{index})"
        for index, kind in enumerate(entry.params)
    )
    call = f"(call ${entry.name} {arguments})"
    match entry.results:
        case ("i32",):
            call = f"(i64.extend_i32_u {call})"
        case ():
            call = f"{call} (i64.const 0)"
    return f"(if (i32.eq (local.get $which) (i32.const {number})) (then {call} return))"


def check(data: bytes) -> None:
    """Read calls; what is left fills the guest's memory, where vectors of addresses may point."""
    source = Source(data)
    rate = source.pick((1_000, 5, 1))
    limits = Limits(memory_bytes=MEMORY_BYTES, host_calls_per_s=rate, wall_time_s=600)
    calls = [_read_call(source) for _ in range(source.number() % CALLS_MAX)]
    sandbox = dress(compiled(_guest()), limits, b"entropy")
    try:
        sandbox.start({})
        _fill(sandbox, source.rest())
        for call in calls:
            if sandbox.is_alive:
                _make(sandbox, call)
    finally:
        sandbox.close()


def _read_call(source: Source) -> HostCall:
    entry, times = source.pick(TABLE), 1 + source.number() % TIMES_MAX
    return HostCall(entry, times, tuple(_read_argument(source) for _ in range(4)))


def _read_argument(source: Source) -> int:
    match source.number() % 5:
        case 0:
            return source.pick(_ODD)
        case 1:
            return source.number(2)
        case 2:
            return source.number(8)
        case 3:
            return MEMORY_BYTES - source.number()
        case _:
            return source.number() % 4


def _memory(sandbox: Sandbox) -> memoryview:
    assert sandbox._memory is not None
    return sandbox._memory.refresh()


def _fill(sandbox: Sandbox, data: bytes) -> None:
    view, start = _memory(sandbox), 2 * _INBOX
    piece = data[: len(view) - start]
    view[start : start + len(piece)] = piece


def _make(sandbox: Sandbox, call: HostCall) -> None:
    expected, message = bytearray(_memory(sandbox)), call.pack()
    inbox = abi.join_frames([message])
    expected[_INBOX : _INBOX + len(inbox)] = inbox
    trap = sandbox.handle([message]).trap
    after = bytes(_memory(sandbox))
    for start, length in ((_BLOCK, abi.BLOCK_BYTES), (_RESULT, 8), *call.writes()):
        expected[start : start + length] = after[start : start + length]
    assert after == expected, f"{call} wrote where it should not"
    if trap is None:
        assert call.times <= sandbox._limits.host_calls_per_s
        _check_done(call, after)
    elif trap.kind is TrapKind.ABI:  # the guest had its own control block written over
        assert any(
            start < _BLOCK + abi.BLOCK_BYTES and start + length > _BLOCK for start, length in call.writes()
        )
    else:
        check_trap(trap, *set(TrapKind) - {TrapKind.BAD_CALL, TrapKind.EXIT, TrapKind.HOST_CALLS})
        assert _REFUSALS.fullmatch(trap.message), trap


def _check_done(call: HostCall, memory: bytes) -> None:
    """What went well was within bounds."""
    result = int.from_bytes(memory[_RESULT : _RESULT + 8], "little")
    if call.entry.results == ("i32",):
        assert result in _ERRNOS, (call, result)
    if call.entry.results != ("i32",) or result == 0:
        for start, length in (*call.reads(), *call.writes()):
            assert length <= TAKEN_MAX, call
            assert start + length <= MEMORY_BYTES, call
    if call.entry.name == "fd_write" and result == 0:
        assert call.arguments[2] & 0xFFFFFFFF <= VECTORS_MAX, call
        ((at, _),) = call.writes()
        written = int.from_bytes(memory[at : at + 4], "little")
        assert written <= TAKEN_MAX or at < _RESULT + 8, (call, written)


def seeds() -> Iterator[bytes]:
    """Each function with small arguments, and at the end of memory; many vectors; too many calls."""
    for number in range(len(TABLE)):
        yield bytes([0, 1, number, 0, 4, 1, 1, 0, 8, 4, 2, 1, 0, 9]) + bytes(range(1, 60))
        yield bytes([0, 1, number, 1, 1, 0, 9, 1, 16, 0, 1, 0, 10, 1, 0, 12])
        for short in (3, 7, 23):
            yield bytes([0, 1, number, 0, 3, short, 3, short, 3, short, 3, short])
        yield bytes([0, 1, number, 0, 4, 1, 3, short, 4, short + 1, 4, 0])
        yield bytes([0, 1, number, 0, 4, 1, 0, 6, 4, 0, 4, 0])
        yield bytes([0, 1, number, 0, 4, 1, 4, 0, 0, 6, 4, 0])
    fd_write = next(number for number, entry in enumerate(TABLE) if entry.name == "fd_write")
    yield bytes([0, 1, fd_write, 0, 4, 1, 1, 0, 8, 1, 1, 4, 4, 0])
    for length in (20, 50_000):
        vector = (3_000).to_bytes(4, "little") + length.to_bytes(4, "little")
        yield bytes([0, 1, fd_write, 0, 4, 1, 1, 0, 8, 1, 60, 0, 1, 0, 9]) + vector * 60
    yield bytes([2, 9]) + bytes([1, 7, 4, 0, 4, 0, 4, 0, 4, 0]) * 9
