"""An agent that leaves, and perhaps one that takes its place: who gets which message meanwhile.

The one that leaves keeps the conversations it is in: those whose protocol has not ended, and those of which a
message waits. Its successor gets all others from the first moment; without a successor they are refused. When
the last kept conversation has ended, or time is up, what is left goes to the successor in one step. Since a
conversation (or, for messages without one, a sender) is on one side only, and changes sides behind everything
that was sent before, order within it holds.

    begin    the leaving mailbox is closed to senders who know it; they are sent here to find their side
    put      a kept key goes to the leaving mailbox as long as this handover runs
    end      kept keys go to the successor from now on, after the mail that the leaving one did not handle

The rejected alternative, to let the old mailbox run dry before the successor begins, is simpler and stops
every new conversation for as long as the slowest old one takes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from threading import Lock

from caxton_node.messaging.mailbox import Mailbox


class Handover:
    """One agent that leaves; any thread may put, the event loop ends it.

    Args:
        leaving: Mailbox of the one that leaves.
        successor: Mailbox of the one that stays, or None.
    """

    def __init__(self, leaving: Mailbox, successor: Mailbox | None) -> None:
        self.successor = successor
        self._leaving = leaving
        self._keys: frozenset[str] = frozenset()
        self._lock = Lock()
        self._over = False

    @contextmanager
    def beginning(self) -> Iterator[None]:
        """Let whoever asks for a side wait until `keep` has said which there are."""
        with self._lock:
            yield

    def keep(self, keys: Collection[str]) -> None:
        """Name what the one that leaves keeps: conversation ids, and senders of messages without one."""
        self._keys = frozenset(keys)

    def keeps(self, key: str) -> bool:
        """Return whether the one that leaves is to get messages of this key."""
        with self._lock:
            return key in self._keys

    @property
    def is_idle(self) -> bool:
        """Return whether the one that leaves has nothing to handle now."""
        return not self._leaving.in_flight

    def end(self) -> list[bytes]:
        """Let the successor have everything from now on.

        The one that leaves must not be running any more.

        Returns:
            What waited and found no successor, oldest first.
        """
        with self._lock:
            self._over = True
            left = self._leaving.close()
            if self.successor is None:
                return left
            self.successor.adopt(left)
            return []

    # -- as a destination of messages -----------------------------------------------------------------------

    @property
    def address(self) -> str:
        """Return whose it is, `name@node`."""
        return self._leaving.address

    @property
    def closed(self) -> bool:
        """Return whether nobody is left to take a message."""
        return self._over and (self.successor is None or self.successor.closed)

    def put_all(self, frames: list[bytes], sender: Mailbox | None) -> int:
        """Add messages of kept conversations; see `Mailbox.put_all`."""
        with self._lock:
            if not self._over:
                return self._leaving.put_all(frames, sender, kept=True)
        return self.successor.put_all(frames, sender) if self.successor is not None else 0
