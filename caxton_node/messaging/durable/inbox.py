"""What this node has of other nodes' durable messages, and of its own: in hands, or handled. Pure.

(nothing) --admit--> in hand --settle--> handled --known to its origin--> settled --time--> (nothing)
'---release--> (nothing)
"""

from __future__ import annotations

from collections import OrderedDict, deque
from collections.abc import Iterable
from enum import Enum
from itertools import islice
from typing import TypeVar

from caxton_node.messaging.durable.header import Passage

REMEMBERED_MAX = 10_000

Known = TypeVar("Known", bytes, tuple[bytes, str])


class Verdict(Enum):
    """What becomes of a durable message that has found its receiver's node."""

    TAKE = "take"
    TAKE_AGAIN = "take again"
    IN_HAND = "in hand"
    HANDLED = "handled"
    TOO_EARLY = "too early"
    RENOUNCED = "renounced"

    @property
    def is_taken(self) -> bool:
        """Tell whether it may be put where it leads; `TAKE_AGAIN` is known to its conversation."""
        return self in {Verdict.TAKE, Verdict.TAKE_AGAIN}


class Inbox:
    """What is in hands, and what was handled here for other nodes.

    Attributes:
        in_hand: Copies that wait in a mailbox, are handled, or wait for the disk to know.
        handled: The node that each handled copy came from; oldest first.
    """

    def __init__(self) -> None:
        self.in_hand: set[bytes] = set()
        self.handled: dict[bytes, str] = {}
        self._settled: deque[tuple[float, bytes]] = deque()
        self._settled_copies: set[bytes] = set()
        self._renounced: OrderedDict[tuple[bytes, str], int] = OrderedDict()
        self._released: OrderedDict[bytes, int] = OrderedDict()

    def admit(self, passage: Passage, *, after_is_known: bool = False) -> Verdict:
        """Take a message into hands, unless it is known or comes too early.

        Args:
            passage: What it carries.
            after_is_known: Whether its predecessor is known to be handled, though not from here.
        """
        copy, after = passage.copy, passage.after
        if copy in self.handled:
            return Verdict.HANDLED
        if copy in self.in_hand:
            return Verdict.IN_HAND
        if (copy, passage.origin) in self._renounced:
            return Verdict.RENOUNCED
        if after is not None and not (after_is_known or after in self.in_hand or after in self.handled):
            return Verdict.TOO_EARLY
        self.in_hand.add(copy)
        return Verdict.TAKE if self._released.pop(copy, 0) == 0 else Verdict.TAKE_AGAIN

    def release(self, copy: bytes) -> None:
        """Let a message out of hands that is not handled now; it may come again."""
        self.in_hand.discard(copy)
        _remember(self._released, copy)

    def settle(self, copy: bytes, origin: str) -> None:
        """Note that a message of another node was handled, and that the disk knows."""
        self.in_hand.discard(copy)
        self.handled[copy] = origin

    def renounce(self, copy: bytes, origin: str) -> None:
        """Take a message of a node never, should it still come: that node sends it elsewhere."""
        _remember(self._renounced, (copy, origin))

    def note_known(self, copies: Iterable[bytes], now: float) -> None:
        """Note that the node that sent these knows that they were handled."""
        for copy in copies:
            if copy in self.handled and copy not in self._settled_copies:
                self._settled_copies.add(copy)
                self._settled.append((now, copy))

    def forget_settled(self, *, before: float, count_max: int) -> list[bytes]:
        """Forget what nobody will send any more, and return it.

        Args:
            before: Those that are settled since then or longer.
            count_max: If more are remembered, the oldest settled ones go too.
        """
        gone = []
        while self._settled and (self._settled[0][0] <= before or len(self.handled) > count_max):
            _, copy = self._settled.popleft()
            self._settled_copies.discard(copy)
            del self.handled[copy]
            gone.append(copy)
        return gone

    def forget_oldest(self, *, count_max: int) -> list[bytes]:
        """Forget the oldest of too many handled ones, whatever their origins know, and return them.

        One of these would be handled once more if it came again: the bound goes before, since the origin of
        a message, which may never be heard of again, says how long it is remembered.
        """
        gone = list(islice(self.handled, max(len(self.handled) - count_max, 0)))
        self.forget(gone)
        return gone

    def forget(self, copies: Iterable[bytes]) -> None:
        """Forget what is too old to come again."""
        gone = set(copies)
        for copy in gone:
            self.handled.pop(copy, None)
        if gone & self._settled_copies:
            self._settled = deque((at, copy) for at, copy in self._settled if copy not in gone)
            self._settled_copies -= gone


def _remember(some: OrderedDict[Known, int], known: Known) -> None:
    """Keep something in mind, as long as not too much comes after it."""
    some[known] = 1
    if len(some) > REMEMBERED_MAX:
        some.popitem(last=False)
