"""Whose book was seen, and who has none to show: part of the quorum machine. Pure."""

from __future__ import annotations

from collections.abc import Iterable

AWAITED_MAX = 16
TRIES_MAX = 3


class Hearing:
    """What one node knows of the books of the others.

    Args:
        me: This node.

    Attributes:
        awaited: Members whose book must be seen before this node believes that it is the majority; how often
            each was asked in vain.
        voiceless: Members that had no book although they may count, this node among them; the turn of the
            line of each when that was found out.
    """

    def __init__(self, me: str) -> None:
        self.awaited: dict[str, int] = {}
        self.voiceless: dict[str, int] = {}
        self._me = me
        self._met_empty: set[str] = set()

    def is_to_ask(self, node: str) -> bool:
        """Wait for the book of a member that has come back; return False if too many are waited for."""
        if len(self.awaited) >= AWAITED_MAX:
            return False
        self.awaited[node] = 0
        return True

    def handle_book(self, peer: str, *, had_none_to_show: bool) -> None:
        """Note that a member has shown its book, and whether this node had one for it."""
        self.awaited.pop(peer, None)
        self.voiceless.pop(peer, None)
        if had_none_to_show:
            self._met_empty.add(peer)

    def handle_silence(self, peer: str) -> None:
        """Note that a member did not give its book; after some tries its word is not waited for."""
        if peer in self.awaited:
            self.awaited[peer] += 1
            if self.awaited[peer] >= TRIES_MAX:
                del self.awaited[peer]

    def forget(self, node: str) -> None:
        """Note that a member is not there any more."""
        self.awaited.pop(node, None)
        self.voiceless.pop(node, None)
        self._met_empty.discard(node)

    def handle_line(self, node: str, turn: int, alive: Iterable[str]) -> None:
        """Note a new line: one that is later than when its node had no book gives it its vote.

        This node must then be heard anew by those to whom it had no book to show.
        """
        if turn <= self.voiceless.get(node, turn):
            return
        del self.voiceless[node]
        if node == self._me:
            self.awaited |= dict.fromkeys(self._met_empty.intersection(alive), 0)
            self._met_empty.clear()
