"""One message on its way: where to, what is noted, and what happens when it is not taken.

Everything here runs on whatever thread the message came in on.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from caxton_node.core.clock import Clock
from caxton_node.fipa import Envelope, FailureReason, decode, encode
from caxton_node.messaging.budget import Budgets
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.dead_letters import DeadLetters
from caxton_node.messaging.destinations import Box, Destination, Destinations, Found, RemoteLane, key_of
from caxton_node.messaging.durable.header import OUTBOX
from caxton_node.messaging.durable.inbox import Verdict
from caxton_node.messaging.durable.post import DurablePost
from caxton_node.messaging.fence import Fences
from caxton_node.messaging.following import Following
from caxton_node.messaging.hops import HOPS, count_hop
from caxton_node.messaging.mailbox import Mailbox, Sender
from caxton_node.messaging.receipts import Receipts
from caxton_node.messaging.requests import OpenRequests
from caxton_node.messaging.returns import Returns
from caxton_node.messaging.shadowing import Shadowing
from caxton_node.messaging.stamps import Stamps, new_trace, to_message_id
from caxton_node.messaging.tags import RESENT, SHADOW, Tag, expiry_of, tag_of
from caxton_node.messaging.tap import Tap
from caxton_node.messaging.traces import SAMPLED, Traces
from caxton_node.messaging.waiting import Waiting
from caxton_node.runtime.violations import Action, Bound, Violation

DIED_MAX = 1_024
_HOSTS_OWN = (HOPS, SHADOW, RESENT, OUTBOX)


class Delivery:
    """Brings stamped messages to their destinations.

    Args:
        destinations: Where addresses lead.
        stamps: For the platform's own messages.
        tally: Where outcomes are counted.
        clock: Time of dead letters.
        dead_letters: Where undelivered messages are kept.
        conversations: Context of the conversations seen lately.
        traces: Spans of the conversations that are followed.

    Attributes:
        requests: Requests that wait for an answer.
        receipts: What became of the latest messages.
        waiting: Messages whose receiver is not there.
        tap: Shows what is delivered to whoever follows.
        returns: The desk for what cannot be delivered.
        following: What messages mean for their conversations.
        budgets: What conversations have left.
        budgeted: Conversations that have a budget here.
        report_violation: Who is told of limits that messages pass, with the agent's address.
        durable: Messages that survive; None on a node that keeps none.
        fences: What makes messages wait while their receiver moves; set by the router.
    """

    def __init__(
        self,
        *,
        destinations: Destinations,
        stamps: Stamps,
        tally: Tally,
        clock: Clock,
        dead_letters: DeadLetters,
        conversations: Conversations,
        traces: Traces,
        receipts: Receipts,
    ) -> None:
        self.node_id = destinations.node_id
        self.conversations = conversations
        self.traces = traces
        self.receipts = receipts
        self.requests = OpenRequests()
        self.tap = Tap()
        self.budgets = Budgets()
        self.budgeted: Collection[str] = self.budgets.conversations
        self.returns = Returns(
            post=self.post,
            dead_letters=dead_letters,
            tally=tally,
            clock=clock,
            requests=self.requests,
            conversations=conversations,
            receipts=receipts,
            traces=traces,
            budgets=self.budgets,
            node_id=self.node_id,
        )
        self.following = Following(
            conversations=conversations,
            traces=traces,
            requests=self.requests,
            returns=self.returns,
            clock=clock,
            node_id=self.node_id,
        )
        self.waiting = Waiting(self, destinations, self.returns, clock)
        self.report_violation: Callable[[str, Violation], None] = _tell_nobody
        self.durable: DurablePost | None = None
        self.fences: Fences | None = None
        self._destinations = destinations
        self._stamps = stamps
        self._tally = tally
        self._clock = clock
        self._shadowing = Shadowing(destinations, tally)
        self._died: dict[str, None] = {}

    def note_death(self, node: str) -> None:
        """Remember that a node is gone, for the reason in what could not be sent to it."""
        self._died[node] = None
        if len(self._died) > DIED_MAX:
            del self._died[next(iter(self._died))]

    def note_life(self, node: str) -> None:
        """Note that a node has sent something."""
        self._died.pop(node, None)

    # -- one message ----------------------------------------------------------------------------------------

    def post(self, envelope: Envelope, *, personal: bool = False) -> bytes:
        """Stamp and route a message of a client or of the platform; see `stamp`."""
        message_id = self.stamp(envelope, personal=personal)
        self.route_copies(envelope, None)
        return message_id

    def stamp(self, envelope: Envelope, *, personal: bool = False) -> bytes:
        """Give a message of a client or of the platform its id, time and trace.

        Args:
            envelope: With its sender.
            personal: Whether somebody outside the node sends it: its receipt is kept and its trace followed.

        Returns:
            The message id.
        """
        envelope.sent_at, number = self._stamps.take(1)
        envelope.message_id = message_id = to_message_id(number)
        if personal:
            self.receipts.expect(number)
            self._follow_person(envelope, message_id)
        return message_id

    def _follow_person(self, envelope: Envelope, message_id: bytes) -> None:
        """Follow the conversation of somebody outside the node, unless there are too many of them."""
        talk = self.conversations.find(envelope.conversation_id or "")
        if envelope.trace is not None or (talk is not None and talk.is_followed):
            return
        if self.traces.follows_person(envelope.sent_at or 0):
            envelope.trace = new_trace(message_id, SAMPLED, talk.trace_id if talk is not None else None)

    def route_copies(self, envelope: Envelope, mailbox: Sender) -> None:
        """Route one copy per receiver, naming only that one, so that no node has to divide a list."""
        for receiver in self.prepare(envelope):
            envelope.receivers = receiver
            self.route(envelope, encode(envelope), mailbox)

    def prepare(self, envelope: Envelope) -> list[str]:
        """Take a message on, within its conversation, and return its receivers, each once."""
        receivers = list(dict.fromkeys(envelope.receiver_list()))
        self._tally.accept(len(receivers))
        self.following.join(envelope)
        return receivers

    def route(
        self,
        envelope: Envelope,
        frame: bytes,
        mailbox: Sender,
        *,
        arrived: bool = False,
        again: bool = False,
        reason: FailureReason | None = None,
    ) -> None:
        """Route one stamped message to its one receiver; it has been counted as accepted.

        Args:
            envelope: The message.
            frame: The same as bytes.
            mailbox: Of the local agent that sent it, or the peer; None for anyone else.
            arrived: Whether it comes from another node.
            again: Whether its conversation knows of it, since it has been on its way here before.
            reason: What its sender is told if it leads nowhere; by default what was found out.
        """
        sending = self.durable.sending if self.durable is not None and not arrived else None
        if sending is not None and sending.catch(envelope, frame, mailbox, again=again):
            return
        if not (arrived or again) and self._is_fenced(envelope, frame, mailbox):
            return
        self._route(envelope, frame, mailbox, arrived=arrived, again=again, reason=reason)

    def _is_fenced(self, envelope: Envelope, frame: bytes, mailbox: Sender) -> bool:
        """Tell whether a message waits at a fence from now on."""
        fences = self.fences
        return fences is not None and bool(fences.standing) and fences.hold(envelope, frame, mailbox)

    def go_on(self, envelope: Envelope, frame: bytes, mailbox: Sender) -> None:
        """Route a message that has waited at a fence."""
        self._route(envelope, frame, mailbox)

    def _route(
        self,
        envelope: Envelope,
        frame: bytes,
        mailbox: Sender,
        *,
        arrived: bool = False,
        again: bool = False,
        reason: FailureReason | None = None,
    ) -> None:
        receiver, key = next(iter(envelope.receiver_list()), ""), key_of(envelope)
        if arrived and envelope.headers is not None and SHADOW in envelope.headers:
            self._shadowing.take(envelope, frame)
            return
        found = self._destinations.find(receiver, key, arrived=arrived)
        self._follow(envelope, frame, found, mailbox, arrived=arrived, again=again, reason=reason)

    def _follow(
        self,
        envelope: Envelope,
        frame: bytes,
        found: Found,
        mailbox: Sender,
        *,
        arrived: bool = False,
        again: bool = False,
        reason: FailureReason | None = None,
    ) -> None:
        """Send a message where it was found to lead, or see what becomes of one that leads nowhere."""
        receiver, destination = next(iter(envelope.receiver_list()), ""), found.destination
        if destination is None:
            self._keep_or_return(envelope, frame, found, reason or found.reason, again=again)
            return
        if self.fences is not None and isinstance(destination, RemoteLane) and "@" not in receiver:
            self.fences.trails.note(found.name, found.node)
        if isinstance(destination, RemoteLane) and arrived:
            if obstacle := count_hop(envelope):
                detail = f"{receiver} is said to be on another node {obstacle}"
                self.returns.give_up(envelope, receiver, FailureReason.UNROUTABLE, detail)
                return
            frame = encode(envelope)
        self.deliver(envelope, frame, found, mailbox, arrived=arrived, again=again)

    def deliver(
        self,
        envelope: Envelope,
        frame: bytes,
        found: Found,
        mailbox: Sender,
        *,
        arrived: bool = False,
        again: bool = False,
    ) -> None:
        """Give a message to whoever it leads to, unless its conversation refuses it."""
        destination = found.destination
        assert destination is not None, "it leads somewhere"
        is_far = isinstance(destination, RemoteLane)
        if self.durable is not None and not is_far:
            verdict = self.durable.reception.admit(envelope)
            if not verdict.is_taken:
                self._tally.keep()
                return
            again = again or verdict is Verdict.TAKE_AGAIN
        if not again and self.following.refuses(envelope, found, mailbox, arrived=arrived):
            return
        self.following.note_request(envelope, found, again=again or arrived)
        span = self.following.begin_span(envelope, found)
        number = int.from_bytes(envelope.message_id or b"", "big")
        if not self._destinations.may_send(found.address, mailbox):
            detail = f"the mailbox of {found.address} is full"
            self.returns.give_up(envelope, found.address, FailureReason.MAILBOX_FULL, detail)
            return
        self.put(destination, [frame], mailbox, number, tag_of(envelope, span))
        if is_far:
            self.receipts.note_forwarded(self._clock.unix_us(), number, 1, found.address, found.node)
            if span is not None:
                span.outcome = f"forwarded to {found.node}"
        if not arrived:
            self._shadowing.cast(envelope, found, key_of(envelope))

    def _keep_or_return(
        self, envelope: Envelope, frame: bytes, found: Found, reason: FailureReason, *, again: bool
    ) -> None:
        """Let a message wait for its receiver, or return it; one that is in an outbox is kept there."""
        if self.durable is not None and envelope.headers is not None and OUTBOX in envelope.headers:
            receiver = next(iter(envelope.receiver_list()), "")
            self.returns.give_up(envelope, receiver, reason, found.detail)
        else:
            self.waiting.keep_or_return(envelope, frame, found, reason, again=again)

    # -- where it goes --------------------------------------------------------------------------------------

    def put(
        self,
        destination: Destination | Box,
        frames: list[bytes],
        mailbox: Sender,
        first: int = 0,
        tag: Tag | None = None,
    ) -> None:
        """Put frames where they belong and return to their senders what finds no room.

        Args:
            destination: Where they belong.
            frames: At least one.
            mailbox: Of the local agent that sent them, or the peer; None for anyone else.
            first: Number of the first frame, the others follow.
            tag: What is special about a frame that is alone.
        """
        if self.tap.listeners:
            self.tap.show(frames)
        taken = destination.put_all(frames, mailbox, first, tag)
        if taken == len(frames):
            return
        if tag is not None and tag.passage is not None and self.durable is not None:
            self.durable.reception.release(tag.passage)
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

    def _reroute_from_closed(self, frames: list[bytes], mailbox: Sender) -> None:
        """Follow the addresses once more: the mailbox was closed between the look-up and the put."""
        for frame in frames:
            envelope = decode(frame)
            receiver = next(iter(envelope.receiver_list()), "")
            found = self._destinations.find(receiver, key_of(envelope))
            number = int.from_bytes(envelope.message_id or b"", "big")
            if found.destination is None:
                self._keep_or_return(envelope, frame, found, found.reason, again=True)
            elif not found.destination.put_all([frame], mailbox, number, tag_of(envelope)):
                self._refuse(found.destination, [frame])

    def handle_unsent(self, node: str, frames: Sequence[bytes], reason: FailureReason, detail: str) -> None:
        """Send elsewhere, keep or return what the mesh did not take."""
        is_gone = reason is FailureReason.UNROUTABLE
        if is_gone and node in self._died:
            reason = FailureReason.NODE_DIED
        for frame in frames:
            envelope = decode(frame)
            receiver = next(iter(envelope.receiver_list()), "")
            found = self.find(envelope)
            if is_gone and found.node != node:  # it has come to another node meanwhile, or to none
                self._route(envelope, frame, None, again=True, reason=reason)
            elif is_gone and expiry_of(envelope):
                self.waiting.keep_for_node(envelope, frame, found, reason, detail)
            else:
                self.returns.give_up(envelope, receiver, reason, detail, node)

    # -- what is durable: the way out of the outbox ---------------------------------------------------------

    def find(self, envelope: Envelope) -> Found:
        """Say where a message leads now."""
        return self._destinations.find(next(iter(envelope.receiver_list()), ""), key_of(envelope))

    def launch(self, envelope: Envelope, frame: bytes, found: Found, mailbox: Sender, *, again: bool) -> None:
        """Send a durable message where it leads, out of the outbox; it is accepted anew each time."""
        self._tally.accept(1)
        self._follow(envelope, frame, found, mailbox, again=again)

    def route_held(self, envelope: Envelope, frame: bytes, mailbox: Sender) -> None:
        """Route a message that has waited behind a durable one; it has been accepted before."""
        if not self._is_fenced(envelope, frame, mailbox):
            self._route(envelope, frame, mailbox)

    def keep(self) -> None:
        """Count a durable message that is in an outbox and not on its way."""
        self._tally.keep()

    def give_up(self, envelope: Envelope, reason: FailureReason, detail: str, *, accepted: bool) -> None:
        """Return a message to its sender that is not on its way."""
        if not accepted:
            self._tally.accept(1)
        self.returns.give_up(envelope, next(iter(envelope.receiver_list()), ""), reason, detail)

    def strip(self, envelope: Envelope) -> None:
        """Take out of a guest's or client's message what only hosts may write."""
        if envelope.headers is not None:
            for name in _HOSTS_OWN:
                envelope.headers.pop(name, None)


def _tell_nobody(_agent: str, _violation: Violation) -> None:
    """Stand in until somebody listens."""
