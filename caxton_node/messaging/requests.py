"""Requests that wait for an answer, so that nobody waits for ever.

Remembered are the requests (messages with `reply_with`) that could go unanswered without anyone noticing:
those that left for another node, and those with a deadline. A node's death and a passed `reply_by` turn them
into FAILURE. A local request without deadline needs no memory: its receiver handles it, or traps and the
message comes back.

AGREE does not close a request: the promise to act is not the act. Bound: the oldest request is forgotten
when the table is full, which costs its sender the news of a node's death, and is counted.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from heapq import heappop, heappush
from threading import Lock

from caxton_node.fipa import Envelope, Performative
from caxton_node.fipa.codec import Draft
from caxton_node.messaging.budget.header import BUDGET

OPEN_MAX = 65_536
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class OpenRequest:
    """A request without an answer.

    Attributes:
        envelope: The request as it was sent, without its content.
        receiver: Who is to answer, `name@node`.
        node: Where the receiver runs.
        deadline_ms: Unix milliseconds, or None.
    """

    envelope: Envelope
    receiver: str
    node: str
    deadline_ms: int | None


class OpenRequests:
    """The requests of this node's agents and clients; safe to use from any thread.

    Attributes:
        forgotten: Requests that had to make room.
    """

    def __init__(self, open_max: int = OPEN_MAX) -> None:
        self._open: OrderedDict[Key, OpenRequest] = OrderedDict()
        self._deadlines: list[tuple[int, Key]] = []
        self._lock = Lock()
        self._open_max = open_max
        self.forgotten = 0

    def __len__(self) -> int:
        """Return how many requests wait."""
        return len(self._open)

    def remember(self, envelope: Envelope, receiver: str, node: str) -> None:
        """Note a request that has been routed; it must have a sender and `reply_with`."""
        assert envelope.sender, "only stamped messages are remembered"
        assert envelope.reply_with, "only requests are remembered"
        self._add(OpenRequest(_without_content(envelope), receiver, node, envelope.reply_by))

    def remember_draft(
        self, draft: Draft, *, sender: str, message_id: bytes, trace: bytes, receiver: str, node: str
    ) -> None:
        """Note a request that a guest sends to another node, without a deadline."""
        envelope = Envelope(
            Performative(draft.performative),
            sender=sender,
            receivers=draft.receivers,
            conversation_id=draft.conversation_id,
            reply_with=draft.reply_with,
            protocol=draft.protocol,
            message_id=message_id,
            trace=trace,
        )
        self._add(OpenRequest(envelope, receiver, node, None))

    def _add(self, request: OpenRequest) -> None:
        envelope = request.envelope
        key = (envelope.sender or "", envelope.reply_with or "", request.receiver)
        with self._lock:
            self._open.pop(key, None)
            self._open[key] = request
            if request.deadline_ms is not None:
                heappush(self._deadlines, (request.deadline_ms, key))
            if len(self._open) > self._open_max:
                self._open.popitem(last=False)
                self.forgotten += 1
            if len(self._deadlines) > 2 * self._open_max:
                self._rebuild_deadlines()

    @property
    def waiting(self) -> Mapping[Key, OpenRequest]:
        """Return a live view, to see whether any request waits."""
        return self._open

    def close(self, performative: int, in_reply_to: str, sender: str, receiver: str) -> None:
        """Note an answer on its way to `receiver`."""
        if self._open and performative != Performative.AGREE:
            with self._lock:
                self._open.pop((receiver, in_reply_to, sender), None)

    def forget(self, envelope: Envelope, receiver: str) -> None:
        """Drop a request that came back unsent; its sender is told by whoever found out."""
        with self._lock:
            self._open.pop((envelope.sender or "", envelope.reply_with or "", receiver), None)

    def take_of_node(self, node: str) -> list[OpenRequest]:
        """Remove and return what waits for agents on a node, oldest first."""
        return self.take(lambda request: request.node == node)

    def take(self, is_meant: Callable[[OpenRequest], bool]) -> list[OpenRequest]:
        """Remove and return the requests that fit, oldest first; a look at all, for rare moments."""
        with self._lock:
            keys = [key for key, request in self._open.items() if is_meant(request)]
            return [self._open.pop(key) for key in keys]

    def take_expired(self, now_ms: int) -> list[OpenRequest]:
        """Remove and return the requests whose `reply_by` has passed, earliest first."""
        expired: list[OpenRequest] = []
        with self._lock:
            while self._deadlines and self._deadlines[0][0] <= now_ms:
                deadline, key = heappop(self._deadlines)
                request = self._open.get(key)
                if request is not None and request.deadline_ms == deadline:
                    expired.append(self._open.pop(key))
        return expired

    def _rebuild_deadlines(self) -> None:
        """Drop the deadlines of requests that were answered; they are otherwise dropped when they pass."""
        self._deadlines = sorted(
            (request.deadline_ms, key)
            for key, request in self._open.items()
            if request.deadline_ms is not None
        )


def _without_content(envelope: Envelope) -> Envelope:
    """Copy what a FAILURE about this request will need, so that no payload is kept alive."""
    raw = envelope.headers and envelope.headers.get(BUDGET)
    return Envelope(
        envelope.performative,
        sender=envelope.sender,
        receivers=envelope.receivers,
        conversation_id=envelope.conversation_id,
        reply_with=envelope.reply_with,
        protocol=envelope.protocol,
        message_id=envelope.message_id,
        trace=envelope.trace,
        headers={BUDGET: raw} if raw else None,
    )
