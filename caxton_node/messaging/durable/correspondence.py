"""The desk for other nodes: their reports and questions are taken here, and the answers to ours."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from caxton_node.core.clock import Clock
from caxton_node.messaging.durable.dispatch import Dispatcher
from caxton_node.messaging.durable.holds import Hold, Holds
from caxton_node.messaging.durable.inbox import Inbox
from caxton_node.messaging.durable.outbox import Outbox
from caxton_node.messaging.durable.reports import (
    FATES,
    HANDLED,
    Fate,
    Peers,
    Reports,
    read_question,
    read_report,
)


class Correspondence:
    """Talks with other nodes about durable messages, on the event loop.

    Args:
        node_id: This node.
        peers: The cluster.
        clock: Time.
        timeout_s: How long to wait for an answer.
        inbox: What is in hands here, and what was handled.
        outbox: Of this node.
        holds: Where it waits for the disk that others have handled something.
        dispatcher: Sends again.

    Attributes:
        reports: What is told and asked.
    """

    def __init__(
        self,
        *,
        node_id: str,
        peers: Peers,
        clock: Clock,
        timeout_s: float,
        inbox: Inbox,
        outbox: Outbox,
        holds: Holds,
        dispatcher: Dispatcher,
    ) -> None:
        self.reports = Reports(peers, timeout_s=timeout_s, known=self._note_known)
        self._node_id = node_id
        self._clock = clock
        self._inbox = inbox
        self._outbox = outbox
        self._holds = holds
        self._dispatcher = dispatcher
        dispatcher.is_alive = peers.is_alive
        dispatcher.recall = self._recall
        peers.serve(HANDLED, self._handle_report)
        peers.serve(FATES, self._answer_question)

    def tick(self) -> None:
        """Ask about what is due, and tell what could not be told before."""
        for node, copies in self._dispatcher.tick().items():
            self.reports.ask(node, copies, self._handle_fates)
        self.reports.retry()

    def _recall(self, node: str, copy: bytes) -> None:
        self.reports.ask(node, [copy], self._handle_fates, renounce=True)

    def _note_known(self, copies: Sequence[bytes]) -> None:
        self._inbox.note_known(copies, self._clock.now())

    async def _close(self, copies: Sequence[bytes]) -> None:
        """Take copies out of the outbox; they are out when this returns."""
        closed = [copy for copy in copies if copy in self._outbox.entries]
        if closed:
            hold = Hold(closed=closed, waiters=[asyncio.get_running_loop().create_future()])
            self._holds.submit(hold)
            await hold.waiters[0]

    async def _handle_report(self, _peer: str, payload: bytes) -> bytes:
        """Take what became of messages of this node."""
        report = read_report(payload)
        for copy in report.again:
            self._dispatcher.handle_returned(copy)
        await self._close([copy for copy in report.handled if self._may_be_elsewhere(copy)])
        return b""

    def _may_be_elsewhere(self, copy: bytes) -> bool:
        """Tell whether another node can have handled a message.

        It has been on its way, or may have been in an earlier life of this node, and is not here: a member
        cannot take out of the outbox what nobody else has seen.
        """
        entry = self._outbox.entries.get(copy)
        return entry is not None and entry.is_followed and entry.node != self._node_id

    async def _answer_question(self, peer: str, payload: bytes) -> bytes:
        """Say what became of messages that another node has sent here."""
        question = read_question(payload)
        fates = bytes(map(self._fate_of, question.copies))
        if question.renounce:
            for copy, fate in zip(question.copies, fates, strict=True):
                if fate == Fate.UNKNOWN:
                    self._inbox.renounce(copy, peer)
        return fates

    def _fate_of(self, copy: bytes) -> Fate:
        if copy in self._inbox.handled:
            return Fate.HANDLED
        return Fate.HERE if copy in self._inbox.in_hand else Fate.UNKNOWN

    def _handle_fates(self, _node: str, copies: Sequence[bytes], fates: bytes) -> None:
        """Take the answer to a question."""
        said = list(zip(copies, fates, strict=False))
        for copy in (copy for copy, fate in said if fate == Fate.HERE):
            self._dispatcher.handle_here(copy)
        self._dispatcher.handle_unknown(copy for copy, fate in said if fate == Fate.UNKNOWN)
        closed = [copy for copy, fate in said if fate == Fate.HANDLED]
        if closed:
            self._holds.submit(Hold(closed=closed))
