"""A dead letter office on a router, with a real database."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from caxton_node.core.clock import Clock, SystemClock
from caxton_node.fipa import Envelope, decode
from caxton_node.messaging import Router
from caxton_node.messaging.dead_letter_office import DeadLetterOffice
from caxton_node.messaging.letter_shelf import KeepingSettings
from caxton_node.messaging.letters import KeptLetter, Sought
from caxton_node.messaging.store import DeadLetterStore
from caxton_node.storage import Database

ALL = Sought()


@dataclass
class Desk:
    """An office and the database behind it."""

    office: DeadLetterOffice
    database: Database

    async def all(self) -> list[KeptLetter]:
        """Return every letter, newest first."""
        return await self.office.page(ALL, count_max=100_000)


@asynccontextmanager
async def open_desk(
    router: Router,
    data_dir: Path,
    *,
    clock: Clock | None = None,
    settings: KeepingSettings = KeepingSettings(),  # noqa: B008  it is frozen
) -> AsyncIterator[Desk]:
    """Open the office of a router on a data directory; leaving it is a clean shutdown."""
    async with await Database.open(data_dir / "caxton.db") as database:
        office = DeadLetterOffice(
            letters=router.dead_letters,
            store=DeadLetterStore(database),
            resend=router.resend,
            clock=clock or SystemClock(),
            settings=settings,
        )
        await office.open()
        try:
            yield Desk(office, database)
        finally:
            await office.close()


class Passing(list[Envelope]):
    """What is delivered on a router from now on."""

    def __init__(self, router: Router) -> None:
        super().__init__()
        router.tap.follow(self._note)

    def _note(self, frames: Sequence[bytes]) -> None:
        self += map(decode, frames)

    def to(self, name: str) -> list[Envelope]:
        """Return what was delivered to a name."""
        return [envelope for envelope in self if envelope.receivers == name]
