"""Asks for the lease while this node has anything consistent, and answers those who ask."""

from __future__ import annotations

import asyncio

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, Unavailable
from caxton_node.deployment.lease import ASKS_PER_LEASE, Lease, lease_s
from caxton_node.deployment.ports import ClusterPort
from caxton_node.observability.logs import get_logger

METHOD = "deployment.lease"

_log = get_logger("deployment")


class Beating:
    """Keeps a lease.

    Args:
        cluster: Who counts, and the way to them.
        clock: Time.

    Attributes:
        lease: What is kept.
    """

    def __init__(self, cluster: ClusterPort, clock: Clock) -> None:
        self.lease = Lease(cluster.node_id)
        self._needed = asyncio.Event()
        self._cluster = cluster
        self._clock = clock
        self._task: asyncio.Task[None] | None = None
        cluster.serve(METHOD, self._answer)

    def start(self) -> None:
        """Begin to ask."""
        self._task = asyncio.create_task(self._ask_for_ever(), name="deployment-lease")

    def need(self, *, is_needed: bool) -> None:
        """Say whether anything consistent is here, or is to be: without that nobody is asked."""
        if is_needed:
            self._needed.set()
        else:
            self._needed.clear()

    async def close(self) -> None:
        """Ask no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _answer(self, peer: str, _payload: bytes) -> bytes:
        if not self._cluster.is_alive(peer):
            raise Unavailable(f"{peer} is held for dead here")
        return b""

    async def _ask_for_ever(self) -> None:
        while True:
            await self._needed.wait()
            agreed = self._cluster.sides.standpoint.agreed
            every_s = lease_s(len(agreed)) / ASKS_PER_LEASE
            began_at = self._clock.now()
            await self._ask_all([node for node in agreed if node != self._cluster.node_id], every_s)
            await asyncio.sleep(max(0.0, began_at + every_s - self._clock.now()))

    async def _ask_all(self, nodes: list[str], within_s: float) -> None:
        asked_at = self._clock.now()
        answers = await asyncio.gather(*(self._ask(node, within_s) for node in nodes))
        answered = [node for node, is_there in zip(nodes, answers, strict=True) if is_there]
        self.lease.handle_answers(asked_at, answered, self._cluster.sides.standpoint.agreed)

    async def _ask(self, node: str, within_s: float) -> bool:
        if not self._cluster.is_alive(node):
            return False
        try:
            await self._cluster.request(node, METHOD, b"", within_s)
        except CaxtonError as err:
            _log.debug("a node did not answer for the lease", peer=node, reason=str(err))
            return False
        return True
