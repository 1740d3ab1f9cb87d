"""Many whole nodes on loopback: real `caxton-node` processes with the profile of a data centre."""

from __future__ import annotations

import shutil
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Self

import psutil

from caxton_node.client import Client
from caxton_node.cluster.joining import found_cluster, join_cluster
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import HOST, DemoNode, free_ports, wait_for
from tests.bench.swim_real.priority import prefer

CLUSTER = "bench"


class LanNode(DemoNode):
    """A node with the profile `lan`; the demonstration's own are set to `local`."""

    @property
    def settings(self) -> list[str]:
        """Return the flags that set this node apart from the defaults."""
        return [*super().settings, "--set", "swim.profile=lan"]


class Fleet:
    """Nodes of one cluster in a temporary directory, each with a client that stays open.

    Args:
        count: How many there will be.

    Attributes:
        nodes: All of them; `start` lets them run, one after the other.
        clients: Of the running nodes, by id.
    """

    def __init__(self, count: int) -> None:
        self._root = Path(tempfile.mkdtemp(prefix="caxton-fleet-"))
        self.nodes = [LanNode(f"node-{number:05}", self._root / str(number), 0, 0) for number in range(count)]
        self.clients: dict[str, Client] = {}

    def start(self, node: DemoNode) -> float:
        """Let a node in and run it; return the seconds from the start of its process until it is ready."""
        first = self.nodes[0]
        node.mesh_port, node.grpc_port = free_ports(2)  # not earlier: others would have taken them meanwhile
        if node is first:
            found_cluster(node.data_dir, node.node_id, CLUSTER, [HOST])
        else:
            token = self.clients[first.node_id].cluster.create_join_token().token
            join_cluster(node.data_dir, f"{HOST}:{first.grpc_port}", token, node.node_id, [HOST])
        began = time.monotonic()
        node.start()
        assert node.process is not None
        prefer(node.process.pid)
        node.wait_ready()
        self.clients[node.node_id] = node.client()
        return time.monotonic() - began

    def wait_complete(self, within_s: float) -> None:
        """Return when every running node counts every other one as alive."""
        for node_id, client in self.clients.items():
            wait_for(
                f"{node_id} to know all",
                lambda client=client: client.cluster.status().members_alive == len(self.clients),
                within_s=within_s,
            )

    def kill(self, node: DemoNode) -> float:
        """End a node with SIGKILL; return the wall clock of that moment, seconds since 1970."""
        self.clients.pop(node.node_id).close()
        at = time.time()
        node.kill()
        return at

    def gossip_bytes(self) -> int:
        """Return the payload that the gossip of all running nodes has sent so far."""
        return sum(client.cluster.status().gossip_bytes_out for client in self.clients.values())

    def cpu_s(self) -> float:
        """Return the processor time that all running nodes have used so far."""
        return sum(sum(process.cpu_times()[:2]) for process in self._processes())

    def resident_bytes(self) -> int:
        """Return the resident memory of all running nodes; what they share is counted in each."""
        return sum(process.memory_info().rss for process in self._processes())

    def _processes(self) -> list[psutil.Process]:
        return [psutil.Process(node.process.pid) for node in self.nodes if node.process is not None]

    def close(self) -> None:
        """End all nodes and remove their files."""
        for client in self.clients.values():
            with suppress(CaxtonError):
                client.close()
        with ThreadPoolExecutor(4) as several:
            list(several.map(DemoNode.kill, self.nodes))
        shutil.rmtree(self._root, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
