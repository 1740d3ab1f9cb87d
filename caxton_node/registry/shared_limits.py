"""Limits of calls that operators have set, on every node: registry entries of the kind `limit`.

The key is `scope` or `scope@client`. A node takes a change in as soon as the entry reaches it, and keeps
counting what clients have used. Each node counts by itself: a limit holds for what a client asks of one node.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated

import msgspec

from caxton_node.registry.entry import Entry
from caxton_node.registry.service import Registry
from caxton_node.registry.values import ValueReader
from caxton_node.resilience import Allowance

KIND = "limit"

Positive = Annotated[float, msgspec.Meta(ge=0, le=1e9)]


class SetLimit(msgspec.Struct, frozen=True):
    """A limit that an operator has set.

    Attributes:
        calls: So many calls, 0 for as many as anybody likes.
        per_s: In so many seconds.
        burst: So many at once.
        by: Who has set it.
        at_unix_ms: When.
    """

    calls: Positive
    per_s: Annotated[float, msgspec.Meta(gt=0, le=86_400)]
    burst: Annotated[int, msgspec.Meta(ge=1, le=10_000_000)]
    by: str = ""
    at_unix_ms: int = 0

    @property
    def allowance(self) -> Allowance:
        """Return what it allows."""
        return Allowance(self.calls, self.per_s, self.burst)


_READER = ValueReader(SetLimit)


class SharedLimits:
    """The limits that were set, by `scope` or `scope@client`.

    Args:
        registry: Where they travel.
        use: Takes all of them at the beginning and after every change.
    """

    def __init__(self, registry: Registry, use: Callable[[Mapping[str, Allowance]], None]) -> None:
        self._registry = registry
        self._use = use
        registry.watch(KIND, self._handle_change)
        self._handle_change(())

    def read(self) -> dict[str, SetLimit]:
        """Return those that this node can read, by key."""
        found = ((entry.key, _READER.find(entry)) for entry in self._registry.entries(KIND))
        return {key: read for key, read in sorted(found, key=lambda pair: pair[0]) if read is not None}

    def put(self, key: str, limit: SetLimit) -> None:
        """Set a limit on every node."""
        self._registry.put_entry(KIND, key, msgspec.msgpack.encode(limit))

    def remove(self, key: str) -> None:
        """Go back to what the configuration says, on every node."""
        self._registry.remove_entry(KIND, key)

    def _handle_change(self, _changed: Sequence[Entry]) -> None:
        self._use({key: limit.allowance for key, limit in self.read().items()})
