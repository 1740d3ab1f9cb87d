"""Durable messages of one node: the parts, introduced to one another.

    sending          any thread: what is sent durably, and what must wait behind it
    reception        what has come for an agent here, and what was not taken
    pump -> settle   what is on the disk goes on
    correspondence   what the nodes of senders and receivers tell one another

Everything but what says otherwise happens on the event loop.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from threading import get_ident

from caxton_node.core.clock import Clock
from caxton_node.fipa import FailureReason, decode
from caxton_node.messaging.durable.correspondence import Correspondence
from caxton_node.messaging.durable.dispatch import Dispatcher
from caxton_node.messaging.durable.header import with_passage
from caxton_node.messaging.durable.holds import Hold, Holds, Mark
from caxton_node.messaging.durable.inbox import Inbox
from caxton_node.messaging.durable.office import Office
from caxton_node.messaging.durable.outbox import Entry, Outbox
from caxton_node.messaging.durable.pump import STATEMENTS_MAX, Pump
from caxton_node.messaging.durable.reception import Reception
from caxton_node.messaging.durable.reports import Peers
from caxton_node.messaging.durable.sending import Sending, entry_of
from caxton_node.messaging.durable.settings import DurableSettings
from caxton_node.messaging.durable.store import DurableStore
from caxton_node.observability.background import tell_of_bug
from caxton_node.storage import Database
from caxton_node.storage.errors import StoreFailed

TIDY_EVERY_S = 30.0
LOOK_EVERY_S = 1.0
TIDYING = "durable-tidying"


class DurablePost:
    """The durable messages of a node.

    Args:
        office: The router.
        database: Where they are kept.
        node_id: This node.
        clock: Time.
        settings: Bounds.
        peers: The cluster; None on a node without one.

    Attributes:
        sending: What is sent here.
        reception: What has come here.
    """

    def __init__(
        self,
        office: Office,
        *,
        database: Database,
        node_id: str,
        clock: Clock,
        settings: DurableSettings = DurableSettings(),  # noqa: B008  it is frozen
        peers: Peers | None = None,
    ) -> None:
        self._office, self._node_id, self._clock, self._settings = office, node_id, clock, settings
        self._loop, self._thread = asyncio.get_running_loop(), get_ident()
        self._disk = DurableStore(database)
        holds, outbox, inbox = Holds(self._wake), Outbox(), Inbox()
        dispatcher = Dispatcher(
            office, outbox=outbox, inbox=inbox, settings=settings, node_id=node_id, now=clock.now
        )
        self._holds, self._outbox, self._inbox, self._dispatcher = holds, outbox, inbox, dispatcher
        self._pump = Pump(holds=holds, disk=self._disk, node_id=node_id, settle=self._settle)
        self.reception = Reception(
            node_id=node_id, inbox=inbox, outbox=outbox, holds=holds, dispatcher=dispatcher, office=office
        )
        self.sending = Sending(
            holds=holds,
            outbox=outbox,
            reception=self.reception,
            settings=settings,
            clock=clock,
            office=office,
        )
        self._correspondence: Correspondence | None = None
        if peers is not None:
            self._correspondence = Correspondence(
                node_id=node_id,
                peers=peers,
                clock=clock,
                timeout_s=settings.unanswered_s,
                inbox=inbox,
                outbox=outbox,
                holds=holds,
                dispatcher=dispatcher,
            )
            self.reception.reports = self._correspondence.reports
        self._epochs: dict[str, int] = {}
        self._retry_wanted = False
        self._tidied_at = self._looked_at = clock.now()
        self._tidying: asyncio.Task[None] | None = None

    # -- life -----------------------------------------------------------------------------------------------

    async def open(self) -> None:
        """Read what an earlier life has left; nothing is sent before `start`.

        Raises:
            StoreFailed: The database cannot be read.
        """
        for copy, expires_ms, frame in await self._disk.read_outbox():
            self._outbox.add(entry_of(decode(frame), frame, expires_ms, copy, is_followed=True))
        for copy, origin in await self._disk.read_handled():
            self.reception.note_handled(copy, origin)
        self._pump.start()

    def keep_letters_by(self, write: Callable[[], Awaitable[object]]) -> None:
        """Let dead letters be on the disk before the messages are closed that they are about."""
        self._pump.write_letters = write

    def start(self) -> None:
        """Send what waits; the agents of this node are here by now."""
        self._dispatcher.start()

    async def stored(self) -> None:
        """Return when everything is on the disk, and routed, that was sent durably before this call.

        Raises:
            StoreFailed: The disk does not take it; it is tried again.
        """
        hold = Hold(waiters=[self._loop.create_future()])
        self._holds.submit(hold)
        await hold.waiters[0]

    async def close(self) -> None:
        """Write what waits; nothing may be sent any more."""
        if self._tidying is not None:
            self._tidying.cancel()
        if self._correspondence is not None:
            await self._correspondence.reports.close()
        await self._pump.close()

    # -- as time passes -------------------------------------------------------------------------------------

    def retry(self) -> None:
        """Try soon what found nobody: an agent has come, or a route has changed; any thread."""
        if not self._retry_wanted and len(self._outbox):
            self._retry_wanted = True
            self._loop.call_soon_threadsafe(self._retry)

    def _retry(self) -> None:
        self._retry_wanted = False
        self._dispatcher.retry()

    def handle_member(self, node: str, epoch: int, *, is_live: bool) -> None:
        """Learn what is known of a node; a new life of it has lost what was under way to the one before."""
        if not is_live:
            self._epochs.pop(node, None)
        elif self._epochs.get(node) != epoch:
            self._epochs[node] = epoch
            self.handle_node_changed(node)

    def handle_node_changed(self, node: str) -> None:
        """Send again what was under way to a node that died, left or has begun a new life."""
        self._dispatcher.handle_node_lost(node)
        self._dispatcher.retry()
        if self._correspondence is not None:
            self._correspondence.reports.retry()

    def tick(self, now_us: int) -> None:
        """Let time pass: a few times per second is enough.

        Args:
            now_us: Unix microseconds.
        """
        if self._correspondence is not None:
            self._correspondence.tick()
        else:
            self._dispatcher.tick()
        now_ms = now_us // 1000
        if self._clock.now() - self._tidied_at >= TIDY_EVERY_S:
            self._tidied_at = self._clock.now()
            self._forget_settled()
            self._tidying = asyncio.create_task(self._forget_old(now_ms), name=TIDYING)
            self._tidying.add_done_callback(tell_of_bug)
        if self._clock.now() - self._looked_at >= LOOK_EVERY_S:
            self._looked_at = self._clock.now()
            self._give_up_expired(now_ms)

    def _give_up_expired(self, now_ms: int) -> None:
        for entry in self._dispatcher.expired(now_ms):
            envelope = with_passage(decode(entry.frame), self._node_id, None)
            detail = f"{entry.key[1]} did not handle it in time"
            self._office.give_up(envelope, FailureReason.EXPIRED, detail, accepted=False)

    def _forget_settled(self) -> None:
        before = self._clock.now() - self._settings.settled_s
        gone = self._inbox.forget_settled(before=before, count_max=self._settings.marks_max)
        gone += self._inbox.forget_oldest(count_max=2 * self._settings.marks_max)
        for place in range(0, len(gone), STATEMENTS_MAX):  # what agents send comes in between
            self._holds.submit(Hold(forgotten=gone[place : place + STATEMENTS_MAX]))

    async def _forget_old(self, now_ms: int) -> None:
        """Forget what was handled of nodes that have not said for so long that they know."""
        try:
            gone = await self._disk.find_old(now_ms)
        except StoreFailed:
            return  # the next turn finds the same
        if gone:
            self._inbox.forget(gone)
            self._holds.submit(Hold(forgotten=gone))

    # -- what is on the disk --------------------------------------------------------------------------------

    def _wake(self) -> None:
        if get_ident() == self._thread:
            self._pump.wake()
        elif not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._pump.wake)

    def _settle(self, hold: Hold) -> None:
        """Pass on what is on the disk now."""
        for mark in hold.marks:
            self._settle_mark(mark)
        for copy in hold.closed:
            self._dispatcher.handle_closed(copy)
        for letter in hold.letters:
            if letter.entry is None:
                self._office.route_held(letter.envelope, letter.frame, letter.mailbox)
            else:
                self._office.keep()
                self._dispatcher.add(letter.entry)

    def _settle_mark(self, mark: Mark) -> None:
        if mark.origin == self._node_id:
            self._inbox.in_hand.discard(mark.copy)
            self._dispatcher.handle_closed(mark.copy)
        else:
            self.reception.note_handled(mark.copy, mark.origin)

    # -- numbers, and what waits: any thread ----------------------------------------------------------------

    @property
    def pending(self) -> int:
        """Return how many messages wait for the disk."""
        return self._holds.letters

    @property
    def waiting(self) -> int:
        """Return how many messages nobody has handled yet."""
        return len(self._outbox)

    @property
    def waiting_bytes(self) -> int:
        """Return the bytes of those."""
        return self._outbox.bytes

    @property
    def remembered(self) -> int:
        """Return how many handled messages of other nodes are remembered."""
        return len(self._inbox.handled)

    @property
    def launched(self) -> int:
        """Return how often a message has gone out of the outbox."""
        return self._dispatcher.launched

    def find(self, message_id: bytes) -> list[Entry]:
        """List what waits of a message and is not under way; a look at all, for rare moments."""
        entries = list(self._outbox.entries.values())
        return [each for each in entries if each.message_id == message_id and not each.is_under_way]
