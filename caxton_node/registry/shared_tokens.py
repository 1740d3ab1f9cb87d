"""API tokens made good on every node: their hashes travel as registry entries of the kind `token`.

A node publishes the tokens that it issued and looks up those that it did not. Only hashes, names, roles and
expiries travel; the text of a token is never stored anywhere. A token that is withdrawn here is refused
everywhere as soon as the entry is gone and what the nodes remember has run out (`Tokens.CACHE_S`).
"""

from __future__ import annotations

from dataclasses import astuple

import msgspec

from caxton_node.registry.service import Registry
from caxton_node.registry.values import ValueReader
from caxton_node.security import TokenRecord, Tokens

KIND = "token"
_READER = ValueReader(tuple[str, str, str, str, int, int | None, int | None])


class SharedTokens:
    """The tokens of the whole cluster, by hash.

    Args:
        registry: Where they travel.
    """

    def __init__(self, registry: Registry) -> None:
        self._registry = registry

    async def publish(self, tokens: Tokens) -> None:
        """Make the tokens that this node issued known to the others; repeating it changes nothing."""
        for record in await tokens.list_api_tokens():
            self._registry.put_entry(KIND, record.hash, msgspec.msgpack.encode(astuple(record)))

    def find(self, hash_hex: str) -> TokenRecord | None:
        """Return the token with this hash that some node has published, if this node can read it."""
        read = _READER.find(self._registry.find_entry(KIND, hash_hex))
        return None if read is None else TokenRecord(*read)
