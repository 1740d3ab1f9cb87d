from __future__ import annotations

import struct

import pytest

from caxton_node.runtime import Engine, Limits, Sandbox, TrapKind
from caxton_node.runtime.host.agent_log import BURST_S, LINE_BYTES_MAX, AgentLog
from caxton_node.runtime.host.imports import TABLE, WASI
from caxton_node.runtime.ports import LogLevel
from tests.support.clock import HandClock
from tests.support.guests import LogLines, start, tiny

LINES_PER_S = 100
BURST_LINES = BURST_S * LINES_PER_S

_SEND = "(call $handled (i32.const 1)) (call $out (i32.const 3000) (i32.const 36)) (i32.const 0)"
_LENGTH = '(data (i32.const 3000) "\\20\\00\\00\\00")'


def probe(name: str, params: str, call: str, *, module: str = WASI, result: str = "(result i32)") -> str:
    """Return a guest that makes one host call and sends 32 bytes from 3004 on, its result first if any."""
    imports = f'(import "{module}" "{name}" (func $f (param {params}) {result}))'
    act = f"(i32.store (i32.const 3004) {call})" if result else call
    return tiny(imports=imports, handle=f"{act} {_SEND}", extra=_LENGTH)


def answer(sandbox: Sandbox) -> bytes:
    outcome = sandbox.handle([b"m"])
    assert outcome.trap is None, outcome.trap
    return outcome.outbox[0]


@pytest.mark.story("001")
def test_now_is_wall_clock_time_in_nanoseconds(engine: Engine) -> None:
    text = tiny(
        imports='(import "caxton" "now_ns" (func $now (result i64)))',
        handle=f"(i64.store (i32.const 3004) (call $now)) {_SEND}",
        extra=_LENGTH,
    )
    module = engine.compile(text)
    sandbox = Sandbox(engine, module, Limits(), LogLines(), HandClock(unix_s=1_700_000_000.5))
    sandbox.start({})
    assert struct.unpack("<q", answer(sandbox)[:8])[0] == 1_700_000_000_500_000_000


@pytest.mark.story("001")
def test_random_fills_memory_and_nothing_beyond(engine: Engine) -> None:
    text = probe("random", "i32 i32", "(call $f (i32.const 3004) (i32.const 16))", module="caxton", result="")
    first, second = (answer(start(engine, text)[0]) for _ in range(2))
    assert first[:16] != second[:16]
    assert first[16:] == bytes(16)


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("name", "params", "call"),
    [
        ("random", "i32 i32", "(call $f (i32.const 0) (i32.const 65537))"),
        ("random", "i32 i32", "(call $f (i32.const 65530) (i32.const 16))"),
        ("random", "i32 i32", "(call $f (i32.const -1) (i32.const 1))"),
        ("random", "i32 i32", "(call $f (i32.const 0) (i32.const -1))"),
        ("log", "i32 i32 i32", "(call $f (i32.const 1) (i32.const 0) (i32.const 65537))"),
        ("log", "i32 i32 i32", "(call $f (i32.const 1) (i32.const 65536) (i32.const 1))"),
    ],
)
def test_an_impossible_host_call_stops_the_agent_and_not_the_node(
    engine: Engine, name: str, params: str, call: str
) -> None:
    sandbox, _ = start(engine, probe(name, params, call, module="caxton", result=""))
    trap = sandbox.handle([b"m"]).trap
    assert trap is not None
    assert trap.kind is TrapKind.BAD_CALL
    assert "bytes" in trap.message


@pytest.mark.story("001")
@pytest.mark.parametrize(
    ("name", "params", "arguments", "expected"),
    [
        ("args_sizes_get", "i32 i32", "(i32.const 3008) (i32.const 3012)", (0, 0, 0)),
        ("environ_sizes_get", "i32 i32", "(i32.const 3008) (i32.const 3012)", (0, 0, 0)),
        ("args_get", "i32 i32", "(i32.const 3008) (i32.const 3012)", (0, 7, 7)),
        ("clock_res_get", "i32 i32", "(i32.const 0) (i32.const 3008)", (0, 1000, 0)),
        ("clock_time_get", "i32 i64 i32", "(i32.const 9) (i64.const 0) (i32.const 3008)", (28, 7, 7)),
        ("random_get", "i32 i32", "(i32.const 3008) (i32.const 70000)", (28, 7, 7)),
        ("sched_yield", "", "", (0, 7, 7)),
        (
            "fd_read",
            "i32 i32 i32 i32",
            "(i32.const 0) (i32.const 0) (i32.const 0) (i32.const 3008)",
            (0, 0, 7),
        ),
        (
            "fd_read",
            "i32 i32 i32 i32",
            "(i32.const 4) (i32.const 0) (i32.const 0) (i32.const 3008)",
            (8, 7, 7),
        ),
        (
            "fd_write",
            "i32 i32 i32 i32",
            "(i32.const 3) (i32.const 0) (i32.const 0) (i32.const 3008)",
            (8, 7, 7),
        ),
        (
            "fd_write",
            "i32 i32 i32 i32",
            "(i32.const 1) (i32.const 0) (i32.const 9999) (i32.const 0)",
            (28, 7, 7),
        ),
        ("fd_fdstat_get", "i32 i32", "(i32.const 1) (i32.const 3008)", (0, 2, 0)),
        ("fd_fdstat_get", "i32 i32", "(i32.const 3) (i32.const 3008)", (8, 7, 7)),
        ("fd_prestat_get", "i32 i32", "(i32.const 3) (i32.const 3008)", (8, 7, 7)),
        ("fd_close", "i32", "(i32.const 1)", (8, 7, 7)),
        ("fd_seek", "i32 i64 i32 i32", "(i32.const 1) (i64.const 0) (i32.const 0) (i32.const 0)", (8, 7, 7)),
        (
            "poll_oneoff",
            "i32 i32 i32 i32",
            "(i32.const 0) (i32.const 0) (i32.const 1) (i32.const 0)",
            (52, 7, 7),
        ),
    ],
)
def test_wasi_gives_a_runtime_what_it_needs_to_start_and_no_more(
    engine: Engine, name: str, params: str, arguments: str, expected: tuple[int, int, int]
) -> None:
    text = probe(name, params, f"(call $f {arguments})")
    text = text.replace(_LENGTH, _LENGTH + '(data (i32.const 3008) "\\07\\00\\00\\00\\07\\00\\00\\00")')
    assert struct.unpack_from("<III", answer(start(engine, text)[0])) == expected


@pytest.mark.story("001")
def test_wasi_clocks_read_the_nodes_clock(engine: Engine) -> None:
    clock = HandClock(unix_s=1.0)
    clock.advance(5.5)
    for kind, expected in ((0, 6_500_000_000), (1, 5_500_000_000)):
        text = probe(
            "clock_time_get", "i32 i64 i32", f"(call $f (i32.const {kind}) (i64.const 0) (i32.const 3008))"
        )
        sandbox = Sandbox(engine, engine.compile(text), Limits(), LogLines(), clock)
        sandbox.start({})
        assert struct.unpack_from("<IQ", answer(sandbox)) == (0, expected)


@pytest.mark.story("001")
def test_stdout_and_stderr_are_lines_of_the_agents_log(engine: Engine) -> None:
    vectors = (
        '(data (i32.const 2000) "first\\nsecond ") (data (i32.const 2100) "half\\n") '
        '(data (i32.const 2200) "\\d0\\07\\00\\00\\0d\\00\\00\\00\\34\\08\\00\\00\\05\\00\\00\\00")'
    )
    for descriptor, level in ((1, LogLevel.INFO), (2, LogLevel.ERROR)):
        lines = LogLines()
        call = f"(call $f (i32.const {descriptor}) (i32.const 2200) (i32.const 2) (i32.const 3008))"
        text = probe("fd_write", "i32 i32 i32 i32", call).replace(_LENGTH, _LENGTH + vectors)
        sandbox, _ = start(engine, text, log=lines)
        assert struct.unpack_from("<II", answer(sandbox)) == (0, 18)
        assert lines == [(level, "first"), (level, "second half")]


@pytest.mark.story("001")
def test_host_functions_work_while_the_module_is_being_instantiated(engine: Engine) -> None:
    lines = LogLines()
    boot = """(data (i32.const 500) "up") (func $boot (call $log (i32.const 3) (i32.const 500) (i32.const 2)))
      (start $boot)"""
    imports = '(import "caxton" "log" (func $log (param i32 i32 i32)))'
    start(engine, tiny(imports=imports, extra=boot), log=lines)
    assert lines == [(LogLevel.ERROR, "up")]


@pytest.mark.story("001")
def test_the_table_links_nothing_that_reaches_files_or_sockets() -> None:
    names = {entry.name for entry in TABLE}
    assert not [name for name in names if name.startswith(("path_", "sock_"))]
    assert {entry.module for entry in TABLE} == {"caxton", WASI}


@pytest.mark.story("001")
def test_a_flood_of_lines_is_cut_and_counted() -> None:
    clock, lines = HandClock(), LogLines()
    log = AgentLog(lines, clock, LINES_PER_S)
    for number in range(BURST_LINES + 50):
        log.write(LogLevel.INFO, f"line {number}".encode())
    assert len(lines) == BURST_LINES
    clock.advance(1.0)
    log.write(LogLevel.INFO, b"after")
    assert lines[BURST_LINES:] == [
        (LogLevel.WARNING, f"50 lines dropped: more than {LINES_PER_S} a second"),
        (LogLevel.INFO, "after"),
    ]


@pytest.mark.story("001")
def test_long_lines_are_cut_and_broken_text_is_still_text() -> None:
    lines = LogLines()
    log = AgentLog(lines, HandClock(), LINES_PER_S)
    log.write(LogLevel.INFO, b"x" * (LINE_BYTES_MAX + 1))
    log.write(LogLevel.INFO, b"\xff\xfe ok")
    log.stream(LogLevel.ERROR, b"y" * (LINE_BYTES_MAX + 1))
    log.stream(LogLevel.ERROR, b"unfinished")
    log.flush()
    assert [len(text) < LINE_BYTES_MAX + 30 for _, text in lines] == [True] * 4
    assert lines[1][1].endswith(" ok")
    assert lines[3] == (LogLevel.ERROR, "unfinished")


@pytest.mark.story("001")
def test_a_flood_within_one_entry_is_counted_like_any_other() -> None:
    clock, lines = HandClock(), LogLines()
    log = AgentLog(lines, clock, LINES_PER_S)
    log.write(LogLevel.INFO, b"\n" * 65_535)
    log.stream(LogLevel.INFO, b"a\nb\nc")
    clock.advance(1.0)
    log.write(LogLevel.INFO, b"after")
    dropped = 65_536 + 2 - BURST_LINES
    assert lines[BURST_LINES:] == [
        (LogLevel.WARNING, f"{dropped:,} lines dropped: more than {LINES_PER_S} a second"),
        (LogLevel.INFO, "after"),
    ]


@pytest.mark.story("001")
def test_a_line_does_nothing_to_the_terminal_that_shows_it() -> None:
    lines = LogLines()
    AgentLog(lines, HandClock(), LINES_PER_S).write(LogLevel.INFO, b"a\x1b[2J\rforged\tline\x00")
    assert lines == [(LogLevel.INFO, "a\\x1b[2J\\rforged\tline\\x00")]
