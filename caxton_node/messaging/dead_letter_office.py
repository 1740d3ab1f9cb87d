"""Where dead letters are kept: written down once a second, looked at, sent again, dropped.

    router -> DeadLetters (memory, any thread) -> DeadLetterOffice -> LetterShelf -> SQLite
                                                        |
               Router.resend <- what is sent again <----+

One change at a time, and each to its end: see `_to_its_end`. How a letter goes again is in
`second_delivery.py`.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.messaging.dead_letters import COUNT_MAX, DeadLetters
from caxton_node.messaging.letter_shelf import KeepingSettings, LetterShelf
from caxton_node.messaging.letters import KeptLetter, Sought
from caxton_node.messaging.second_delivery import Resent, SecondDelivery, unknown
from caxton_node.messaging.store import ID_MAX, DeadLetterStore
from caxton_node.observability.logs import get_logger

FLUSH_EVERY_S = 1.0
EXPIRE_EVERY_S = 60.0
SLICE_COUNT = 500
"""Letters of one transaction: other writers, and the loop, get their turn in between."""

BURST, STEADY = COUNT_MAX, 1_000
"""Letters that the disk is asked to take at once, and with every flush as long as a flood goes on."""

SHOWN_BYTES = 4096
"""Larger envelopes are left out of lists, or a page of them would be hundreds of megabytes."""

T = TypeVar("T")

_log = get_logger("messaging")


@dataclass(frozen=True, slots=True)
class ReasonCount:
    """How many letters one reason has made.

    Attributes:
        total: Since the node started.
        kept: That are on the disk, from before the start too.
        forgotten: That had to make room since the start, or grew too old.
    """

    total: int
    kept: int
    forgotten: int


class DeadLetterOffice:
    """Keeps the dead letters of one node; on the event loop.

    Args:
        letters: Where the router puts them.
        store: Where they are kept.
        resend: Routes frames again; what is refused at once is in `letters` when it returns.
        clock: Age of letters.
        settings: Bounds.
    """

    def __init__(
        self,
        *,
        letters: DeadLetters,
        store: DeadLetterStore,
        resend: Callable[[Sequence[bytes]], None],
        clock: Clock,
        settings: KeepingSettings = KeepingSettings(),  # noqa: B008  it is frozen
    ) -> None:
        self._letters = letters
        self._store = store
        self._clock = clock
        self._shelf = LetterShelf(store, settings)
        self._second = SecondDelivery(
            letters=letters, store=store, shelf=self._shelf, resend=resend, clock=clock
        )
        self._one_at_a_time = asyncio.Lock()
        self._closing = asyncio.Event()
        self._works: set[asyncio.Task[Any]] = set()
        self._keeper: asyncio.Task[None] | None = None
        self._in_trouble = False

    # -- life -----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Count what an earlier run has left, and keep letters from now on.

        Raises:
            StoreFailed: The database cannot be read.
        """
        await self._shelf.open()
        self._keeper = asyncio.create_task(self._keep(), name="dead-letter-office")

    async def close(self) -> None:
        """Write down what waits; nobody may add letters or ask any more."""
        self._closing.set()
        if self._keeper is not None:
            await self._keeper
        await asyncio.gather(*self._works, return_exceptions=True)
        await self.flush()
        if lost := len(self._letters):
            _log.warning("dead letters are lost: the disk does not take them", count=lost)

    async def flush(self, count_max: int = COUNT_MAX) -> int:
        """Write down what waits now, at most so many; what the disk does not take goes on waiting.

        Returns:
            How many letters were written down.
        """
        return await self._to_its_end(self._flush(count_max))

    async def expire(self) -> None:
        """Forget what is older than letters may grow."""
        await self._to_its_end(self._expire())

    # -- looking --------------------------------------------------------------------------------------------

    async def page(self, sought: Sought, *, before: int = ID_MAX, count_max: int = 100) -> list[KeptLetter]:
        """Return the newest letters that are meant and have an id below `before`, newest first.

        Envelopes larger than `SHOWN_BYTES` are left out.
        """
        await self.flush()
        return await self._store.page(sought, before=before, count_max=count_max, shown_bytes=SHOWN_BYTES)

    async def get(self, number: int) -> KeptLetter:
        """Return one letter whole.

        Raises:
            NotFound: No letter with this id is kept.
        """
        await self.flush()
        for letter in await self._store.read([number]):
            return letter
        raise unknown([number])

    def counts(self) -> dict[str, ReasonCount]:
        """Return how many letters each reason has made; any thread. What waits for the disk is not `kept`."""
        total = Counter({reason.value: count for reason, count in self._letters.total.items() if count})
        early = Counter({reason.value: count for reason, count in self._letters.forgotten.items()})
        kept, late = self._shelf.kept, self._shelf.forgotten
        return {
            reason: ReasonCount(total[reason], kept.get(reason, (0, 0))[0], early[reason] + late[reason])
            for reason in sorted(total.keys() | kept.keys())
        }

    @property
    def kept(self) -> int:
        """Return how many letters are kept, in memory too; any thread."""
        return len(self._letters) + sum(count for count, _ in self._shelf.kept.values())

    # -- doing ----------------------------------------------------------------------------------------------

    async def send_again(self, sought: Sought, *, count_max: int) -> Resent:
        """Route the letters that are meant once more, oldest first, each at most once.

        Args:
            sought: Which.
            count_max: Send at most so many.

        Raises:
            NotFound: It names ids, and none of them is kept.
            StoreFailed: The disk does not take it. What was routed before is still listed, marked as sent.
        """
        return await self._to_its_end(self._send_again(sought, count_max))

    async def drop(self, sought: Sought) -> int:
        """Forget the letters that are meant for good; return how many there were.

        Raises:
            NotFound: It names ids, and none of them is kept.
            StoreFailed: The disk does not take it; all are there still.
        """
        return await self._to_its_end(self._drop(sought))

    # -- within: everything below runs by `_to_its_end` ------------------------------------------------------

    async def _to_its_end(self, work: Coroutine[Any, Any, T]) -> T:
        """Do one thing at a time, and to its end even if whoever asked for it leaves."""
        task = asyncio.create_task(self._in_turn(work))
        self._works.add(task)
        task.add_done_callback(self._works.discard)
        return await asyncio.shield(task)

    async def _in_turn(self, work: Coroutine[Any, Any, T]) -> T:
        async with self._one_at_a_time:
            return await work

    async def _keep(self) -> None:
        expired_at, allowed = self._clock.now(), BURST
        while not self._closing.is_set():
            try:
                async with asyncio.timeout(FLUSH_EVERY_S):
                    await self._closing.wait()
            except TimeoutError:
                allowed = min(allowed + STEADY, BURST)
                allowed -= await self._survived(self.flush(allowed)) or 0
            if self._clock.now() - expired_at >= EXPIRE_EVERY_S:
                expired_at = self._clock.now()
                await self._survived(self.expire())

    async def _survived(self, work: Coroutine[Any, Any, T]) -> T | None:
        """Do something whose bugs must not end the keeping of all letters after it."""
        try:
            return await work
        except Exception:  # noqa: BLE001 - see above
            _log.exception("a turn of the dead letter office failed")
            return None

    async def _flush(self, count_max: int = COUNT_MAX) -> int:
        wanted = min(count_max, len(self._letters))
        for done in range(0, wanted, SLICE_COUNT):
            letters = self._letters.take(min(SLICE_COUNT, wanted - done))
            if not await self._tried(self._shelf.exchange(letters)):
                self._letters.put_back(letters)
                return done
        if wanted:
            await self._tried(self._shelf.make_room())
        return wanted

    async def _expire(self) -> None:
        await self._tried(self._shelf.expire(self._clock.unix_us()))

    async def _send_again(self, sought: Sought, count_max: int) -> Resent:
        await self._flush()
        return await self._second.send(sought, count_max)

    async def _drop(self, sought: Sought) -> int:
        await self._flush()
        dropped = await self._shelf.drop(sought)
        if sought.ids and not dropped:
            raise unknown(sought.ids)
        return dropped

    async def _tried(self, work: Coroutine[Any, Any, object]) -> bool:
        """Do something that is tried again later if the disk does not take it; the log hears of it once."""
        try:
            await work
        except CaxtonError as err:
            if not self._in_trouble:
                _log.warning("dead letters are not written down", waiting=len(self._letters), reason=str(err))
            self._in_trouble = True
            return False
        self._in_trouble = False
        return True
