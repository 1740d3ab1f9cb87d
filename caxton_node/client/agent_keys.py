"""Calls about what agents keep with `kv`."""

from __future__ import annotations

from collections.abc import Iterator

from caxton_node.client.noun import Noun
from caxton_node.pb import platform_pb2 as pb


class AgentKeys(Noun):
    """Look at the keys of agents, write them, clear them.

    Everywhere `node` says where the keys are: needed when several nodes run the agent, or none does any more;
    `shared` means the agent's shared keys, which all nodes see.
    """

    service = "AgentKeyService"

    def list(
        self, name: str, *, node: str = "", prefix: str = "", shared: bool = False
    ) -> Iterator[pb.AgentKey]:
        """Go through the keys of an agent by name, page by page.

        Args:
            name: The agent.
            node: Where its keys are.
            prefix: Only keys that begin so.
            shared: Its shared keys.
        """
        token = ""
        while True:
            request = pb.ListAgentKeysRequest(
                name=name, node=node, prefix=prefix, shared=shared, page_token=token
            )
            page = self._call("ListAgentKeys", request, pb.ListAgentKeysResponse)
            yield from page.keys
            if not (token := page.next_page_token):
                return

    def get(self, name: str, key: str, *, node: str = "", shared: bool = False) -> pb.GetAgentKeyResponse:
        """Read one key; raises NotFound if it is not there."""
        request = pb.GetAgentKeyRequest(name=name, node=node, key=key, shared=shared)
        return self._call("GetAgentKey", request, pb.GetAgentKeyResponse)

    def put(
        self,
        name: str,
        key: str,
        value: bytes,
        *,
        node: str = "",
        shared: bool = False,
        if_version: int | None = None,
    ) -> pb.PutAgentKeyResponse:
        """Write one key.

        Args:
            name: The agent.
            key: Which.
            value: JSON.
            node: Where its keys are.
            shared: A shared key.
            if_version: Only if this is its version now, 0 if it is not there.
        """
        request = pb.PutAgentKeyRequest(
            name=name, node=node, key=key, value=value, shared=shared, if_version=if_version
        )
        return self._call("PutAgentKey", request, pb.PutAgentKeyResponse)

    def delete(
        self, name: str, key: str, *, node: str = "", shared: bool = False
    ) -> pb.DeleteAgentKeysResponse:
        """Remove one key; raises NotFound if it is not there."""
        request = pb.DeleteAgentKeysRequest(name=name, node=node, key=key, shared=shared)
        return self._call("DeleteAgentKeys", request, pb.DeleteAgentKeysResponse)

    def clear(self, name: str, *, node: str = "") -> pb.DeleteAgentKeysResponse:
        """Remove all keys of an agent on a node, and its shared ones."""
        request = pb.DeleteAgentKeysRequest(name=name, node=node, all=True)
        return self._call("DeleteAgentKeys", request, pb.DeleteAgentKeysResponse)
