"""When members went, for those who ask about what they alone knew. Pure."""

from __future__ import annotations

from caxton_node.cluster.changes import Change, MemberChanged

REMEMBERED_MAX = 10_000


class LastSeen:
    """Remembers since when members are gone; whoever went first is forgotten first."""

    def __init__(self) -> None:
        self._gone: dict[str, int] = {}

    def note(self, changed: MemberChanged, now_us: int) -> None:
        """Note that a member went, or that it is back."""
        node = changed.member.node_id
        self._gone.pop(node, None)
        if changed.change in {Change.DIED, Change.LEFT}:
            if len(self._gone) >= REMEMBERED_MAX:
                del self._gone[next(iter(self._gone))]
            self._gone[node] = now_us

    def gone_at_us(self, node: str) -> int:
        """Return since when a node is gone, unix microseconds; 0 when this node has not seen it go."""
        return self._gone.get(node, 0)
