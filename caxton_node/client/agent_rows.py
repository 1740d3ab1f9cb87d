"""The list of agents as plain values: what a command line prints, without the cost of importing protobuf.

Importing protobuf would be a third of `caxton agent list`. The node writes the values as `plain` does, and
only where the node cannot (over gRPC) the messages are read here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caxton_node.client.noun import Noun

PAGE_SIZE = 1000


class AgentRows(Noun):
    """List agents as rows."""

    service = "CaxtonManagement"

    def list(self, *, name: str = "", node: str = "") -> Iterator[Mapping[str, Any]]:
        """Yield the agents of the cluster by name and node, each as `plain` writes it."""
        from caxton_node.client.socket_channel import SocketChannel  # noqa: PLC0415  it is imported if it is used

        if not isinstance(self._channel, SocketChannel):
            yield from self._read(name, node)
            return
        token = ""
        while True:
            asked = {"name": name, "node": node, "page_size": PAGE_SIZE, "page_token": token}
            page = self._call_plain("ListAgents", asked)
            yield from page["agents"]
            token = page["next_page_token"]
            if not token:
                return

    def _read(self, name: str, node: str) -> Iterator[Mapping[str, Any]]:
        from caxton_node.client.agents import Agents  # noqa: PLC0415  see above
        from caxton_node.client.plain import plain  # noqa: PLC0415

        return map(plain, Agents(self._channel, self._timeout_s).list(name=name, node=node))

    def _call_plain(self, method: str, request: Mapping[str, Any]) -> Any:  # noqa: ANN401  JSON of any form
        channel: Any = self._channel
        return channel.call_plain(f"{self.service}/{method}", request, timeout_s=self._timeout_s)
