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
from dataclasses import dataclass, field
from pathlib import Path
from secrets import token_hex
from typing import Self, TypeVar

from caxton_node.client import Client, Endpoint
from caxton_node.core.errors import CaxtonError, Unavailable
from caxton_node.devkit.demo.interrupts import Interrupts

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
        interrupts: Held off while a process is started.
        process: The running daemon, None before the start and after the end.
    """

    node_id: str
    data_dir: Path
    mesh_port: int
    grpc_port: int
    interrupts: Interrupts = field(default_factory=Interrupts)
    process: subprocess.Popen[bytes] | None = None

    @property
    def settings(self) -> list[str]:
        """Return the flags that set this node apart from the defaults."""
        values = {
            "mesh.host": HOST,
            "mesh.port": self.mesh_port,
            "grpc.port": self.grpc_port,
            "metrics.enabled": "false",
            "rest.enabled": "false",
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
        with self.log_path.open("ab") as log, self.interrupts.held():
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
    """A temporary directory with three nodes in it.

    Args:
        interrupts: Held off while a process is started.

    Attributes:
        root: The directory; made by `open`.
        nodes: n1, n2 and n3; the acts start them.
    """

    def __init__(self, interrupts: Interrupts) -> None:
        self.root = Path(tempfile.gettempdir()) / f"caxton-demo-{token_hex(4)}"
        ports = free_ports(6)
        self.nodes = [
            DemoNode(node_id, self.root / node_id, ports.pop(), ports.pop(), interrupts)
            for node_id in ("n1", "n2", "n3")
        ]

    def open(self) -> None:
        """Make the directory."""
        self.root.mkdir(mode=0o700)

    def run(self, *words: object) -> str:
        """Run one of the two commands to its end and return what it printed.

        Raises:
            SystemExit: The command failed; its own words are passed on.
        """
        command = [str(BIN / str(words[0])), *map(str, words[1:])]
        environment = {**os.environ, "NO_COLOR": "1", "COLUMNS": "100"}
        pipe = subprocess.PIPE
        with subprocess.Popen(command, text=True, env=environment, stdout=pipe, stderr=pipe) as process:
            try:
                out, err = process.communicate()
            except BaseException:
                # subprocess.run would kill it too, but not wait until it is gone when Ctrl-C is the reason.
                process.kill()
                process.wait()
                raise
        if process.returncode:
            raise SystemExit(f"{' '.join(command)}\nended with {process.returncode}:\n{out}{err}")
        return out

    def close(self) -> None:
        """End the nodes, all at once and in order, and remove the directory."""
        for node in self.nodes:
            if node.process is not None:
                node.process.send_signal(signal.SIGTERM)
        for node in self.nodes:
            node.stop()
        shutil.rmtree(self.root, ignore_errors=True)

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
