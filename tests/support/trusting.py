"""Small clusters of whole nodes whose trust is changed: nodes come, go, and come back with their files."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

from caxton_node.cluster.joining import join_cluster
from caxton_node.core.errors import CaxtonError
from caxton_node.devkit.demo.nodes import free_ports
from tests.support.api import Node, call, founder, members_alive, running

QUICK = ("certs.check_interval_s=1", "certs.compare_interval_s=1")


class Cluster:
    """Nodes of one cluster in this process; the founder is `n1`.

    Args:
        folder: Where their data directories are made.
        stack: Closes what is still running at the end.
    """

    def __init__(self, folder: Path, stack: AsyncExitStack) -> None:
        self.nodes: dict[str, Node] = {}
        self._folder = folder
        self._stack = stack
        self._closers: dict[str, AsyncExitStack] = {}
        self._ports: dict[str, int] = {}

    def __getitem__(self, name: str) -> Node:
        """Return a node that runs."""
        return self.nodes[name]

    def data_dir(self, name: str) -> Path:
        """Return where a node's data is."""
        return self._folder / name

    async def found(self) -> Node:
        """Make the cluster."""
        settings = self._settings_of("n1")
        return await self._enter("n1", lambda: founder(self.data_dir("n1"), "n1", *settings))

    async def token(self, at: str = "n1") -> str:
        """Print a join token on a node."""
        made = await call(self[at].local, lambda client: client.cluster.create_join_token())
        return made.token

    async def invite(self, name: str, *, through: str = "n1", token: str = "") -> None:
        """Let a node join without starting it."""
        token = token or await self.token(through)
        directory, seed = self.data_dir(name), self[through].grpc
        await asyncio.to_thread(join_cluster, directory, seed, token, name, ["127.0.0.1"])

    async def start(self, name: str) -> Node:
        """Start a node on what lies in its directory, and wait until it and a member see each other."""
        others = list(self.nodes.values())
        settings = self._settings_of(name)
        node = await self._enter(name, lambda: running(self.data_dir(name), *settings))
        if others:
            await members_alive(others[0], name)
            await members_alive(node, others[0].daemon.files.node_id)
        return node

    async def join(self, name: str, *, through: str = "n1") -> Node:
        """Let a node join and start it."""
        await self.invite(name, through=through)
        return await self.start(name)

    async def stop(self, name: str) -> None:
        """Stop a node in good order."""
        del self.nodes[name]
        await self._closers.pop(name).aclose()

    def _settings_of(self, name: str) -> tuple[str, ...]:
        """Return the settings of a node, with a mesh port that it keeps, so that others find it again."""
        if name not in self._ports:
            self._ports[name] = free_ports(1)[0]
        return (*QUICK, f"mesh.port={self._ports[name]}")

    async def _enter(self, name: str, open_node: Callable[[], object]) -> Node:
        closer = await self._stack.enter_async_context(AsyncExitStack())
        node: Node = await closer.enter_async_context(open_node())  # type: ignore[arg-type]
        self.nodes[name], self._closers[name] = node, closer
        return node


@asynccontextmanager
async def cluster(folder: Path, *names: str) -> AsyncIterator[Cluster]:
    """Run a founder `n1` and nodes that joined it."""
    async with AsyncExitStack() as stack:
        made = Cluster(folder, stack)
        await made.found()
        for name in names:
            await made.join(name)
        yield made


async def until(what: Callable[[], bool], *, within_s: float = 20.0) -> None:
    """Wait until something is so on nodes of this process."""
    async with asyncio.timeout(within_s):
        while True:
            try:
                if what():
                    return
            except CaxtonError:
                pass
            await asyncio.sleep(0.02)
