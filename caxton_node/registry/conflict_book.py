"""The partition report of a node: what the registry says was overruled, written down and bounded.

When two halves of a cluster meet, thousands of rows come within a second, so they are written in groups, a
moment later. A power cut may cost the last moment of the report; the other nodes have their own.
"""

from __future__ import annotations

import asyncio
from collections import Counter, deque
from collections.abc import Sequence

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.observability import Reading, get_logger
from caxton_node.observability.board import reading
from caxton_node.registry.conflict_store import CONFLICTS_KEPT, FIRST, ConflictStore, act, put
from caxton_node.registry.conflicts import Conflict, Describer
from caxton_node.registry.overruled import Overruled
from caxton_node.storage import Database, Statement

PAGE_MAX = 1000
GROUP_MAX = 500
WAITING_MAX = 2 * CONFLICTS_KEPT
WRITE_AFTER_S = 0.2

_log = get_logger("registry")


class ConflictBook:
    """Keeps what was overruled.

    Args:
        database: Where it is kept.
        clock: When it was noticed.

    Attributes:
        describer: Puts versions into words.
        lost: Rows, and what was done about them, that could not be written down.
        noticed: How many versions were overruled since the node started, each counted once.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self.describer = Describer()
        self.lost = self.noticed = 0
        self._store = ConflictStore(database)
        self._clock = clock
        self._known: dict[tuple[str, str, int, str], None] = {}
        self._waiting: deque[Statement] = deque()
        self._writer: asyncio.Task[None] | None = None
        self._writing = asyncio.Lock()
        self._actions: Counter[str] = Counter()

    def count(self) -> int:
        """Return how many versions were overruled since the node started, each counted once."""
        return self.noticed

    def note(self, overruled: Overruled) -> None:
        """Note what the registry tells; what it tells again, or what makes no difference, is left out."""
        conflict = self.describer.conflict_of(overruled, self.now_unix_ms())
        if conflict is not None and conflict.id not in self._known:
            self.put(conflict)

    def put(self, conflict: Conflict) -> None:
        """Keep a row."""
        if len(self._known) >= CONFLICTS_KEPT:
            del self._known[next(iter(self._known))]
        self._known[conflict.id] = None
        self.noticed += 1
        _log.debug(
            "a registry write was overruled",
            kind=conflict.kind,
            key=conflict.key,
            by=conflict.loser.origin,
            winner=conflict.winner.origin,
        )
        self._write_down(put(conflict))

    def note_action(self, conflict: Conflict) -> None:
        """Note what this node did because what the loser says was overruled.

        Args:
            conflict: With the action; it becomes a row of its own only if no row tells of such a loser, as
                when this node was away when the registry settled it.
        """
        self._actions[conflict.action] += 1
        self._write_down(put(conflict, if_new=True))
        self._write_down(act(conflict.kind, conflict.key, conflict.loser.digest, conflict.action))

    async def read(
        self,
        *,
        since_unix_ms: int = 0,
        after: tuple[int, str, str, str] = FIRST,
        limit: int = PAGE_MAX,
    ) -> list[Conflict]:
        """Return rows in their places, from the one behind `after` on; see `ConflictStore.read`."""
        await self.flush()
        return await self._store.read(since_unix_ms=since_unix_ms, after=after, limit=min(limit, PAGE_MAX))

    async def read_done(self, kind: str, action: str) -> list[tuple[str, str, int]]:
        """Return key, digest of the loser and time (unix ms) of each row about which this was done."""
        await self.flush()
        return await self._store.read_done(kind, action)

    async def flush(self) -> None:
        """Write what waits; returns when everything noted before is written."""
        async with self._writing:
            while self._waiting:
                size = min(len(self._waiting), GROUP_MAX)
                await self._write([self._waiting.popleft() for _ in range(size)])

    async def close(self) -> None:
        """Write what waits, for the end of the node."""
        await self.flush()
        if self._writer is not None:
            self._writer.cancel()
            await asyncio.gather(self._writer, return_exceptions=True)

    def readings(self) -> list[Reading]:
        """Return readings for the metrics; safe on any thread."""
        actions = dict(self._actions)
        return [
            reading("caxton_registry_overruled_total", self.noticed),
            reading("caxton_registry_overruled_lost_total", self.lost),
            *(
                reading("caxton_name_conflicts_total", count, action=action)
                for action, count in sorted(actions.items())
            ),
        ]

    def now_unix_ms(self) -> int:
        """Return the time of a row that is noticed now."""
        return self._clock.unix_us() // 1000

    def _write_down(self, statement: Statement) -> None:
        if len(self._waiting) >= WAITING_MAX:
            self._waiting.popleft()
            self.lost += 1
        self._waiting.append(statement)
        if self._writer is None or self._writer.done():
            self._writer = asyncio.create_task(self._write_soon(), name="registry-conflicts")

    async def _write(self, statements: Sequence[Statement]) -> None:
        try:
            await self._store.write(statements)
        except CaxtonError as err:  # a full disk must not stop the registry; health shows it
            self.lost += len(statements)
            _log.warning("overruled writes were not written down", count=len(statements), reason=str(err))

    async def _write_soon(self) -> None:
        await asyncio.sleep(WRITE_AFTER_S)
        await self.flush()
