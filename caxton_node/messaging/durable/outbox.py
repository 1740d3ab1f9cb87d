"""What was said durably and is not known to be handled: in order, by talk. Pure.

A *talk* is what one sender says to one receiver in one conversation; its order is kept. Of each talk the
first messages, at most a window of them, are under way; the others wait. When one comes back, or is lost, all
that are under way go again, in order: the receiver's node knows those that it has, and takes none whose
predecessor it has not seen. Sending only the missing one again was rejected: the others would have to wait
somewhere that is not bounded.

    waiting --launch--> under way --close--> gone
       ^---- rewind --------'
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from caxton_node.messaging.mailbox import Mailbox

Key = tuple[str, str, str]


@dataclass(slots=True, eq=False)
class Entry:
    """One message to one receiver.

    Attributes:
        copy: What both sides call it.
        key: Its talk: sender, receiver, conversation.
        frame: The envelope as it was sent, without what is written on the way out.
        expires_ms: When it is given up, unix milliseconds.
        message_id: Of the message, whatever its receiver.
        mailbox: Of the local agent that sent it, for its first way out only.
        node: Where it is under way to; empty when nowhere.
        is_followed: Whether its conversation knows of it.
        is_closed: Whether it is done with.
        is_under_way: Whether it was launched and has not come back.
    """

    copy: bytes
    key: Key
    frame: bytes
    expires_ms: int
    message_id: bytes = b""
    mailbox: Mailbox | None = None
    node: str = ""
    is_followed: bool = False
    is_closed: bool = False
    is_under_way: bool = False


@dataclass(slots=True, eq=False)
class Talk:
    """The messages of one talk.

    Attributes:
        key: Sender, receiver, conversation.
        under_way: Launched and not closed, in order.
        waiting: Those behind, in order.
        is_blocked: Whether nothing may be launched before `due_at`.
        due_at: When to look at it again, monotonic; 0: never.
        moved_at: When something of it was closed last, monotonic.
        failures: Times in a row that something came back.
        questions: Answers in a row that a message is where it was.
    """

    key: Key
    under_way: dict[bytes, Entry] = field(default_factory=dict)
    waiting: deque[Entry] = field(default_factory=deque)
    is_blocked: bool = False
    due_at: float = 0.0
    moved_at: float = 0.0
    failures: int = 0
    questions: int = 0

    @property
    def is_empty(self) -> bool:
        """Return whether nothing is left of it."""
        return not self.under_way and not self.waiting

    @property
    def last(self) -> bytes | None:
        """Return the copy that the next one goes after: the last under way."""
        return next(reversed(self.under_way), None)

    def next_waiting(self) -> Entry | None:
        """Return the first that waits; what was closed while it waited is dropped."""
        while self.waiting and self.waiting[0].is_closed:
            self.waiting.popleft()
        return self.waiting[0] if self.waiting else None

    def launch(self) -> Entry:
        """Move the first that waits on its way."""
        entry = self.waiting.popleft()
        entry.is_under_way = True
        self.under_way[entry.copy] = entry
        return entry

    def rewind(self) -> None:
        """Let everything wait again that is under way."""
        for entry in self.under_way.values():
            entry.is_under_way = False
        self.waiting.extendleft(reversed(self.under_way.values()))
        self.under_way.clear()


class Outbox:
    """All talks of a node.

    Attributes:
        entries: What is not closed, by copy.
        talks: By key.
        bytes: Of all envelopes.
    """

    def __init__(self) -> None:
        self.entries: dict[bytes, Entry] = {}
        self.talks: dict[Key, Talk] = {}
        self.bytes = 0

    def __len__(self) -> int:
        """Return how many messages nobody has handled yet."""
        return len(self.entries)

    def add(self, entry: Entry) -> Talk | None:
        """Put a message behind the others of its talk; None if it is there already."""
        if entry.copy in self.entries:
            return None
        self.entries[entry.copy] = entry
        self.bytes += len(entry.frame)
        talk = self.talks.setdefault(entry.key, Talk(entry.key))
        talk.waiting.append(entry)
        return talk

    def find_talk(self, copy: bytes) -> Talk | None:
        """Return the talk of a copy that is not closed."""
        entry = self.entries.get(copy)
        return self.talks.get(entry.key) if entry is not None else None

    def close(self, copy: bytes) -> Talk | None:
        """Forget a message that is done with; return its talk, None if the message was not there."""
        entry = self.entries.pop(copy, None)
        if entry is None:
            return None
        entry.is_closed = True
        self.bytes -= len(entry.frame)
        talk = self.talks[entry.key]
        talk.under_way.pop(copy, None)
        talk.next_waiting()
        if talk.is_empty:
            del self.talks[entry.key]
        return talk

    def expired(self, now_ms: int) -> Iterator[Entry]:
        """Yield what should have been handled by now; a look at all, for rare moments."""
        for entry in list(self.entries.values()):
            if entry.expires_ms <= now_ms:
                yield entry

    def talks_with(self, node: str) -> list[Talk]:
        """List the talks of which something is under way to a node."""
        return [
            talk
            for talk in list(self.talks.values())
            if any(entry.node == node for entry in talk.under_way.values())
        ]
