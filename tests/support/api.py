"""Whole nodes in this process, opened by the real daemon, and clients to talk to them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from caxton_node.client import Client, Endpoint
from caxton_node.cluster.joining import found_cluster, join_cluster
from caxton_node.config import load
from caxton_node.daemon import Daemon

T = TypeVar("T")
ANY_PORT = (
    "mesh.host=127.0.0.1",
    "mesh.port=0",
    "grpc.port=0",
    "rest.port=0",
    "metrics.enabled=false",
    "swim.profile=local",
)


@dataclass
class Node:
    """A running node.

    Attributes:
        admin_token: Of the cluster's founder; empty on a node that joined.
    """

    daemon: Daemon
    data_dir: Path
    admin_token: str = ""
    ca_pem: bytes = field(default=b"", repr=False)

    @property
    def local(self) -> Endpoint:
        """Return the management socket."""
        return Endpoint(f"unix:{self.data_dir / 'caxton.sock'}")

    @property
    def grpc(self) -> str:
        """Return host:port of the TLS port."""
        return self.daemon.listening()["grpc"]

    def remote(self, token: str | None = None) -> Endpoint:
        """Return the TLS port with a token, the admin's unless another is given."""
        return Endpoint(self.grpc, self.admin_token if token is None else token, self.ca_pem)


async def call(endpoint: Endpoint, work: Callable[[Client], T], *, timeout_s: float = 10.0) -> T:
    """Use a client on a thread, as programs do, while this loop runs the node."""

    def use() -> T:
        with Client(endpoint, timeout_s=timeout_s) as client:
            return work(client)

    return await asyncio.to_thread(use)


@asynccontextmanager
async def running(data_dir: Path, *settings: str, admin_token: str = "") -> AsyncIterator[Node]:
    """Run the node of a data directory."""
    overrides = [*ANY_PORT, *settings, f"data.dir={data_dir}"]
    async with AsyncExitStack() as stack:
        daemon = Daemon(load(environ={}, overrides=overrides), stack)
        await daemon.open()
        yield Node(daemon, data_dir, admin_token, (data_dir / "certs" / "ca.crt").read_bytes())


@asynccontextmanager
async def founder(data_dir: Path, node_id: str = "n1", *settings: str) -> AsyncIterator[Node]:
    """Make a cluster of one and run it."""
    founded = await asyncio.to_thread(found_cluster, data_dir, node_id, "test", ["127.0.0.1"])
    async with running(data_dir, *settings, admin_token=founded.admin_token) as node:
        yield node


@asynccontextmanager
async def newcomer(seed: Node, data_dir: Path, node_id: str) -> AsyncIterator[Node]:
    """Join the cluster of a running node through its gRPC, and run."""
    token = (await call(seed.local, lambda client: client.cluster.create_join_token())).token
    await asyncio.to_thread(join_cluster, data_dir, seed.grpc, token, node_id, ["127.0.0.1"])
    async with running(data_dir) as node:
        await members_alive(seed, node_id)
        await members_alive(node, seed.daemon.files.node_id)
        yield node


async def members_alive(node: Node, wanted: str, within_s: float = 10.0) -> None:
    """Wait until a node sees another alive."""

    def watch(client: Client) -> None:
        for event in client.cluster.watch():
            if event.member.node_id == wanted and event.member.state == 1:
                return

    async with asyncio.timeout(within_s):
        await call(node.local, watch)


async def seen_by(node: Node, agent: str, count: int = 1, within_s: float = 10.0) -> None:
    """Wait until a node knows so many instances of an agent."""
    async with asyncio.timeout(within_s):
        while len(await call(node.local, lambda client: list(client.agents.list(name=agent)))) < count:  # noqa: ASYNC110  it tells no client
            await asyncio.sleep(0.02)
