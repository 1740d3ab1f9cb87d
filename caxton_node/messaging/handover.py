"""An agent that leaves, and perhaps one that takes its place: who gets which message meanwhile.

The one that leaves keeps the conversations it is in: those whose protocol has not ended, those of which a
message waits, and those that it begins while it leaves, unless its successor has been given a message of them
before. The successor gets all others from the first moment; without a successor they are refused. When the
last kept conversation has ended, or time is up, what is left goes to the successor in one step. Since a
conversation (or, for messages without one, a sender) is on one side only, and changes sides behind everything
that was sent before, order within it holds.

    begin    what comes goes on to the leaving mailbox, while its open conversations are looked for
    divide   the leaving mailbox is closed to senders who know it; they are sent here to find their side
    put      a kept key goes to the leaving mailbox as long as this handover runs
    end      kept keys go to the successor from now on, after the mail that the leaving one did not handle

The rejected alternative, to let the old mailbox run dry before the successor begins, is simpler and stops
every new conversation for as long as the slowest old one takes.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from threading import Lock

from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.messaging.mailbox import Mailbox, Sender
from caxton_node.messaging.tags import Tag

KEYS_MAX = 100_000
LOOK_MAX = 10_000  # conversations that one look at the event loop's expense may cover, some 5 ms


class Handover:
    """One agent that leaves; any thread may put and send, the event loop divides, looks and ends.

    What is *kept* and what is *awaited* are two things: a key stays kept to the end, or a message could
    overtake an earlier one that still waits on the leaving side; it is awaited until its conversation ends.

    Args:
        leaving: Mailbox of the one that leaves.
        successor: Mailbox of the one that stays, or None.
    """

    def __init__(self, leaving: Mailbox, successor: Mailbox | None) -> None:
        self.successor = successor
        self._leaving = leaving
        self._kept: set[str] = set()
        self._given: set[str] = set()  # never in `_kept` as well
        self._touched: set[str] = set()  # kept, and to be awaited from the next look on
        self._awaited: dict[str, None] = {}  # of the event loop alone
        self._lock = Lock()
        self._divided = False
        self._over = False

    def divide(self, keys: Collection[str], key_of_frame: Callable[[bytes], str]) -> None:
        """Close the leaving mailbox, and let it keep these conversations and those of which a message waits.

        Whoever asks for a side waits meanwhile, so whatever takes long is done before.

        Args:
            keys: Conversation ids, and senders of messages without one.
            key_of_frame: Reads the key of a message that waits.
        """
        with self._lock:
            self._leaving.shut()  # so that what waits now is all there is
            self._kept.update(keys)
            self._kept.update(map(key_of_frame, self._leaving.frames()))
            self._touched.update(self._kept)
            self._divided = True

    def is_leaving(self, mailbox: Mailbox) -> bool:
        """Return whether this is the mailbox of the one that leaves."""
        return mailbox is self._leaving

    def keep_also(self, keys: Collection[str]) -> None:
        """Let the one that leaves get the answers to what it sends; any thread, before anything is delivered.

        What its successor is in already stays there, or what comes next would overtake what waits. At most
        100,000 keys are kept, and none any more once the successor was given as many: what the one that
        leaves begins beyond that is answered to its successor.
        """
        with self._lock:
            for key in keys:
                if key in self._kept or self._may_keep(key):
                    self._kept.add(key)
                    self._touched.add(key)

    def _may_keep(self, key: str) -> bool:
        is_known = len(self._given) < KEYS_MAX  # else it may have been given, and nobody remembers
        return is_known and key not in self._given and len(self._kept) < KEYS_MAX

    def find_side(self, key: str) -> tuple[Mailbox | Handover | None, bool]:
        """Return who gets a message of this key, and whether that is certain since the leaving one keeps it.

        Before the division it is the leaving mailbox itself, not this: a message on its way when the division
        comes finds it closed, and is sent here again to find its side. None means the refusal.
        """
        with self._lock:
            if not self._divided:
                return self._leaving, False
            return (self, True) if key in self._kept else (self.successor, False)

    def give(self, key: str) -> Mailbox | Handover | None:
        """Return who gets a message of this key, as `find_side` does, and let that be its side from now on.

        Asked when nothing but the successor is left for a message. It may have become the leaving one's since
        it was looked for.
        """
        with self._lock:
            if not self._divided:
                return self._leaving
            if key in self._kept:
                return self
            if self.successor is not None and len(self._given) < KEYS_MAX:
                self._given.add(key)
            return self.successor

    def is_done(self, is_open: Callable[[str], bool]) -> bool:
        """Return whether the one that leaves has handled what waited and its conversations have ended.

        A conversation that has ended is not looked at again, unless the one that leaves sends in it. One look
        stops at the first that is open and after 10,000 that have ended; it may so say no too often.

        Args:
            is_open: Says whether the protocol of a conversation is open.
        """
        awaited = self._awaited
        with self._lock:  # first, since an agent that is idle after this has noted all that it has sent
            awaited.update(dict.fromkeys(self._touched))
            self._touched.clear()
        if self._leaving.in_flight:
            return False
        for _ in range(min(len(awaited), LOOK_MAX)):
            key, _none = awaited.popitem()
            if is_open(key):
                awaited[key] = None
                return False
        return not awaited and not self._touched

    def end(self) -> list[bytes]:
        """Let the successor have everything from now on.

        The one that leaves must not be running any more.

        Returns:
            What waited and found no successor, or one that takes no more, oldest first.
        """
        with self._lock:
            self._over = True
            left = self._leaving.close()
            if self.successor is None or not self.successor.adopt(left):
                return left
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

    @property
    def policy(self) -> ProtocolPolicy:
        """Return the policy of whose it is."""
        return self._leaving.policy

    def put_all(self, frames: list[bytes], sender: Sender, first: int = 0, tag: Tag | None = None) -> int:
        """Add messages of kept conversations; see `Mailbox.put_all`."""
        with self._lock:
            if not self._over:
                return self._leaving.put_all(frames, sender, first, tag, kept=True)
        return self.successor.put_all(frames, sender, first, tag) if self.successor is not None else 0
