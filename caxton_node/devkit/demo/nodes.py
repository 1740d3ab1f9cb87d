"""The demonstration's processes: started through the command line, ended by id, and none left behind."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

from caxton_node.client import Client, Endpoint
from caxton_node.core.errors import CaxtonError, Unavailable

BIN = Path(sys.executable).parent
STOP_S = 10.0
HOST = "127.0.0.1"

T = TypeVar("T")


def free_ports(count: int) -> list[int]:
    """Find ports of loopback that are free for both UDP and TCP at this moment."""
    ports: list[int] = []
    with ExitStack() as held:
        while len(ports) < count:
            tcp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_STREAM))
            tcp.bind((HOST, 0))
            port = tcp.getsockname()[1]
            udp = held.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            try:
                udp.bind((HOST, port))
            except OSError:
                continue
            ports.append(port)
    return ports


def wait_for(what: str, probe: Callable[[], T | None], *, within_s: float) -> T:
    """Ask until the probe answers something else than None or False.

    Raises:
        Unavailable: It did not within the time.
    """
    until = time.monotonic() + within_s
    while True:
        try:
            answer = probe()
        except CaxtonError:
            answer = None
        if answer:
            return answer
        if time.monotonic() > until:
            raise Unavailable(
                f"waited {within_s:g} s in vain for {what}", hint="look at the node logs with KEEP=1"
            )
        time.sleep(0.02)


@dataclass(slots=True)
class DemoNode:
    """One node of the demonstration.

    Attributes:
        node_id: Its id.
        data_dir: Its data directory, inside the demonstration's own.
        mesh_port: UDP and TCP port of gossip and mesh.
        grpc_port: TCP port of the management API.
        process: The running daemon, None before the start and after the end.
    """

    node_id: str
    data_dir: Path
    mesh_port: int
    grpc_port: int
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> list[str]:
        """Return the flags that set this node apart from the defaults."""
        values = {
            "mesh.host": HOST,
            "mesh.port": self.mesh_port,
            "grpc.port": self.grpc_port,
            "metrics.enabled": "false",
            "swim.profile": "local",
        }
        return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]

    @property
    def socket_path(self) -> Path:
        """Return the management socket."""
        return self.data_dir / "caxton.sock"

    @property
    def log_path(self) -> Path:
        """Return the file that holds what the daemon wrote to stderr."""
        return self.data_dir / "node.log"

    def client(self) -> Client:
        """Open a client on the management socket."""
        return Client(Endpoint(f"unix:{self.socket_path}"))

    def start(self) -> None:
        """Start the daemon; it is up when `wait_ready` returns."""
        command = [BIN / "caxton-node", "run", "--data-dir", self.data_dir, *self.settings]
        with self.log_path.open("ab") as log:
            # A session of its own: Ctrl-C reaches the demonstration alone, which then ends its nodes in
            # order.
            self.process = subprocess.Popen(
                [str(word) for word in command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def wait_ready(self) -> None:
        """Return when the node answers.

        Raises:
            Unavailable: It ended or did not answer in time; the end of its log is in the error.
        """

        def ready() -> bool:
            if self.process is not None and self.process.poll() is not None:
                raise SystemExit(f"{self.node_id} ended at once:\n{self.log_tail()}")
            if not self.socket_path.exists():
                return False
            with self.client() as client:
                return client.server.health().ready

        wait_for(f"{self.node_id} to answer", ready, within_s=30)

    def log_tail(self, lines: int = 15) -> str:
        """Return the last lines of the log."""
        return "\n".join(self.log_path.read_text(errors="replace").splitlines()[-lines:])

    def kill(self) -> None:
        """End the process as a power cut would: SIGKILL, no goodbye."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """End the process in order, by force if it does not follow."""
        self._end(signal.SIGTERM)

    def _end(self, with_signal: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(with_signal)
        try:
            self.process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.process = None


class Stage:
    """A temporary directory with nodes in it; leaving it ends the nodes and removes the directory.

    Args:
        keep: Leave both when the demonstration ends well.
    """

    def __init__(self, *, keep: bool) -> None:
        self._keep = keep
        self.root = Path(tempfile.mkdtemp(prefix="caxton-demo-"))
        ports = free_ports(6)
        self.nodes = [
            DemoNode(f"n{number}", self.root / f"n{number}", ports[2 * number - 2], ports[2 * number - 1])
            for number in (1, 2, 3)
        ]

    def run(self, *words: object) -> str:
        """Run one of the two commands to its end and return what it printed.

        Raises:
            SystemExit: The command failed; its own words are passed on.
        """
        command = [str(BIN / str(words[0])), *map(str, words[1:])]
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
        if done.returncode:
            raise SystemExit(
                f"{' '.join(command)}\nended with {done.returncode}:\n{done.stdout}{done.stderr}"
            )
        return done.stdout

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._keep and kind is None:
            return
        # A second Ctrl-C must not interrupt the clearing up.
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        for node in self.nodes:
            if node.process is not None:
                node.process.send_signal(signal.SIGTERM)
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.root, ignore_errors=True)
