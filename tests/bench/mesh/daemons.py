"""Two real daemons on loopback that are one cluster, and what they cost."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from caxton_node.client import Client
from caxton_node.devkit.demo.nodes import BIN, DemoNode, free_ports, wait_for
from tests.bench.mesh.processes import cpu_s, resident_bytes, waited_s
from tests.support.nodes import ROOT, found, join


@dataclass(slots=True)
class BenchNode(DemoNode):
    """A node with settings of the bench on top; membership as on any network."""

    extra: Mapping[str, object] = field(default_factory=dict)
    front: Sequence[object] = ()

    @property
    def settings(self) -> list[str]:
        """Return the flags that set this node apart from the defaults."""
        values = {
            "mesh.host": "127.0.0.1",
            "mesh.port": self.mesh_port,
            "grpc.port": self.grpc_port,
            "metrics.enabled": "false",
            "rest.enabled": "false",
            **self.extra,
        }
        return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]

    def start(self) -> None:
        """Start the daemon, behind the words of `front` if there are any."""
        program = self.front or [BIN / "caxton-node"]
        command = [*program, "run", "--data-dir", self.data_dir, *self.settings]
        with self.log_path.open("ab") as log:
            self.process = subprocess.Popen(
                [str(word) for word in command], stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT
            )

    @property
    def pid(self) -> int:
        """Return the process id of the running daemon."""
        assert self.process is not None
        return self.process.pid

    def cpu_s(self) -> float:
        """Return the processor time that the daemon has used."""
        return cpu_s(self.pid)

    def waited_s(self) -> float:
        """Return for how long its threads were ready and had no processor."""
        return waited_s(self.pid)

    def resident_bytes(self) -> int:
        """Return how much memory the daemon has."""
        return resident_bytes(self.pid)


@dataclass(frozen=True, slots=True)
class Pair:
    """Two running daemons, sender and receiver, and a client of each."""

    a: BenchNode
    b: BenchNode
    to_a: Client
    to_b: Client


def read_counts(client: Client) -> Counter[str]:
    """Return what became of a node's messages, by outcome."""
    metrics = client.server.metrics(prefix="caxton_messages_total")
    samples = (sample for metric in metrics for sample in metric.samples)
    return Counter({sample.labels["outcome"]: int(sample.value) for sample in samples})


@contextmanager
def open_pair(
    settings: Mapping[str, object], front: Callable[[Path], Sequence[object]] | None = None
) -> Iterator[Pair]:
    """Start two daemons that are one cluster; end them and remove their data afterwards.

    Args:
        settings: On top of the defaults, for both.
        front: Given a node's directory, returns what is run instead of `caxton-node`.
    """
    with ExitStack() as stack:
        root = Path(tempfile.mkdtemp(prefix="caxton-bench-"))
        stack.callback(shutil.rmtree, root, ignore_errors=True)
        ports = free_ports(4)
        a, b = (BenchNode(name, root / name, ports.pop(), ports.pop(), extra=settings) for name in ("a", "b"))
        if front is not None:
            a.front, b.front = front(a.data_dir), front(b.data_dir)
        stack.callback(b.stop)
        stack.callback(a.stop)
        found(a)
        join(b, a)
        to_a, to_b = (stack.enter_context(node.client()) for node in (a, b))
        for client in (to_a, to_b):
            wait_for("two members", partial(_sees_both, client), within_s=20)
        yield Pair(a, b, to_a, to_b)


def _sees_both(client: Client) -> bool:
    return len(client.cluster.members()) == 2
