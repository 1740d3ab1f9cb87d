"""Dead letters on their way once more, without losing one.

A letter is marked on the disk first, then routed, then taken out; what comes back at once is kept as a new
letter in the step that takes out the old one. So whatever dies in between, it is listed, with the mark that
it may have arrived.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, NotFound
from caxton_node.messaging.dead_letters import DeadLetters
from caxton_node.messaging.letter_shelf import LetterShelf
from caxton_node.messaging.letters import Sought
from caxton_node.messaging.resending import batches, frames_again, may_go
from caxton_node.messaging.store import DeadLetterStore


@dataclass(frozen=True, slots=True)
class Resent:
    """What became of letters that were sent again.

    Attributes:
        sent: Letters that were routed again and are listed no more.
        came_back: So many of them were refused at once; they are listed as new letters.
        skipped: Letters that cannot go, or that the platform wrote and nobody named; they stay.
        left: Letters that are meant too, beyond the most that were to be sent.
    """

    sent: int = 0
    came_back: int = 0
    skipped: int = 0
    left: int = 0


class SecondDelivery:
    """Sends letters again; nothing else may change the shelf meanwhile.

    Args:
        letters: Where the router puts what it gives up.
        store: Where letters are kept.
        shelf: Takes them out, and new ones in.
        resend: Routes frames; what is refused at once is in `letters` when it returns.
        clock: When.
    """

    def __init__(
        self,
        *,
        letters: DeadLetters,
        store: DeadLetterStore,
        shelf: LetterShelf,
        resend: Callable[[Sequence[bytes]], None],
        clock: Clock,
    ) -> None:
        self._letters = letters
        self._store = store
        self._shelf = shelf
        self._resend = resend
        self._clock = clock

    async def send(self, sought: Sought, count_max: int) -> Resent:
        """Send the letters that are meant, oldest first, each at most once, at most so many.

        Raises:
            NotFound: It names ids, and none of them is kept.
            StoreFailed: The disk does not take it. What was routed before is still listed, marked as sent.
        """
        found = await self._store.find(sought)
        if sought.ids and not found:
            raise unknown(sought.ids)
        able = [letter for letter in found if may_go(letter, by_id=bool(sought.ids))]
        chosen = able[:count_max]
        sent = came_back = 0
        for ids in batches(chosen):
            gone, back = await self._send_batch(ids)
            sent, came_back = sent + gone, came_back + back
        unable = len(found) - len(able) + len(chosen) - sent
        return Resent(sent, came_back, skipped=unable, left=len(able) - len(chosen))

    async def _send_batch(self, ids: Sequence[int]) -> tuple[int, int]:
        """Send some letters; return how many went, and how many of those came back at once."""
        now_ms = self._clock.unix_us() // 1000
        opened = [(letter, frames_again(letter, now_ms)) for letter in await self._store.read(ids)]
        going = [letter for letter, frames in opened if frames]
        gone = [letter.id for letter in going]
        await self._store.mark(gone, now_ms)
        self._resend([frame for _, frames in opened for frame in frames])
        returned = self._letters.take(len(self._letters))
        try:
            new = await self._shelf.exchange(returned, gone)
        except CaxtonError:
            self._letters.put_back(returned)
            raise
        with suppress(CaxtonError):  # the next flush makes room
            await self._shelf.make_room()
        back = {(facts.message_id, facts.receiver) for facts in new}
        return len(going), sum((letter.facts.message_id, letter.facts.receiver) in back for letter in going)


def unknown(ids: Sequence[int]) -> NotFound:
    """Return the error for ids that no letter has."""
    return NotFound(
        f"no dead letter {', '.join(map(str, ids[:10]))}",
        why="it was sent again, dropped, or had to make room",
        hint="caxton message dead lists those that are kept",
    )
