"""Messages that reached nobody, on their way to the disk: bounded, oldest out first.

Any thread adds them in the middle of routing, so a letter costs a lock and an append there, however many
come: a flood fills this buffer and no more. `dead_letter_office.py` empties it once a second. What had to
make room before that is forgotten, and counted.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from threading import Lock

from caxton_node.fipa import FailureReason

COUNT_MAX = 10_000
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
    """The dead letters of this node that wait to be kept; any thread may add.

    Args:
        count_max: Letters that may wait.
        bytes_max: Bytes of frames that may wait; a larger frame is not kept at all, only counted.
    """

    def __init__(self, count_max: int = COUNT_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._letters: deque[DeadLetter] = deque()
        self._lock = Lock()
        self._bytes = 0
        self._count_max = count_max
        self._bytes_max = bytes_max
        self._total: dict[FailureReason, int] = dict.fromkeys(FailureReason, 0)
        self._forgotten: dict[FailureReason, int] = dict.fromkeys(FailureReason, 0)

    def __len__(self) -> int:
        """Return how many letters wait."""
        return len(self._letters)

    @property
    def total(self) -> Mapping[FailureReason, int]:
        """Return how many letters were ever added, by reason; live, to be read only."""
        return self._total

    @property
    def forgotten(self) -> Mapping[FailureReason, int]:
        """Return how many had to make room before anybody kept them, by reason; live, to be read only."""
        return self._forgotten

    def add(self, letter: DeadLetter) -> None:
        """Take a letter, forgetting the oldest ones as far as needed."""
        with self._lock:
            self._total[letter.reason] += 1
            self._letters.append(letter)
            self._bytes += len(letter.frame)
            self._make_room()

    def take(self, count_max: int) -> list[DeadLetter]:
        """Remove and return the oldest letters, at most so many."""
        with self._lock:
            letters = [self._letters.popleft() for _ in range(min(count_max, len(self._letters)))]
            self._bytes -= sum(len(letter.frame) for letter in letters)
        return letters

    def put_back(self, letters: Sequence[DeadLetter]) -> None:
        """Return letters that were taken and could not be kept; they are the oldest again."""
        with self._lock:
            self._letters.extendleft(reversed(letters))
            self._bytes += sum(len(letter.frame) for letter in letters)
            self._make_room()

    def newest(self, count_max: int = COUNT_MAX) -> list[DeadLetter]:
        """List letters that wait, newest first."""
        with self._lock:
            return list(reversed(self._letters))[:count_max]

    def _make_room(self) -> None:
        while len(self._letters) > self._count_max or self._bytes > self._bytes_max:
            oldest = self._letters.popleft()
            self._bytes -= len(oldest.frame)
            self._forgotten[oldest.reason] += 1
