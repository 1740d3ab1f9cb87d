"""Compiles modules outside of the node, so that a module made to be dear costs only itself.

A few kilobytes of valid WebAssembly can keep a compiler busy for minutes and take gigabytes (DESIGN.md has
figures). wasmtime offers no bound for that and a thread cannot be stopped, so each module is compiled in a
process of its own, with limits that the kernel keeps; `compile_server.py` is the other side.

`compile_verdict.py` says what its endings mean.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
from contextlib import ExitStack, suppress
from pathlib import Path

import caxton_node
from caxton_node.runtime.compile_server import Ending, Exit, Order
from caxton_node.runtime.compile_verdict import CompileLimits, CompileRefused, CompilerLost, explain_ending
from caxton_node.runtime.profile import Profile
from caxton_node.runtime.settings import EngineSettings

__all__ = ["ChildCompiler", "CompileLimits", "CompileRefused", "CompilerLost"]

_SERVER = "caxton_node.runtime.compile_server"
_ANSWER_BYTES_MAX = 4096
_WORDS_BYTES_MAX = 16 * 1024
# The server only forks. If it has not within this time, it is stopped or the host is beyond help.
_START_TIMEOUT_S = 30.0
_KILL_TIMEOUT_S = 5.0
_TRIES = 2


class ChildCompiler:
    """A `Compiler` that works in child processes. Thread-safe; `compile` blocks.

    Its server is started by the first module, and again if it was killed.

    Args:
        settings: As of the engine that shall run the code.
        limits: What one module may cost.
    """

    def __init__(self, settings: EngineSettings, limits: CompileLimits | None = None) -> None:
        self._settings = settings
        self._limits = limits or CompileLimits()
        self._slots = threading.BoundedSemaphore(self._limits.concurrent)
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._closed = False

    def compile(self, binary: bytes, profile: Profile) -> bytes:
        """Return what `wasmtime.Module.serialize` gives.

        Raises:
            InvalidModule: It is not valid; `why` holds wasmtime's own words.
            CompileRefused: It took too much time, memory or code.
            CompilerLost: The process was killed from outside, or there was none to be had.
        """
        limits = self._limits
        order = Order(
            profile, self._settings, limits.memory_bytes, limits.cpu_time_s, limits.code_bytes_max
        ).encode()
        with self._slots:
            for _ in range(_TRIES):
                server = self._find_server()
                try:
                    return self._run(server, order, binary)
                except _ServerGone:  # in which the module had no part, so it may have another try
                    server.kill()
        raise CompilerLost("the compile server ended twice meanwhile")

    def close(self) -> None:
        """Kill the server and what it is compiling; that ends with CompilerLost. May be called twice."""
        with self._lock:
            self._closed = True
            if self._server is not None:
                self._server.kill()

    def _run(self, server: _Server, order: bytes, binary: bytes) -> bytes:
        with ExitStack() as stack:
            module, code = (_memory_file(stack, name) for name in ("module", "code"))
            with os.fdopen(os.dup(module), "wb") as file:
                file.write(binary)
            os.lseek(module, 0, os.SEEK_SET)
            answers, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
            stack.enter_context(answers)
            with theirs:
                server.send(order, [module, code, theirs.fileno()])
            ending, was_late = self._wait(server, answers)
            if ending.code == Exit.DONE:
                return _content(code)
            words = _content(code, _WORDS_BYTES_MAX).decode(errors="replace")
            raise explain_ending(ending, words, self._limits, was_late=was_late)

    def _find_server(self) -> _Server:
        with self._lock:
            if self._closed:
                raise CompilerLost("this node is stopping", hint="")
            if self._server is None or self._server.is_gone():
                self._server = _Server()
            return self._server

    def _wait(self, server: _Server, answers: socket.socket) -> tuple[Ending, bool]:
        """Return how the child ended, and whether it had to be killed for that.

        The server is not trusted to answer either: it is killed when it is silent where it cannot be slow.
        """
        try:
            first, pidfds = _receive(answers, _START_TIMEOUT_S)
            if not pidfds:
                return Ending.decode(first), False
            with ExitStack() as stack:
                stack.callback(os.close, pidfds[0])
                return self._wait_for_child(answers, pidfds[0])
        except TimeoutError:
            server.kill()
            raise CompilerLost("the compile server did not answer") from None

    def _wait_for_child(self, answers: socket.socket, pidfd: int) -> tuple[Ending, bool]:
        try:
            return Ending.decode(_receive(answers, self._limits.wall_time_s)[0]), False
        except TimeoutError:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(pidfd, signal.SIGKILL)
            return Ending.decode(_receive(answers, _KILL_TIMEOUT_S)[0]), True


class _ServerGone(Exception):
    """The server was killed."""


class _Server:
    """The server's process, seen from the node.

    It gets nothing of the node's environment, where secrets may be, and a session of its own, so that Ctrl-C
    reaches only the node, which may want to compile while it drains.
    """

    def __init__(self) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._socket.settimeout(_START_TIMEOUT_S)
        kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
        root = str(Path(caxton_node.__file__).parents[1])
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", _SERVER, str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env={**kept, "PYTHONPATH": root, "RUST_BACKTRACE": "0"},
                cwd="/",
                start_new_session=True,
            )

    def is_gone(self) -> bool:
        """Return whether it has ended; then it is buried as well."""
        if self._process.poll() is None:
            return False
        self.kill()
        return True

    def send(self, order: bytes, descriptors: list[int]) -> None:
        try:
            socket.send_fds(self._socket, [order], descriptors, socket.MSG_NOSIGNAL)
        except OSError:
            raise _ServerGone from None

    def kill(self) -> None:
        """End the server and by that its children, or bury it if it is dead; may be called again."""
        self._process.kill()
        self._process.wait()
        self._socket.close()


def _memory_file(stack: ExitStack, name: str) -> int:
    descriptor = os.memfd_create(name, os.MFD_CLOEXEC)
    stack.callback(os.close, descriptor)
    return descriptor


def _receive(answers: socket.socket, timeout_s: float) -> tuple[bytes, list[int]]:
    answers.settimeout(timeout_s)
    try:
        data, descriptors, _, _ = socket.recv_fds(answers, _ANSWER_BYTES_MAX, 1)
    except ConnectionError:
        raise _ServerGone from None
    if not data:
        raise _ServerGone
    return data, descriptors


def _content(descriptor: int, most: int = -1) -> bytes:
    with os.fdopen(os.dup(descriptor), "rb") as file:
        file.seek(0)
        return file.read(most)
