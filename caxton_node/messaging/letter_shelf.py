"""The dead letters on the disk of this node: within their bounds, and counted by reason."""

from __future__ import annotations

from collections import Counter
from collections.abc import Coroutine, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from caxton_node.core.errors import CaxtonError
from caxton_node.messaging.dead_letters import DeadLetter
from caxton_node.messaging.letters import Facts, Sought, facts_of
from caxton_node.messaging.store import DeadLetterStore

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class KeepingSettings:
    """How much is kept, and how long.

    Attributes:
        count_max: Letters on the disk; the oldest go first, as by every other bound.
        bytes_max: Bytes of their envelopes.
        age_max_s: Seconds after which a letter goes.
    """

    count_max: int = 10_000
    bytes_max: int = 64 * MIB
    age_max_s: float = 7 * 86_400.0


class LetterShelf:
    """Changes what is kept; one change at a time, which its caller sees to.

    Args:
        store: Where letters are kept.
        settings: Bounds.

    Attributes:
        kept: Letters and their bytes by reason; replaced, never changed.
        forgotten: Letters that had to make room or grew too old, by reason.
    """

    def __init__(self, store: DeadLetterStore, settings: KeepingSettings) -> None:
        self._store = store
        self._settings = settings
        self.kept: Mapping[str, tuple[int, int]] = {}
        self.forgotten: Counter[str] = Counter()

    async def open(self) -> None:
        """Count what is there.

        Raises:
            StoreFailed: The database cannot be read.
        """
        self.kept = await self._store.count()

    async def exchange(self, letters: Sequence[DeadLetter], gone: Sequence[int] = ()) -> list[Facts]:
        """Keep new letters and take others out, both or neither; `make_room` afterwards.

        Returns:
            What is known of the new ones that are kept, in order.

        Raises:
            StoreFailed: The disk does not take it; all is as it was.
        """
        kept = self._worth_keeping(letters)
        facts = list(map(facts_of, kept))
        await self._store.exchange(list(zip(facts, (letter.frame for letter in kept), strict=True)), gone)
        return facts

    async def drop(self, sought: Sought) -> int:
        """Take the letters that are meant out; returns how many there were.

        Raises:
            StoreFailed: The disk does not take it; all is as it was.
        """
        dropped = await self._store.drop(sought)
        await self._recount()
        return dropped

    async def make_room(self) -> None:
        """Count what is kept, and forget the oldest letters until it is within its bounds.

        Raises:
            StoreFailed: The disk does not take it; there are too many still.
        """
        settings = self._settings
        await self._recount()
        count = sum(count for count, _ in self.kept.values())
        size = sum(size for _, size in self.kept.values())
        if count > settings.count_max or size > settings.bytes_max:
            await self._forget(self._store.trim(settings.count_max, settings.bytes_max))

    async def expire(self, now_unix_us: int) -> None:
        """Forget letters that are older than they may grow.

        Raises:
            StoreFailed: The disk does not take it; they are there still.
        """
        await self._forget(self._store.expire(now_unix_us - round(self._settings.age_max_s * 1_000_000)))

    def _worth_keeping(self, letters: Sequence[DeadLetter]) -> Sequence[DeadLetter]:
        """Leave out what no bound would keep: who keeps nothing wants nothing on the disk for a moment."""
        bytes_max = self._settings.bytes_max if self._settings.count_max else -1
        self.forgotten.update(letter.reason.value for letter in letters if len(letter.frame) > bytes_max)
        return [letter for letter in letters if len(letter.frame) <= bytes_max]

    async def _forget(self, deleting: Coroutine[Any, Any, None]) -> None:
        before = self.kept
        await deleting
        await self._recount()
        for reason, (count, _) in before.items():
            self.forgotten[reason] += max(0, count - self.kept.get(reason, (0, 0))[0])

    async def _recount(self) -> None:
        with suppress(CaxtonError):  # what was changed is changed; the next time counts again
            self.kept = await self._store.count()
