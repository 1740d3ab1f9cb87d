"""One message on its way: where to, what is noted, and what happens when it is not taken.

Everything here runs on whatever thread the message came in on.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import msgspec

from caxton_node.core.clock import Clock
from caxton_node.fipa import Envelope, FailureReason, decode, encode
from caxton_node.fipa.replies import PLATFORM_SENDER
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.dead_letters import DeadLetters
from caxton_node.messaging.destinations import Destination, Destinations, Found, RemoteLane, key_of
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.requests import OpenRequests
from caxton_node.messaging.returns import Returns
from caxton_node.messaging.stamps import Stamps, continue_trace, to_message_id
from caxton_node.messaging.tap import Tap
from caxton_node.runtime.violations import Action, Bound, Violation

HOPS = "hops"
HOPS_MAX = 3
_NO_HOPS = msgspec.msgpack.encode(0)
DIED_MAX = 1_024


class Delivery:
    """Brings stamped messages to their destinations.

    Args:
        destinations: Where addresses lead.
        stamps: For the platform's own messages.
        tally: Where outcomes are counted.
        clock: Time of dead letters.
        dead_letters_max: Dead letters kept.

    Attributes:
        conversations: Context of the conversations seen lately.
        requests: Requests that wait for an answer.
        dead_letters: Messages that reached nobody.
        tap: Shows what is delivered to whoever follows.
        returns: The desk for what cannot be delivered.
        report_violation: Who is told of limits that messages pass, with the agent's address.
    """

    def __init__(
        self, destinations: Destinations, stamps: Stamps, tally: Tally, clock: Clock, dead_letters_max: int
    ) -> None:
        self.node_id = destinations.node_id
        self.conversations = Conversations()
        self.requests = OpenRequests()
        self.dead_letters = DeadLetters(dead_letters_max)
        self.tap = Tap()
        self.returns = Returns(
            post=self.post,
            dead_letters=self.dead_letters,
            tally=tally,
            clock=clock,
            requests=self.requests,
            conversations=self.conversations,
            node_id=self.node_id,
        )
        self.report_violation: Callable[[str, Violation], None] = _tell_nobody
        self._destinations = destinations
        self._stamps = stamps
        self._tally = tally
        self._died: dict[str, None] = {}

    def note_death(self, node: str) -> None:
        """Remember that a node is gone, for the reason in what could not be sent to it."""
        self._died[node] = None
        if len(self._died) > DIED_MAX:
            del self._died[next(iter(self._died))]

    def note_life(self, node: str) -> None:
        """Note that a node has sent something."""
        self._died.pop(node, None)

    def post(self, envelope: Envelope) -> bytes:
        """Stamp and route a message of a client or of the platform."""
        envelope.sent_at, number = self._stamps.take(1)
        envelope.message_id = message_id = to_message_id(number)
        envelope.trace = continue_trace(envelope.trace, message_id)
        self.route_copies(envelope, None)
        return message_id

    def route_copies(self, envelope: Envelope, mailbox: Mailbox | None) -> None:
        """Route one copy per receiver, naming only that one, so that no node has to divide a list."""
        receivers = list(dict.fromkeys(envelope.receiver_list()))
        self._tally.accept(len(receivers))
        for receiver in receivers:
            envelope.receivers = receiver
            self.route(envelope, encode(envelope), mailbox)

    def route(
        self,
        envelope: Envelope,
        frame: bytes,
        mailbox: Mailbox | None,
        *,
        arrived: bool = False,
        reason: FailureReason | None = None,
    ) -> None:
        """Route one stamped message to its one receiver; it has been counted as accepted."""
        receiver, sender = next(iter(envelope.receiver_list()), ""), envelope.sender or PLATFORM_SENDER
        found = self._destinations.find(receiver, key_of(envelope), arrived=arrived)
        destination = found.destination
        if destination is None:
            self.returns.give_up(envelope, receiver, reason or found.reason, found.detail)
            return
        if isinstance(destination, RemoteLane) and arrived:
            if not _count_hop(envelope):
                detail = f"{receiver} is said to be on another node by {HOPS_MAX} nodes in a row"
                self.returns.give_up(envelope, receiver, FailureReason.UNROUTABLE, detail)
                return
            frame = encode(envelope)
        self._note(envelope, sender, found)
        self.put(destination, [frame], mailbox)

    def _note(self, envelope: Envelope, sender: str, found: Found) -> None:
        """Remember what this message means for its conversation and for those who wait."""
        if envelope.conversation_id is not None:
            now_us = envelope.sent_at or 0
            self.conversations.note(envelope, envelope.conversation_id, sender, found.address, now_us)
        if envelope.in_reply_to is not None:
            self.requests.close(envelope, found.address)
        waits = envelope.reply_by is not None or found.node != self.node_id
        if envelope.reply_with is not None and waits and sender.endswith(f"@{self.node_id}"):
            self.requests.remember(envelope, found.address, found.node)

    def put(self, destination: Destination, frames: list[bytes], mailbox: Mailbox | None) -> None:
        """Put frames where they belong and return to their senders what finds no room."""
        if self.tap.listeners:
            self.tap.show(frames)
        taken = destination.put_all(frames, mailbox)
        if taken == len(frames):
            return
        if not isinstance(destination, RemoteLane) and destination.closed:
            self._reroute_from_closed(frames[taken:], mailbox)
        else:
            self._refuse(destination, frames[taken:])

    def _refuse(self, destination: Destination, frames: list[bytes]) -> None:
        """Return what a destination did not take."""
        if isinstance(destination, RemoteLane):
            detail = f"too much waits to be sent to node {destination.node}"
            self.returns.give_up_all(frames, FailureReason.BACKLOG_FULL, detail)
        elif destination.closed:
            detail = f"{destination.address} has stopped"
            self.returns.give_up_all(frames, FailureReason.AGENT_STOPPED, detail)
        else:
            detail = f"the mailbox of {destination.address} is full"
            if isinstance(destination, Mailbox):
                waiting = len(destination) + len(frames)
                self.report(destination.address, Bound.MAILBOX, waiting, destination.depth_max)
            self.returns.give_up_all(frames, FailureReason.MAILBOX_FULL, detail)

    def report(self, agent: str, bound: Bound, used: int, limit: int) -> None:
        """Tell of a limit that a message passed, and that it was refused for that."""
        self.report_violation(agent, Violation(bound, used, limit, Action.REFUSED))

    def _reroute_from_closed(self, frames: list[bytes], mailbox: Mailbox | None) -> None:
        """Follow the addresses once more: the mailbox was closed between the look-up and the put."""
        for frame in frames:
            envelope = decode(frame)
            receiver = next(iter(envelope.receiver_list()), "")
            found = self._destinations.find(receiver, key_of(envelope))
            if found.destination is None:
                self.returns.give_up(envelope, receiver, found.reason, found.detail)
            elif not found.destination.put_all([frame], mailbox):
                self._refuse(found.destination, [frame])

    def handle_unsent(self, node: str, frames: Sequence[bytes], reason: FailureReason, detail: str) -> None:
        """Return what the mesh did not take."""
        if reason is FailureReason.UNROUTABLE and node in self._died:
            reason = FailureReason.NODE_DIED
        for frame in frames:
            envelope = decode(frame)
            receiver = next(iter(envelope.receiver_list()), "")
            self.returns.give_up(envelope, receiver, reason, detail, node)


def _tell_nobody(_agent: str, _violation: Violation) -> None:
    """Stand in until somebody listens."""


def _count_hop(envelope: Envelope) -> bool:
    """Write one more hop into a message that is passed on; False when it has been passed on often enough."""
    headers = dict(envelope.headers or {})
    hops = msgspec.msgpack.decode(headers.get(HOPS, _NO_HOPS))
    if not isinstance(hops, int) or hops >= HOPS_MAX:
        return False
    headers[HOPS] = msgspec.Raw(msgspec.msgpack.encode(hops + 1))
    envelope.headers = headers
    return True
