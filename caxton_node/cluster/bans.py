"""Members that are held for gone although membership still hears them.

A ban is about one run of a node: the epoch that it had. One with a later epoch was started again; whether it
is let in is decided by its certificate, so a ban need not be taken back when the node is wanted again.
"""

from __future__ import annotations

from swim import Member


class Bans:
    """Who is banned, by node, with the last epoch that is."""

    def __init__(self) -> None:
        self._epochs: dict[str, int] = {}

    def add(self, member: Member) -> bool:
        """Ban a member as it is now; return whether it was not banned yet."""
        if self.holds(member):
            return False
        self._epochs[member.node_id] = member.epoch
        return True

    def lift(self, node: str) -> bool:
        """Ban a node no longer; return whether it was."""
        return self._epochs.pop(node, None) is not None

    def outlived_by(self, member: Member) -> bool:
        """Tell whether a member has started again since it was banned; the ban is over then."""
        banned = self._epochs.get(member.node_id)
        if banned is None or member.epoch <= banned:
            return False
        return self.lift(member.node_id)

    def holds(self, member: Member) -> bool:
        """Tell whether a member is banned."""
        return member.epoch <= self._epochs.get(member.node_id, -1)
