"""Three real nodes and the chain of agents on them: a, b are killed again and again, c keeps count."""

from __future__ import annotations

import contextlib
import random
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

from caxton_node.client import Client, Endpoint
from caxton_node.core.errors import Unavailable
from caxton_node.devkit.demo.nodes import DemoNode, free_ports
from tests.support.durable_guests import durable_relay
from tests.support.nodes import caxton, found, join

NAMES = ("a", "b", "c")
PATIENCE = 4
"""How many times longer than other tests a start may take: this one runs for long, and beside others."""


class World:
    """Nodes a, b and c; use as a context manager.

    A client sends to `front` on a, that to `worker` on b, and that to `book` on c: all of it durable.

    Attributes:
        nodes: By name.
    """

    def __init__(self) -> None:
        self._room = tempfile.TemporaryDirectory(prefix="caxton-kills-")
        self.root = Path(self._room.name)
        ports = free_ports(6)
        self.nodes = {name: DemoNode(name, self.root / name, ports.pop(), ports.pop()) for name in NAMES}

    def __enter__(self) -> Self:
        a, b, c = (self.nodes[name] for name in NAMES)
        found(c)
        join(a, c)
        join(b, c)
        guest = self.root / "relay.wat"
        guest.write_text(durable_relay())
        self._deploy(c, guest, "book")
        self._deploy(b, guest, "worker", "book@c")
        self._deploy(a, guest, "front", "worker@b")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        for node in self.nodes.values():
            node.stop()
        self._room.cleanup()

    def client(self, name: str) -> Client:
        """Open a client of one node."""
        return Client(Endpoint(f"unix:{self.nodes[name].socket_path}"))

    def restart(self, name: str, *, in_order: bool) -> None:
        """End a node, in order or as a power cut would, and start it again; it serves when this returns."""
        node = self.nodes[name]
        if in_order:
            node.stop()
        else:
            node.kill()
        node.start()
        for _ in range(PATIENCE):
            with contextlib.suppress(Unavailable):
                node.wait_ready()
                return
        raise AssertionError(f"{name} does not come back:\n{node.log_tail(30)}")

    def _deploy(self, node: DemoNode, guest: Path, name: str, following: str = "") -> None:
        more = ("--config", f"next={following}") if following else ()
        done = caxton(node, "agent", "deploy", guest, "--name", name, *more)
        assert done.returncode == 0, (done.stdout, done.stderr)


@dataclass(frozen=True, slots=True)
class Round:
    """What happens in one round.

    Attributes:
        victim: Who goes.
        after_s: When.
        in_order: Whether it may say goodbye, as one in eight does; then it keeps its other mail too.
    """

    victim: str
    after_s: float
    in_order: bool


def rounds_of(count: int, seed: int) -> list[Round]:
    """Choose what happens."""
    rng = random.Random(seed)
    return [Round(rng.choice("ab"), rng.uniform(0.0, 2.0), rng.random() < 1 / 8) for _ in range(count)]
