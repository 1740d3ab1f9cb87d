"""Messages that reached nobody, kept for people to look at: bounded, oldest out first."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from threading import Lock

from caxton_node.fipa import FailureReason

COUNT_MAX = 1_000
BYTES_MAX = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """One message and why it went nowhere.

    Attributes:
        at_unix_us: When it was given up.
        reason: The word that its sender got, or would have got.
        detail: One sentence.
        receiver: The address that it was meant for.
        frame: The envelope's bytes.
    """

    at_unix_us: int
    reason: FailureReason
    detail: str
    receiver: str
    frame: bytes


class DeadLetters:
    """The latest dead letters of this node; any thread may add.

    Args:
        count_max: Letters kept.
        bytes_max: Bytes of frames kept; a larger frame is not kept at all, only counted.

    Attributes:
        forgotten: Letters that had to make room.
    """

    def __init__(self, count_max: int = COUNT_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._letters: deque[DeadLetter] = deque()
        self._lock = Lock()
        self._bytes = 0
        self._count_max = count_max
        self._bytes_max = bytes_max
        self.forgotten = 0

    def __len__(self) -> int:
        """Return how many letters are kept."""
        return len(self._letters)

    def add(self, letter: DeadLetter) -> None:
        """Keep a letter, forgetting the oldest ones as far as needed."""
        with self._lock:
            self._letters.append(letter)
            self._bytes += len(letter.frame)
            while len(self._letters) > self._count_max or self._bytes > self._bytes_max:
                self._bytes -= len(self._letters.popleft().frame)
                self.forgotten += 1

    def newest(self, count_max: int = COUNT_MAX) -> list[DeadLetter]:
        """List letters, newest first."""
        with self._lock:
            return list(reversed(self._letters))[:count_max]
