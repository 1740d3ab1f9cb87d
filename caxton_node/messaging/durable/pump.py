"""From the holds to the disk, and on: one transaction at a time takes all that has come meanwhile.

What the disk does not take waits, in order, and is tried again: what an agent has handled cannot be undone,
so what came of it must not go anywhere before it is safe. The same if writing meets a bug: a pump that ended
would keep every durable message, and every agent behind one, for ever.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from caxton_node.core.errors import CaxtonError
from caxton_node.messaging.durable import store
from caxton_node.messaging.durable.holds import Hold, Holds, Mark
from caxton_node.messaging.durable.store import DurableStore
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.logs import get_logger
from caxton_node.storage.errors import StoreFailed
from caxton_node.storage.group import Statement

STATEMENTS_MAX = 1_024
PAUSE_S = 0.25
SKEW_MS = 3_600_000
"""How much longer than its time a handled message is remembered: clocks of nodes differ."""

_log = get_logger("messaging")


class Pump:
    """Writes holds down and passes them on, on the event loop.

    Args:
        holds: What waits.
        disk: Where it goes.
        node_id: Whose outbox this is.
        settle: Called with each hold that is on the disk, in order.

    Attributes:
        write_letters: Brings dead letters to the disk, before the messages are closed that they are about.
        groups: Transactions so far.
    """

    def __init__(
        self, *, holds: Holds, disk: DurableStore, node_id: str, settle: Callable[[Hold], None]
    ) -> None:
        self.write_letters: Callable[[], Awaitable[object]] = _no_letters
        self.groups = 0
        self._holds = holds
        self._disk = disk
        self._node_id = node_id
        self._settle = settle
        self._wanted = asyncio.Event()
        self._closing = False
        self._in_trouble = False
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Write from now on."""
        self._task = asyncio.create_task(self._run(), name="durable-pump")
        self._task.add_done_callback(tell_of_bug)

    def wake(self) -> None:
        """Note that something waits; on the loop's thread."""
        self._wanted.set()

    async def close(self) -> None:
        """Write what waits, if the disk takes it, and stop."""
        self._closing = True
        self._wanted.set()
        if self._task is not None:
            await self._task

    async def _run(self) -> None:
        while not self._closing:
            await self._wanted.wait()
            self._wanted.clear()
            while holds := self._holds.take(STATEMENTS_MAX):
                if await self._written(holds):
                    self._pass_on(holds)
                    continue
                self._holds.put_back(holds)
                if self._closing:
                    return
                await asyncio.sleep(PAUSE_S)

    async def _written(self, holds: Sequence[Hold]) -> bool:
        """Write a group down; False if the disk does not take it, which the log hears once."""
        try:
            if any(hold.gives_up for hold in holds):
                await self.write_letters()
            await self._disk.commit([statement for hold in holds for statement in self._statements(hold)])
        except Exception as err:  # noqa: BLE001  it is told of, and the pump goes on
            self._note_trouble(holds, err)
            return False
        self._in_trouble = False
        self.groups += 1
        return True

    def _note_trouble(self, holds: Sequence[Hold], err: Exception) -> None:
        if not self._in_trouble:
            bug = None if isinstance(err, CaxtonError) else err
            _log.error("durable messages wait: the disk does not take them", reason=str(err), exc_info=bug)
        self._in_trouble = True
        why = err if isinstance(err, CaxtonError) else StoreFailed("nothing was written", why=repr(err))
        for waiter in _waiters(holds):
            waiter.set_exception(why)

    def _pass_on(self, holds: Sequence[Hold]) -> None:
        for hold in holds:
            try:
                self._settle(hold)
            except Exception:  # noqa: BLE001  a bug on the way costs what met it, not what is behind
                _log.exception("a durable message met a bug on its way")
            finally:
                self._holds.release(hold)
        for waiter in _waiters(holds):
            waiter.set_result(None)

    def _statements(self, hold: Hold) -> list[Statement]:
        kept = [store.keep(letter.entry) for letter in hold.letters if letter.entry is not None]
        closed = [store.close(copy) for copy in hold.closed]
        return [*kept, *closed, *map(self._closing_of, hold.marks), *store.unmark(hold.forgotten)]

    def _closing_of(self, mark: Mark) -> Statement:
        """Return what notes that a message is done with: nobody needs a mark for one of this node's own."""
        if mark.origin == self._node_id:
            return store.close(mark.copy)
        return store.mark(mark.copy, mark.origin, mark.expires_ms + SKEW_MS)


def _waiters(holds: Sequence[Hold]) -> list[asyncio.Future[None]]:
    return [waiter for hold in holds for waiter in hold.waiters if not waiter.done()]


async def _no_letters() -> None:
    """Stand in on a node that keeps no dead letters."""
