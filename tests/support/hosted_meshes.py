"""Meshes on hosts of a network of its own: each in a thread that lives in the host's network namespace."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from dataclasses import dataclass
from typing import Any, Self, TypeVar

from tests.support.meshes import Keeper, Node
from tests.support.tun_net import TunHost
from transport import Credentials, Mesh, Settings

T = TypeVar("T")
_START_S = 10.0


@dataclass
class HostedMesh:
    """A mesh that listens on a host; its thread made every socket, so they are the host's."""

    host: TunHost
    credentials: Credentials
    settings: Settings

    def __post_init__(self) -> None:
        self.node: Node
        self._loop = asyncio.new_event_loop()
        self._started: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, name=f"mesh-{self.host.name}", daemon=True)

    def do(self, work: Coroutine[Any, Any, T], timeout_s: float = 30.0) -> T:
        """Run something on the mesh's own loop and wait for it."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(timeout_s)

    def __enter__(self) -> Self:
        self._thread.start()
        self._started.result(_START_S)
        return self

    def __exit__(self, *_: object) -> None:
        self.do(self.node.mesh.close())
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        try:
            self.host.enter()
            self._loop.run_until_complete(self._open())
        except Exception as err:  # noqa: BLE001  it is raised where the mesh is waited for
            self._started.set_exception(err)
            return
        self._started.set_result(None)
        self._loop.run_forever()
        self._loop.close()

    async def _open(self) -> None:
        keeper = Keeper()
        mesh = Mesh(self.credentials, self.settings, keeper, epoch=1)
        port = await mesh.open(self.host.address, 0)
        self.node = Node(mesh, keeper, (self.host.address, port), self.credentials.node_id)
