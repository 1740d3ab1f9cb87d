"""Modules are compiled in a process of their own: bombs end there, and nobody else notices."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import psutil
import pytest
import wasmtime

from caxton_node.core.errors import InvalidModule
from caxton_node.runtime import compile_server
from caxton_node.runtime import compiler as compiler_module
from caxton_node.runtime.code_cache import CodeCache
from caxton_node.runtime.compiler import ChildCompiler, CompileLimits, CompileRefused, CompilerLost
from caxton_node.runtime.engine import Engine, LocalCompiler
from caxton_node.runtime.profile import STRICT, Cpu, Profile
from caxton_node.runtime.settings import EngineSettings, make_config
from tests.support.data_plane import until
from tests.support.guests import contents, request, start, wat

pytestmark = pytest.mark.story("001")
SETTINGS = EngineSettings()
MIB = 1024 * 1024
GOOD = bytes(wasmtime.wat2wasm(wat("echo")))
PROFILES = (
    STRICT,
    Profile(("bulk-memory", "simd"), Cpu.DEADLINE),
    Profile(cpu=Cpu.METERED, deterministic=True),
)


def leb(number: int) -> bytes:
    low, rest = number & 0x7F, number >> 7
    return bytes([low | 0x80]) + leb(rest) if rest else bytes([low])


def section(kind: int, content: bytes) -> bytes:
    return bytes([kind]) + leb(len(content)) + content


def module(body: bytes, *, local_count: int = 0, copies: int = 1) -> bytes:
    """A valid module of functions from i32 to i32 that all have this body."""
    declared = b"\x01" + leb(local_count) + b"\x7f" if local_count else b"\x00"
    function = declared + body + b"\x0b"
    return b"\0asm\x01\0\0\0" + b"".join((
        section(1, b"\x01\x60\x01\x7f\x01\x7f"),
        section(3, leb(copies) + bytes(copies)),
        section(5, b"\x01\x00\x01"),
        section(10, leb(copies) + (leb(len(function)) + function) * copies),
    ))  # fmt: skip


def nested_blocks(depth: int) -> bytes:
    """Blocks in blocks, each left by a branch: seven bytes a level, and time grows with the square."""
    return module(b"\x02\x40" * depth + b"\x20\x00\x0d\x00\x0b" * depth + b"\x20\x00")


def loops_over_locals(loops: int, local_count: int) -> bytes:
    """Loops in loops round many variables: each loop header must merge each variable."""
    changes = b"".join(
        b"\x20" + leb(index) + b"\x41\x01\x6a\x21" + leb(index) for index in range(1, local_count + 1)
    )
    body = b"\x03\x40" * loops + changes + b"\x20\x00\x0d\x00\x0b" * loops + b"\x20" + leb(local_count)
    return module(body, local_count=local_count)


def straight_line(size: int) -> bytes:
    """One function without a branch: a = a * 31 + memory[a], over and over."""
    step = b"\x20\x00\x41\x1f\x6c\x20\x00\x28\x02\x00\x6a\x21\x00"
    return module(step * (size // len(step)) + b"\x20\x00")


def jump_tables(local_count: int, blocks: int, tables: int, targets: int) -> bytes:
    """Tables that jump to every block, in each of which every variable changes."""
    table = b"".join(leb(index % blocks) for index in range(targets))
    jump = b"\x02\x40\x20\x00\x0e" + leb(targets) + table + b"\x00\x0b"
    changes = b"".join(b"\x20" + leb(n) + b"\x20\x00\x6a\x21" + leb(n) for n in range(1, local_count + 1))
    body = b"\x03\x40" + b"\x02\x40" * blocks + jump * tables + (b"\x0b" + changes) * blocks
    return module(body + b"\x20\x00\x0d\x00\x0b\x20\x00", local_count=local_count)


def many_functions(count: int) -> bytes:
    """Functions of six bytes, for each of which there are hundreds of bytes of code and data."""
    return module(b"\x20\x00", copies=count)


ENDLESS = nested_blocks(100_000)  # minutes


@pytest.fixture
def make() -> Iterator[Callable[..., ChildCompiler]]:
    made: list[ChildCompiler] = []

    def compiler(**limits: float) -> ChildCompiler:
        made.append(ChildCompiler(SETTINGS, CompileLimits(**limits)))
        return made[-1]

    yield compiler
    for each in made:
        each.close()


def server_of(compiler: ChildCompiler) -> psutil.Process:
    assert compiler._server is not None
    return psutil.Process(compiler._server._process.pid)


def jobs_of(compiler: ChildCompiler) -> list[psutil.Process]:
    try:
        return server_of(compiler).children() if compiler._server else []
    except psutil.NoSuchProcess:
        return []


async def begin(compiler: ChildCompiler, binary: bytes = ENDLESS) -> tuple[Awaitable[bytes], psutil.Process]:
    """Start compiling in a thread; return when its process is there."""
    pending = asyncio.create_task(asyncio.to_thread(compiler.compile, binary, STRICT))
    await until(lambda: bool(jobs_of(compiler)))
    return pending, jobs_of(compiler)[0]


def is_gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.key)
def test_code_from_the_child_is_what_this_process_would_have_made(make, profile):
    code = make().compile(GOOD, profile)
    assert code == LocalCompiler(SETTINGS).compile(GOOD, profile)
    loaded = wasmtime.Module.deserialize(wasmtime.Engine(make_config(profile, SETTINGS)), code)
    assert "caxton_handle" in {item.name for item in loaded.exports}


def test_an_agent_compiled_by_the_child_answers(make):
    engine = Engine(SETTINGS, compiler=make())
    sandbox, _ = start(engine, wat("echo"))
    assert contents(sandbox.handle([request("hello")])) == [b"hello"]
    engine.close()


def test_wasmtimes_words_on_an_invalid_module_arrive(make):
    broken = module(b"\x42\x00")  # an i64 where the type says i32
    with pytest.raises(InvalidModule) as local:
        LocalCompiler(SETTINGS).compile(broken, STRICT)
    with pytest.raises(InvalidModule) as remote:
        make().compile(broken, STRICT)
    assert "type mismatch" in remote.value.why
    assert remote.value.why == local.value.why


@pytest.mark.story("012")
def test_a_refused_feature_is_named_with_its_function_as_without_the_child(make):
    engine = Engine(SETTINGS, compiler=make())
    with pytest.raises(InvalidModule, match=r"the module needs SIMD: function 0"):
        engine.compile("(module (func (drop (v128.const i64x2 0 0))))")
    engine.close()


def test_a_node_that_starts_again_needs_no_compiler_for_what_it_knows(make, tmp_path):
    first = Engine(SETTINGS, compiler=make(), codes=CodeCache(tmp_path, SETTINGS))
    first.compile(wat("echo"))
    first.close()
    closed = make()
    closed.close()
    cache = CodeCache(tmp_path, SETTINGS)
    second = Engine(SETTINGS, compiler=closed, codes=cache)
    sandbox, _ = start(second, wat("echo"))
    assert contents(sandbox.handle([request("again")])) == [b"again"]
    assert cache.counts.hits == 1
    second.close()


BOMBS = {
    "nested blocks": (nested_blocks(50_000), {"cpu_time_s": 1}, "cpu_time"),
    "one long function": (straight_line(5 * MIB), {"cpu_time_s": 1}, "cpu_time"),
    "nested blocks against the clock": (nested_blocks(50_000), {"wall_time_s": 0.5}, "wall_time"),
    "loops over locals": (loops_over_locals(1000, 1000), {"memory_bytes": 128 * MIB}, "memory"),
    "jump tables": (jump_tables(200, 50, 20, 20_000), {"memory_bytes": 128 * MIB}, "memory"),
    "many functions": (many_functions(2_000), {"code_bytes_max": 64 * 1024}, "code"),
}


@pytest.mark.story("016")
@pytest.mark.parametrize("name", BOMBS)
async def test_a_compile_bomb_is_refused_by_name_while_another_module_is_compiled(make, name):
    bomb, limits, kind = BOMBS[name]
    compiler = make(**limits)
    pending = asyncio.create_task(asyncio.to_thread(compiler.compile, bomb, STRICT))
    assert await asyncio.to_thread(compiler.compile, GOOD, STRICT) == LocalCompiler(SETTINGS).compile(
        GOOD, STRICT
    )
    with pytest.raises(CompileRefused) as refused:
        await pending
    error = refused.value
    assert (error.kind, error.code, error.retryable) == (kind, "COMPILE_LIMIT_EXCEEDED", False)
    (limit,) = limits.values()
    assert error.limit == limit
    assert 0 < error.used < 20 * limit
    assert "allowed" in error.why


@pytest.mark.story("016")
async def test_no_more_modules_are_compiled_at_once_than_allowed(make):
    compiler = make(concurrent=1, cpu_time_s=1)
    pending = [
        asyncio.create_task(asyncio.to_thread(compiler.compile, nested_blocks(50_000), STRICT))
        for _ in range(3)
    ]
    seen: dict[int, int] = {}

    def look() -> bool:
        jobs = jobs_of(compiler)
        seen.update((job.pid, len(jobs)) for job in jobs)
        return all(task.done() for task in pending)

    await until(look, within_s=60)
    assert [type(task.exception()) for task in pending] == [CompileRefused] * 3
    assert list(seen.values()) == [1, 1, 1]


async def test_a_server_that_was_killed_is_replaced_and_the_module_compiled_again(make):
    compiler = make()
    assert compiler.compile(GOOD, STRICT)
    server_of(compiler).kill()
    assert compiler.compile(GOOD, STRICT)


async def test_a_server_killed_twice_in_one_compile_is_an_error_and_no_third_try(make):
    compiler = make()
    pending, job = await begin(compiler)
    first = server_of(compiler)
    first.kill()
    await until(lambda: is_gone(first) and bool(jobs_of(compiler)))
    assert is_gone(job)
    server_of(compiler).kill()
    with pytest.raises(CompilerLost, match="ended twice") as lost:
        await pending
    assert lost.value.retryable
    assert compiler.compile(GOOD, STRICT)


async def test_a_compile_killed_from_outside_is_an_error_that_may_be_tried_again(make):
    compiler = make()
    pending, job = await begin(compiler)
    job.kill()
    with pytest.raises(CompilerLost, match="killed by SIGKILL"):
        await pending
    assert compiler.compile(GOOD, STRICT)


async def test_a_server_that_does_not_answer_is_given_up(make, monkeypatch):
    compiler = make()
    compiler.compile(GOOD, STRICT)
    stopped = server_of(compiler)
    stopped.suspend()
    with monkeypatch.context() as patch:
        patch.setattr(compiler_module, "_START_TIMEOUT_S", 0.2)
        with pytest.raises(CompilerLost, match="did not answer"):
            await asyncio.to_thread(compiler.compile, GOOD, STRICT)
    assert is_gone(stopped)
    assert compiler.compile(GOOD, STRICT)


async def test_closing_ends_what_is_compiled_and_what_waits(make):
    compiler = make(concurrent=1)
    pending, job = await begin(compiler)
    waiting = asyncio.create_task(asyncio.to_thread(compiler.compile, GOOD, STRICT))
    server = server_of(compiler)
    compiler.close()
    compiler.close()
    for task in (pending, waiting):
        with pytest.raises(CompilerLost, match="stopping"):
            await task
    await until(lambda: is_gone(server) and is_gone(job))


async def test_a_compile_has_its_limits_and_nothing_of_the_nodes(make, monkeypatch, tmp_path):
    monkeypatch.setenv("CAXTON_SECRET_TOKEN", "secret")
    compiler = make(memory_bytes=512 * MIB, cpu_time_s=7, code_bytes_max=MIB)
    with (tmp_path / "inherited").open("w") as file:
        os.set_inheritable(file.fileno(), True)
        pending, job = await begin(compiler)
    about = Path(f"/proc/{job.pid}")
    await until(lambda: job.rlimit(psutil.RLIMIT_DATA)[0] != psutil.RLIM_INFINITY)
    # wasmtime looks into a file of its own now and then; what was inherited would stay
    await until(lambda: {item.name for item in (about / "fd").iterdir()} == {"0", "1", "2"})
    assert job.rlimit(psutil.RLIMIT_CPU)[0] == 7
    assert job.rlimit(psutil.RLIMIT_FSIZE) == (MIB, MIB)
    assert 512 * MIB < job.rlimit(psutil.RLIMIT_DATA)[0] < 600 * MIB
    assert job.rlimit(psutil.RLIMIT_AS)[0] < 600 * MIB + MIB + 200 * MIB * (os.cpu_count() or 1)
    assert "NoNewPrivs:\t1" in (about / "status").read_text()
    assert (about / "oom_score_adj").read_text().strip() == "1000"
    assert b"secret" not in (about / "environ").read_bytes()
    job.kill()
    with pytest.raises(CompilerLost):
        await pending


def no_process(*_: object) -> int:
    raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))


def test_a_host_without_a_process_to_spare_says_so(monkeypatch):
    mine, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    order = compile_server.Order(STRICT, SETTINGS, 64 * MIB, 1, MIB)
    files = [os.memfd_create(name) for name in ("module", "code")]
    monkeypatch.setattr(os, "fork", no_process)
    assert compile_server._start(order, *files, theirs.detach()) is None
    ending = compile_server.Ending.decode(mine.recv(4096))
    assert ending.fault == "no process for it: Resource temporarily unavailable"
    assert mine.recv(4096) == b"", "the server has closed its side"
    mine.close()


def test_a_process_that_nobody_could_stop_is_not_left(monkeypatch):
    process = subprocess.Popen(["/bin/sleep", "600"])
    monkeypatch.setattr(os, "pidfd_open", no_process)
    with pytest.raises(BlockingIOError):
        compile_server._find_handle(process.pid)
    assert not psutil.pid_exists(process.pid)
    process.wait()


def test_the_server_never_has_a_second_thread(make):
    compiler = make()
    for _ in range(3):
        compiler.compile(GOOD, STRICT)
    assert server_of(compiler).num_threads() == 1
    assert jobs_of(compiler) == []


async def test_no_descriptor_is_left_open_by_any_ending(make):
    compiler = make(cpu_time_s=1, code_bytes_max=64 * 1024)
    compiler.compile(GOOD, STRICT)
    before = psutil.Process().num_fds()
    for binary in (GOOD, module(b"\x42\x00"), many_functions(2000), nested_blocks(50_000)):
        try:
            compiler.compile(binary, STRICT)
        except (InvalidModule, CompileRefused):
            continue
    assert psutil.Process().num_fds() == before
    # the server closes its side just after it has told the node: three streams, its socket, its selector
    await until(lambda: server_of(compiler).num_fds() == 5)


NODE = """
import sys
from caxton_node.runtime.compiler import ChildCompiler
from caxton_node.runtime.profile import STRICT
from caxton_node.runtime.settings import EngineSettings

ChildCompiler(EngineSettings()).compile(sys.stdin.buffer.read(), STRICT)
"""


async def test_nothing_outlives_a_node_that_was_killed():
    node = await asyncio.create_subprocess_exec(sys.executable, "-c", NODE, stdin=asyncio.subprocess.PIPE)
    assert node.stdin is not None
    node.stdin.write(ENDLESS)
    node.stdin.close()
    about = psutil.Process(node.pid)
    await until(lambda: len(about.children(recursive=True)) == 2, within_s=30)
    server, job = about.children(recursive=True)
    node.kill()
    assert await node.wait() == -signal.SIGKILL
    await until(lambda: is_gone(server) and is_gone(job))
