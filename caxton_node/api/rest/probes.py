"""`/health` and `/ready`: whether the node does its work, for whoever asks."""

from __future__ import annotations

import msgspec

from caxton_node.api.rest.backend import Backend
from caxton_node.api.rest.exchange import Exchange
from caxton_node.api.rest.reply import Reply


class Probes:
    """Answers probes; open to everybody, so it names parts and tells nothing about them.

    Args:
        backend: Whose checks to show.
    """

    def __init__(self, backend: Backend) -> None:
        self._backend = backend

    async def serve_health(self, exchange: Exchange) -> None:
        """Tell whether the process is sound."""
        await self._serve(exchange, "health")

    async def serve_ready(self, exchange: Exchange) -> None:
        """Tell whether it should get work now."""
        await self._serve(exchange, "ready")

    async def _serve(self, exchange: Exchange, name: str) -> None:
        status, body = self._backend.services.daemon.health.page(name)
        states = {part: found["state"] for part, found in body["checks"].items()}
        shown = {"status": body["status"], "checks": states}
        await exchange.reply(Reply(status, msgspec.json.encode(shown)))
