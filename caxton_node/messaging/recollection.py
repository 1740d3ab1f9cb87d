"""Remembering over a restart what agents were in the middle of, so that their protocols go on.

At a stop in good order what is open is written down, last of all. At the next start it is taken up before any
message flows, and deleted. After a crash nothing is there: for a day nobody is held to what began before, and
acts that belong to nothing are let through (`Conversations.turn_blind`).
"""

from __future__ import annotations

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.messaging.conversation_store import ConversationStore, Open
from caxton_node.messaging.remembering import dump, dump_requests, load, load_requests
from caxton_node.messaging.router import Router
from caxton_node.observability.logs import get_logger

_log = get_logger("messaging")


class Recollection:
    """Keeps the open conversations and requests of a router while its node is down.

    Args:
        router: Whose they are.
        store: Where they are kept.
        clock: Until when acts that belong to nothing are let through.
    """

    def __init__(self, router: Router, store: ConversationStore, clock: Clock) -> None:
        self._router = router
        self._store = store
        self._clock = clock

    async def open(self) -> None:
        """Take up what was open when the node stopped; no message may have been routed yet.

        Raises:
            StoreFailed: The database cannot be read or written; nothing was deleted.
        """
        kept = await self._store.find()
        if kept is None or self._take_up(kept):
            _log.warning("not all open conversations are known; acts that belong to none pass for a day")
            self._router.conversations.turn_blind(self._clock.unix_us())
        await self._store.clear()

    async def close(self) -> None:
        """Write down what is open; nobody may speak any more."""
        node_id = self._router.node_id
        talks, forgotten = dump(self._router.conversations, node_id)
        requests = dump_requests(self._router.requests, node_id)
        try:
            await self._store.keep(Open(talks, requests, forgotten), self._clock.unix_us() // 1000)
        except CaxtonError as err:
            _log.warning("open conversations are not remembered", reason=str(err))

    def _take_up(self, kept: Open) -> int:
        """Take up what was kept; returns how many open conversations are not known all the same."""
        load_requests(self._router.requests, kept.requests, self._router.node_id)
        return kept.forgotten + load(self._router.conversations, (record for _, record in kept.talks))
