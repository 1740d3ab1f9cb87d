"""A real node and a bare echo beside it, each in a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from caxton_node.devkit.demo.nodes import free_ports
from tests.bench.mesh.daemons import BenchNode
from tests.bench.mesh.processes import cpu_s
from tests.support.nodes import ROOT, found

MANY = 10_000_000
FREE = {
    f"limits.{name}": MANY
    for name in ("client_calls_per_min", "client_burst", "node_calls_per_s", "node_burst", "calls_max")
} | {"limits.client_calls_max": MANY, "limits.shed_lag_s": 60}
"""Every limit is looked at and counted, and none is reached."""


@dataclass(frozen=True, slots=True)
class Server:
    """A process that answers one method.

    Attributes:
        pid: Its id.
        address: host:port of its gRPC.
    """

    pid: int
    address: str

    def cpu_s(self) -> float:
        """Return the processor time that it has used."""
        return cpu_s(self.pid)


@dataclass(frozen=True, slots=True)
class Place:
    """What is measured.

    Attributes:
        node: The node.
        token: Of its administrator.
        echo: The bare echo.
        ca_pem: Who signed the certificate of both.
        rest_port: The node's HTTPS.
    """

    node: BenchNode
    token: str
    echo: Server
    ca_pem: bytes
    rest_port: int

    @property
    def grpc(self) -> Server:
        """Return the node's gRPC."""
        return Server(self.node.pid, f"127.0.0.1:{self.node.grpc_port}")


@contextmanager
def opened() -> Iterator[Place]:
    """Run a node and an echo as long as the context lasts."""
    with ExitStack() as stack:
        root = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="caxton-bench-")))
        mesh, grpc, rest = free_ports(3)
        node = BenchNode(
            "n1", root / "n1", mesh, grpc, extra={**FREE, "rest.enabled": "true", "rest.port": rest}
        )
        node.data_dir.mkdir(mode=0o700)
        stack.callback(node.stop)
        token = found(node)
        certificates = node.data_dir / "certs"
        bare = stack.enter_context(echo(certificates))
        yield Place(node, token, bare, (certificates / "ca.crt").read_bytes(), rest)


@contextmanager
def echo(certificates: Path) -> Iterator[Server]:
    """Run the echo in a process of its own."""
    command = [sys.executable, "-m", "tests.bench.api.echo", str(certificates)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=ROOT, env=dict(os.environ)
    ) as process:
        assert process.stdout is not None
        port = int(process.stdout.readline())
        yield Server(process.pid, f"127.0.0.1:{port}")
        assert process.stdin is not None
        process.stdin.close()
