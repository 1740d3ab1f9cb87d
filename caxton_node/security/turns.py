"""Lets a source have a few credentials judged at a time; the others wait for their turn.

Whoever may have to wait for its guesses must not have them all judged before the first one has failed, nor
fill the places where an authorisation server is asked. Each kind of credential has a line of its own: slow
answers about tokens hold up no API keys. What waits is bounded by the calls and connections there may be.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from caxton_node.security.authenticators.authenticator import Authenticator
from caxton_node.security.guessing import network_of

AT_ONCE_MAX = 4
"""Half of what an authorisation server is asked at once, so that no source has it for itself."""


@dataclass(slots=True)
class _Line:
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(AT_ONCE_MAX))
    there: int = 0


class Turns:
    """Lines by authenticator and source; there is none where nobody stands."""

    def __init__(self) -> None:
        self._lines: dict[tuple[int, str], _Line] = {}

    def __len__(self) -> int:
        """Return how many lines there are."""
        return len(self._lines)

    @asynccontextmanager
    async def take(self, authenticator: Authenticator, source: str) -> AsyncIterator[None]:
        """Wait until it is a credential's turn, and give the place back at the end."""
        key = id(authenticator), network_of(source)
        line = self._lines.setdefault(key, _Line())
        line.there += 1
        try:
            async with line.turns:
                yield
        finally:
            line.there -= 1
            if not line.there:
                del self._lines[key]
