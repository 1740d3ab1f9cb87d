"""Where a message is, and what became of it: asked by people, answered from whoever knows."""

from __future__ import annotations

from time import monotonic_ns, time_ns

from caxton_node.messaging.delivery import Delivery
from caxton_node.messaging.destinations import Destinations
from caxton_node.messaging.receipts import Receipt, State
from caxton_node.messaging.traces import Span


class Tracking:
    """Answers on the event loop; each question is a look at everything, which takes milliseconds.

    Args:
        destinations: Mailboxes and platform agents.
        delivery: Receipts, parked messages and spans.
    """

    def __init__(self, destinations: Destinations, delivery: Delivery) -> None:
        self._destinations = destinations
        self._delivery = delivery

    def where(self, message_id: bytes) -> list[Receipt]:
        """List what this node knows of a message, one receipt for each receiver; empty if it knows nothing.

        Args:
            message_id: Sixteen bytes.
        """
        number = int.from_bytes(message_id, "big")
        waiting = [*self._waiting(number), *self._parked(number), *self._in_outbox(message_id)]
        return [*waiting, *self._delivery.receipts.find(number)]

    def trace(self, key: bytes | str) -> list[Span]:
        """List the spans of a trace, oldest first; see `Traces.find`."""
        return self._delivery.traces.find(key)

    @property
    def spans_dropped(self) -> int:
        """Return how many spans were not made since there were too many in their second."""
        return self._delivery.traces.forgotten

    def _waiting(self, number: int) -> list[Receipt]:
        found = []
        for mailbox in self._destinations.mailboxes():
            at_ns = mailbox.holds(number)
            if at_ns:
                at_us = (time_ns() - (monotonic_ns() - at_ns)) // 1000
                found.append(Receipt(State.QUEUED, mailbox.address, at_us))
        boxes = list(self._destinations.platform.values())
        found += [Receipt(State.QUEUED, box.address) for box in boxes if box.holds(number)]
        return found

    def _parked(self, number: int) -> list[Receipt]:
        return [
            Receipt(State.PARKED, parked.receiver, parked.since_us, parked.reason, parked.expires_ms)
            for parked in self._delivery.waiting.parking.find(number)
        ]

    def _in_outbox(self, message_id: bytes) -> list[Receipt]:
        durable = self._delivery.durable
        if durable is None:
            return []
        return [
            Receipt(State.PARKED, entry.key[1], detail="outbox", until_ms=entry.expires_ms)
            for entry in durable.find(message_id)
        ]
