"""Messages whose receiver is not there: they wait until it comes or their time is over.

`parking.py` has the places; here is decided who gets one, and who is called when an agent or a node comes.
"""

from __future__ import annotations

from typing import Protocol

from caxton_node.core.clock import Clock
from caxton_node.fipa import Envelope, FailureReason, decode
from caxton_node.messaging.destinations import Destinations, Found, key_of
from caxton_node.messaging.mailbox import Mailbox, Sender
from caxton_node.messaging.parking import Parked, Parking
from caxton_node.messaging.returns import Returns
from caxton_node.messaging.tags import expiry_of

OF_NODE = "@"
"""What stands before a node's id in place of a name, for messages that wait for the node."""
_MAY_COME = frozenset(
    {
        FailureReason.NO_SUCH_AGENT,
        FailureReason.AGENT_STOPPED,
        FailureReason.DRAINING,
        FailureReason.NODE_DIED,
        FailureReason.UNROUTABLE,
    }
)
"""Reasons that end when an agent or its node comes: a message with a time to live waits for that."""


class Ways(Protocol):
    """How a message that has waited goes on; `delivery.Delivery` has these."""

    def route(self, envelope: Envelope, frame: bytes, mailbox: Sender, *, again: bool = False) -> None:
        """Route a message."""
        ...

    def deliver(
        self, envelope: Envelope, frame: bytes, found: Found, mailbox: Sender, *, again: bool = False
    ) -> None:
        """Give a message to whoever it leads to."""
        ...


class Waiting:
    """Keeps messages for receivers who may come.

    Args:
        ways: How they go on.
        destinations: Who is there.
        returns: Where those go that do not wait, or not any longer.
        clock: Time.

    Attributes:
        parking: The places.
    """

    def __init__(self, ways: Ways, destinations: Destinations, returns: Returns, clock: Clock) -> None:
        self.parking = Parking()
        self._ways = ways
        self._destinations = destinations
        self._returns = returns
        self._clock = clock

    def keep_or_return(
        self, envelope: Envelope, frame: bytes, found: Found, reason: FailureReason, *, again: bool
    ) -> None:
        """Keep a message for a receiver who may come, if it says for how long; else return it."""
        receiver, detail = next(iter(envelope.receiver_list()), ""), found.detail
        expires_ms, now_us = expiry_of(envelope), self._clock.unix_us()
        # What has a ~ in its name is a client or a task, and lives once.
        may_come = bool(found.name) and "~" not in found.name and reason in _MAY_COME
        if may_come and expires_ms * 1000 > now_us:
            number = int.from_bytes(envelope.message_id or b"", "big")
            parked = Parked(found.name, receiver, number, frame, reason, now_us, expires_ms, again)
            if self.parking.park(parked):
                # Whoever came in between has not seen it: it goes before what its sender sends next.
                if self._destinations.find(receiver, key_of(envelope)).destination is not None:
                    self.release(found.name)
                return
        elif may_come and expires_ms:  # its time was over before it came here, or while the node was down
            reason, detail = FailureReason.EXPIRED, f"{receiver} did not come in time ({reason})"
        self._returns.give_up(envelope, receiver, reason, detail)

    def keep_for_node(
        self, envelope: Envelope, frame: bytes, found: Found, reason: FailureReason, detail: str
    ) -> None:
        """Keep a message for a node that may come back, if it says for how long; else return it."""
        lives_once = not found.name or "~" in found.name
        name = "" if lives_once else f"{OF_NODE}{found.node}"
        away = Found(None, found.address, found.node, detail=detail, name=name)
        self.keep_or_return(envelope, frame, away, reason, again=True)

    def give_to(self, mailbox: Mailbox, name: str) -> None:
        """Give an agent what waits for it before anybody can find it, so that nothing overtakes that."""
        found = Found(mailbox, mailbox.address, self._destinations.node_id, name=name)
        for parked in self.parking.take_for(name):
            self._ways.deliver(decode(parked.frame), parked.frame, found, None, again=parked.again)

    def release(self, name: str) -> None:
        """Route what waits for an agent of this name, if one is here now or a route leads to one."""
        parking = self.parking
        if name.startswith(OF_NODE) or not parking.holds_for(name):
            return
        if not self._destinations.leads_somewhere(name, pinned=parking.are_pinned(name)):
            return  # else what is pinned to this node would be parked anew, all of it, with every tick
        for parked in parking.take_for(name):
            self._ways.route(decode(parked.frame), parked.frame, None, again=parked.again)

    def release_all(self) -> None:
        """Route what waits for anybody who is there now."""
        for name in self.parking.names():
            self.release(name)

    def release_for_node(self, node: str) -> None:
        """Send to a node that has come back what has waited for it, in the order in which it was sent.

        That is not the order of parking: what the mesh gives back when a node dies has been on its way longer
        than what still waited for the mesh, and is parked behind it.
        """
        waited = self.parking.take_for(f"{OF_NODE}{node}")
        for parked in sorted(waited, key=lambda parked: parked.number):
            self._ways.route(decode(parked.frame), parked.frame, None, again=True)

    def expire(self, now_us: int) -> None:
        """Return to their senders the messages whose time to live is over, wherever they wait."""
        now_ms = now_us // 1000
        for parked in self.parking.take_expired(now_ms):
            detail = f"{parked.receiver} did not come in time ({parked.reason})"
            self._returns.give_up(decode(parked.frame), parked.receiver, FailureReason.EXPIRED, detail)
        for mailbox in self._destinations.mailboxes():
            expired = mailbox.take_expired(now_ms)
            if expired:
                detail = f"{mailbox.address} did not come to it in time"
                self._returns.give_up_all(expired, FailureReason.EXPIRED, detail)
