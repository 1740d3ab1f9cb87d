"""Calls about the registry."""

from __future__ import annotations

from collections.abc import Iterator

from caxton_node.client.noun import Noun
from caxton_node.pb import registry_pb2 as pb

ASKING_S = 10.0
"""Longest time that a node waits for the others."""


class Registry(Noun):
    """See what nodes hold of the registry, and what was overruled when two halves of a cluster met."""

    service = "RegistryService"

    def holding(self, *, node: str = "") -> pb.GetRegistryResponse:
        """Tell what a node's copy of the registry holds; copies with the same root hold the same."""
        return self._call("GetRegistry", pb.GetRegistryRequest(node=node), pb.GetRegistryResponse)

    def conflicts(
        self, *, node: str = "", since_unix_ms: int = 0, limit: int = 0, here_only: bool = False
    ) -> Iterator[pb.OverruledWrite]:
        """Go through the writes that were overruled, the latest first, page by page.

        Args:
            node: Which node asks the others; empty means the node that is asked.
            since_unix_ms: Only what was noticed then or later.
            limit: At most so many; 0 means all.
            here_only: Only what that node has noticed.
        """
        given, token = 0, ""
        while True:
            page = self.conflicts_page(
                node=node, since_unix_ms=since_unix_ms, page_token=token, here_only=here_only
            )
            for row in page.conflicts:
                yield row
                given += 1
                if given == limit:
                    return
            if not (token := page.next_page_token):
                return

    def conflicts_page(
        self, *, node: str = "", since_unix_ms: int = 0, page_token: str = "", here_only: bool = False
    ) -> pb.ListConflictsResponse:
        """Return one page, with the nodes that did not answer."""
        request = pb.ListConflictsRequest(
            node=node, since_unix_ms=since_unix_ms, page_token=page_token, here_only=here_only
        )
        return self._call("ListConflicts", request, pb.ListConflictsResponse, extra_s=ASKING_S)
