"""The process in which modules are compiled: a small server that forks a child for each.

    node                          server                        child
     | -- order, 3 descriptors --> |                              |
     |                             | -- fork -------------------> | limits itself, compiles,
     | <-------- pidfd of child -- |                              | writes the code, exits
     | <- how it ended, what it used                              x

A fork of a process that has imported wasmtime costs milliseconds, a new Python a tenth of a second. The
server never compiles anything itself: compiling starts threads, and a process with threads cannot be forked
safely. The three descriptors are memory files for the module and for the code, and the socket for the two
answers.

Nothing outlives the node: the server ends when the node's side of its socket is closed, by whatever cause,
and the kernel kills a child whose server ends.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import selectors
import signal
import socket
import sys
from contextlib import suppress
from dataclasses import asdict, dataclass
from enum import IntEnum
from math import ceil
from pathlib import Path
from typing import NoReturn

import wasmtime

from caxton_node.runtime.profile import Cpu, Profile
from caxton_node.runtime.settings import EngineSettings, make_config

ORDER_BYTES_MAX = 16 * 1024
# What a thread of the compiler reserves without using it: its stack and a heap of its own.
_THREAD_BYTES = 130 * 1024 * 1024
_PR_SET_PDEATHSIG, _PR_SET_NO_NEW_PRIVS = 1, 38
_NICE = 5  # agents that run come before an agent that is being deployed
_libc = ctypes.CDLL(None)


class Exit(IntEnum):
    """How a child ends that was not killed; what the code file then holds."""

    DONE = 0  # the code
    INVALID = 10  # wasmtime's words
    MEMORY = 11  # whatever was written to stderr
    CODE = 12  # the same
    BROKEN = 13  # what this file did not expect


@dataclass(frozen=True, slots=True)
class Order:
    """One module to compile, and what that may cost."""

    profile: Profile
    settings: EngineSettings
    memory_bytes: int
    cpu_time_s: float
    code_bytes_max: int

    def encode(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Order:
        """Read what `encode` wrote."""
        fields = json.loads(data)
        profile, settings = fields.pop("profile"), fields.pop("settings")
        asked = Profile(
            tuple(profile["features"]), Cpu(profile["cpu"]), deterministic=profile["deterministic"]
        )
        return cls(profile=asked, settings=EngineSettings(**settings), **fields)


@dataclass(frozen=True, slots=True)
class Ending:
    """How a child ended.

    Attributes:
        code: Its exit code, or minus the signal that killed it.
        cpu_time_s: Processor time that all its threads took.
        memory_bytes: The most memory it had resident.
        fault: Why there was no child at all.
    """

    code: int = Exit.BROKEN
    cpu_time_s: float = 0.0
    memory_bytes: int = 0
    fault: str = ""

    def encode(self) -> bytes:
        """Return it as JSON."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def decode(cls, data: bytes) -> Ending:
        """Read what `encode` wrote."""
        return cls(**json.loads(data))


@dataclass(frozen=True, slots=True)
class _Child:
    pid: int
    pidfd: int
    answer: socket.socket


def serve(control: socket.socket) -> None:
    """Fork a child for each order until the other side of `control` is closed."""
    with selectors.DefaultSelector() as selector:
        selector.register(control, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                child: _Child | None = key.data
                if child is not None:
                    selector.unregister(child.pidfd)
                    _finish(child)
                    continue
                data, descriptors, _, _ = socket.recv_fds(control, ORDER_BYTES_MAX, 3)
                if not data:
                    return
                started = _start(Order.decode(data), *descriptors)
                if started is not None:
                    selector.register(started.pidfd, selectors.EVENT_READ, started)


def _start(order: Order, module: int, code: int, answer_fd: int) -> _Child | None:
    """Fork; tell the node by which descriptor the child can be killed, or why there is none."""
    answer = socket.socket(fileno=answer_fd)
    server = os.getpid()
    try:
        pid = os.fork()
        if not pid:
            _be_child(order, module, code, server)
        pidfd = _find_handle(pid)
    except OSError as error:
        _tell(answer, Ending(fault=f"no process for it: {error.strerror}").encode())
        answer.close()
        return None
    finally:
        os.close(module)
        os.close(code)
    _tell(answer, b"started", pidfd)
    return _Child(pid, pidfd, answer)


def _find_handle(pid: int) -> int:
    """Return a descriptor of a child; a process that nobody could stop must not be left."""
    try:
        return os.pidfd_open(pid)
    except OSError:
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
        raise


def _finish(child: _Child) -> None:
    _, status, usage = os.wait4(child.pid, 0)
    os.close(child.pidfd)
    ending = Ending(
        os.waitstatus_to_exitcode(status), usage.ru_utime + usage.ru_stime, usage.ru_maxrss * 1024
    )
    _tell(child.answer, ending.encode())
    child.answer.close()


def _tell(answer: socket.socket, data: bytes, *descriptors: int) -> None:
    # A node that has given up has closed its side; a full buffer cannot be with two messages.
    with suppress(OSError):
        socket.send_fds(answer, [data], descriptors, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def _be_child(order: Order, module: int, code: int, server: int) -> NoReturn:
    try:
        _confine(order, module, code, server)
        ending = _compile(order)
    except MemoryError:
        ending = Exit.MEMORY
    except BaseException as error:  # noqa: BLE001 - must not return into the server's loop
        with suppress(OSError):
            os.write(2, repr(error).encode())
        ending = Exit.BROKEN
    os._exit(ending)


def _confine(order: Order, module: int, code: int, server: int) -> None:
    """Give up everything but the module (0) and the code (1, and 2 for last words), then set the limits.

    Memory is limited twice. RLIMIT_DATA counts what can be written to, which is what compiling needs;
    RLIMIT_AS counts reserved addresses too, of which each thread takes 130 MB without using them, so it can
    only be a wide second fence for all that is not data.
    """
    os.dup2(module, 0)
    os.dup2(code, 1)
    os.dup2(code, 2)
    os.closerange(3, resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server:  # it ended before the kernel was told
        os._exit(Exit.BROKEN)
    _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
    with suppress(OSError):
        os.nice(_NICE)
    with suppress(OSError):  # if the host runs out of memory, this process shall go and not the node
        Path("/proc/self/oom_score_adj").write_text("1000")
    pages = [int(field) * resource.getpagesize() for field in Path("/proc/self/statm").read_text().split()]
    cpu_s = ceil(order.cpu_time_s)
    reserved = order.memory_bytes + order.code_bytes_max + _THREAD_BYTES * (os.cpu_count() or 1)
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_CPU, cpu_s, cpu_s + 5)
    _limit(resource.RLIMIT_FSIZE, order.code_bytes_max)
    _limit(resource.RLIMIT_AS, pages[0] + reserved)
    _limit(resource.RLIMIT_DATA, pages[5] + order.memory_bytes)


def _limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Set a limit, or keep what is stricter already."""
    most = resource.getrlimit(kind)[1]
    wanted = soft if hard is None else hard
    allowed = wanted if most == resource.RLIM_INFINITY else min(wanted, most)
    resource.setrlimit(kind, (min(soft, allowed), allowed))


def _compile(order: Order) -> Exit:
    engine = wasmtime.Engine(make_config(order.profile, order.settings))
    with open(0, "rb", closefd=False) as file:
        binary = file.read()
    try:
        # Compiling goes on with all functions while it validates: a bad one of a million costs minutes.
        wasmtime.Module.validate(engine, binary)
        code = wasmtime.Module(engine, binary).serialize()
    except wasmtime.WasmtimeError as error:
        words = str(error)
        if f"os error {errno.ENOMEM}" in words:
            return Exit.MEMORY
        return _answer(words.encode(), Exit.INVALID)
    return _answer(code, Exit.DONE)


def _answer(data: bytes | bytearray, ending: Exit) -> Exit:
    """Put data into the code file in place of anything that a library has printed."""
    os.ftruncate(1, 0)
    os.lseek(1, 0, os.SEEK_SET)
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(1, view) :]
    except OSError as error:
        if error.errno != errno.EFBIG:
            raise
        return Exit.CODE
    return ending


if __name__ == "__main__":
    serve(socket.socket(fileno=int(sys.argv[1])))
