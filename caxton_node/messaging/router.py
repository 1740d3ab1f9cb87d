"""The router: takes what agents, clients and peers send, and sees every message to its end.

    decode -> stamp -> validate -> conversation -> where to -> mailbox, platform agent or lane to another node

It introduces its parts to one another and holds the one loop that every message passes. `accept` runs on
worker threads, everything else on the event loop; nothing here awaits, logs or touches a database.

Frames for the same destination are put there in runs, so that a lock and a wake-up are paid per run, not per
message.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Iterator, Sequence
from itertools import islice

from caxton_node.core.clock import Clock
from caxton_node.core.ids import Address, full_name, parse_address
from caxton_node.fipa import (
    BrokenRule,
    ContentTooLarge,
    Envelope,
    FailureReason,
    MalformedEnvelope,
    check,
    decode,
    encode,
)
from caxton_node.fipa.codec import READ_ERRORS, read
from caxton_node.fipa.rules import CONTENT_BYTES_CAP, CONTENT_BYTES_MAX
from caxton_node.messaging.counts import Counts, Tally
from caxton_node.messaging.dead_letters import COUNT_MAX
from caxton_node.messaging.delivery import HOPS, Delivery
from caxton_node.messaging.destinations import Box, Destinations, LocalAgent, Place, key_of
from caxton_node.messaging.handover import Handover
from caxton_node.messaging.latency import Latency
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.platform import BOX_DEPTH_MAX, Handler, PlatformBox
from caxton_node.messaging.remote import RemotePort
from caxton_node.messaging.routes import RouteTable, Target
from caxton_node.messaging.stamps import UNSAMPLED, Stamps, continue_trace
from caxton_node.runtime.traps import Trap
from caxton_node.runtime.violations import Bound, Violation

PATIENCE_S = 1.0
COPIES_MAX = 65_536
"""Receivers of all messages of one outbox: as many as it may have frames, or each could name 256."""


class Router:
    """Routes messages; implements `runtime.ports.Post`.

    Args:
        node_id: This node.
        routes: Names and their instances; replaced by whoever knows the registry.
        clock: Wall-clock time of stamps and deadlines.
        loop: The event loop on whose thread platform agents run.
        remote: The way to other nodes; None on a node without a cluster.
        dead_letters_max: Dead letters kept for people to look at.

    Attributes:
        conversations: Context of the conversations seen lately.
        requests: Requests that wait for an answer.
        dead_letters: Messages that reached nobody.
        tap: Shows messages to whoever follows them.
        latency: How long messages waited in mailboxes.
    """

    def __init__(
        self,
        *,
        node_id: str,
        routes: RouteTable,
        clock: Clock,
        loop: AbstractEventLoop,
        remote: RemotePort | None = None,
        dead_letters_max: int = COUNT_MAX,
    ) -> None:
        self.node_id = node_id
        self.latency = Latency()
        self._loop = loop
        self._remote = remote
        self._stamps = Stamps(node_id, clock)
        self._tally = Tally()
        self._destinations = Destinations(node_id, routes, remote)
        self._delivery = Delivery(self._destinations, self._stamps, self._tally, clock, dead_letters_max)
        self.conversations = self._delivery.conversations
        self.requests = self._delivery.requests
        self.dead_letters = self._delivery.dead_letters
        self.tap = self._delivery.tap
        if remote is not None:
            remote.connect(self._delivery.handle_unsent)

    # -- who can be reached ---------------------------------------------------------------------------------

    def add_mailbox(
        self, instance: str, mailbox: Mailbox, *, content_bytes_max: int = CONTENT_BYTES_MAX
    ) -> str:
        """Make an instance on this node reachable by its name, before any route knows it.

        Args:
            instance: `name#version.n@node`.
            mailbox: Where its messages wait; the router counts what it delivers.
            content_bytes_max: Largest content that the agent may send.

        Returns:
            Its address, `name@node`: the sender of everything it says.
        """
        address = str(Address(parse_address(instance).name, self.node_id))
        mailbox.address, mailbox.latency = address, self.latency
        target = Target(instance, self.node_id)
        self._destinations.add_agent(LocalAgent(target, address, mailbox, content_bytes_max))
        return address

    def remove_mailbox(self, instance: str) -> list[bytes]:
        """Close an instance's mailbox; its agent must not be running any more.

        Returns:
            The messages that still waited, oldest first, for the caller to `reroute` or to keep on disk.
        """
        agent = self._destinations.remove_agent(instance)
        if agent is None:
            return []
        left = agent.mailbox.close()
        self._tally.retire(agent.mailbox.delivered, len(left) + agent.mailbox.in_flight)
        return left

    def rename_mailbox(self, old: str, new: str, *, content_bytes_max: int = CONTENT_BYTES_MAX) -> None:
        """Let an instance take over the mailbox of another at once; neither may be running.

        Args:
            old: The instance that had it.
            new: The instance that has it from now on, of the same name.
            content_bytes_max: Largest content that the new one may send.
        """
        agent = self._destinations.agents[old]
        target = Target(new, self.node_id)
        renamed = LocalAgent(target, agent.address, agent.mailbox, content_bytes_max)
        self._destinations.rename_agent(old, renamed)

    def begin_handover(self, leaving: str, successor: str | None = None) -> Handover:
        """Let an agent leave: it keeps the conversations that it is in, the successor gets all others.

        With a successor, call it while no worker runs the one that leaves, which may go on afterwards: what a
        worker has in hands is not seen here, and the successor could overtake it. Without one nothing can be
        overtaken, and the one that leaves may run all the while; only a conversation that it begins in the
        very turn in which this happens may be missed, and its answer refused.

        Until all is divided, what comes goes on to the one that leaves, so nobody waits for the search. By
        then it waits there, and is kept, or it finds the mailbox closed and is new to both.

        Args:
            leaving: An instance with a mailbox.
            successor: Another instance of the same name with a mailbox; None refuses new conversations.
        """
        agents = self._destinations.agents
        agent = agents[leaving]
        handover = Handover(agent.mailbox, agents[successor].mailbox if successor else None)
        self._destinations.begin_handover(parse_address(agent.address).name, handover)
        talks = [talk.id for talk in self.conversations.open_of(agent.address)]
        handover.divide(talks, lambda frame: key_of(decode(frame)))
        return handover

    def is_finished(self, handover: Handover) -> bool:
        """Return whether the one that leaves has handled what waited and ended its conversations."""
        return handover.is_done(self.conversations.is_open)

    def end_handover(self, leaving: str, handover: Handover) -> list[bytes]:
        """Let the successor have everything, and take the mailbox of the one that left out.

        It must not be running any more.

        Returns:
            What waited and found no successor, oldest first, for the caller to `reroute` or to keep.
        """
        left = handover.end()
        agent = self._destinations.remove_agent(leaving)
        if agent is not None:
            self._tally.retire(agent.mailbox.delivered, len(left) + agent.mailbox.in_flight)
        self._destinations.end_handover(parse_address(handover.address).name, handover)
        return left

    def add_platform_agent(self, name: str, handler: Handler, *, depth_max: int = BOX_DEPTH_MAX) -> None:
        """Give messages for `name` to `handler`, which runs on the event loop and must not block.

        Args:
            name: With or without the tenant: `df`, `client~1`.
            handler: Called with each message in order; answers by `submit`.
            depth_max: Messages that may wait for it.
        """
        full = full_name(name)
        address = str(Address(full, self.node_id))
        box = PlatformBox(self._loop, address, handler, depth_max)
        self._destinations.add_platform_agent(full, box)

    def remove_platform_agent(self, name: str) -> None:
        """Take a platform agent out; messages that still wait for it are given up."""
        box = self._destinations.remove_platform_agent(full_name(name))
        if box is not None:
            left = box.close()
            self._tally.retire(box.delivered, 0)
            self._delivery.returns.give_up_all(left, FailureReason.AGENT_STOPPED, f"{box.address} has gone")

    def on_violation(self, listener: Callable[[str, Violation], None]) -> None:
        """Tell `listener` of limits that messages pass, with the agent's address; on any thread."""
        self._delivery.report_violation = listener

    # -- the way in -----------------------------------------------------------------------------------------

    def accept(self, sender_instance: str, frames: Sequence[bytes]) -> None:
        """Route what one agent sent, in order; frames are as the guest wrote them."""
        agent = self._destinations.agents.get(sender_instance) or self._recall(sender_instance)
        address, mailbox, content_bytes_max = agent.address, agent.mailbox, agent.content_bytes_max
        if self._destinations.handovers:
            self._keep_what_it_begins(agent, frames)
        now_us, first = self._stamps.take(len(frames))
        direct, requests, note = self._destinations.direct, self.requests, self.conversations.note
        run: list[bytes] = []
        run_to: Box | None = None
        plain = copies = 0
        for number, frame in enumerate(frames, first):
            try:
                envelope = read(frame)
            except READ_ERRORS as err:
                self._delivery.returns.answer_malformed(address, frame, err)
                continue
            message_id = number.to_bytes(16, "big")
            envelope.sender = address
            envelope.message_id = message_id
            envelope.sent_at = now_us
            trace = envelope.trace
            envelope.trace = (
                continue_trace(trace, message_id) if trace else message_id + message_id[8:] + UNSAMPLED
            )
            receiver, content = envelope.receivers, envelope.content
            destination = direct.get(receiver) if isinstance(receiver, str) else None
            if (
                destination is None
                or content is None
                or len(content) > content_bytes_max
                or envelope.reply_by is not None
                or envelope.headers is not None
            ):  # anything but a plain message to somebody near: the long way, behind what was sent before
                if run_to is not None:
                    self._delivery.put(run_to, run, mailbox)
                    run_to, run = None, []
                copies += 1 if isinstance(receiver, str) else len(receiver or ())
                if copies > COPIES_MAX:
                    self._tally.accept(1)
                    detail = f"one turn of an agent may send {COPIES_MAX:,} copies of its messages"
                    named = next(iter(envelope.receiver_list()), "")
                    self._delivery.returns.give_up(envelope, named, FailureReason.BACKLOG_FULL, detail)
                else:
                    self._accept_checked(envelope, mailbox, content_bytes_max)
                continue
            plain += 1
            if envelope.conversation_id is not None:
                note(envelope, envelope.conversation_id, address, destination.address, now_us)
            if envelope.in_reply_to is not None:
                requests.close(envelope, destination.address)
            if destination is not run_to:
                if run_to is not None:
                    self._delivery.put(run_to, run, mailbox)
                run_to, run = destination, []
            run.append(encode(envelope))
        self._tally.accept(plain)
        if run_to is not None:
            self._delivery.put(run_to, run, mailbox)

    def submit(self, envelope: Envelope) -> bytes:
        """Route a message of a client or platform agent.

        Args:
            envelope: With its true sender; id, time and trace are stamped here.

        Returns:
            The message id.

        Raises:
            InvalidMessage: It breaks a rule; nothing was sent.
        """
        check(envelope, CONTENT_BYTES_CAP)
        return self._delivery.post(envelope)

    def accept_remote(self, peer: str, frames: Sequence[bytes]) -> None:
        """Take messages from another node; they are stamped and checked already."""
        self._delivery.note_life(peer)
        for frame in frames:
            try:
                envelope = decode(frame)
            except MalformedEnvelope:
                self._tally.misunderstand()
                continue
            self._tally.accept(1)
            self._delivery.route(envelope, frame, None, arrived=True)

    def reroute(
        self,
        frames: Sequence[bytes],
        reason: FailureReason = FailureReason.NO_SUCH_AGENT,
    ) -> None:
        """Route messages again that came back from a mailbox or a peer: to the receiver, or back.

        Args:
            frames: In order.
            reason: What their senders are told if the receiver is nowhere.
        """
        for frame in frames:
            envelope = decode(frame)
            self._tally.accept(1)
            self._delivery.route(envelope, frame, None, reason=reason)

    # -- the way back ---------------------------------------------------------------------------------------

    def return_to_sender(self, frame: bytes, reason: FailureReason, detail: str) -> None:
        """Send FAILURE for a message that an agent had taken and could not handle; any thread."""
        self._delivery.returns.give_up_all([frame], reason, detail)

    def return_trapped(self, frame: bytes, trap: Trap) -> None:
        """Send FAILURE for the message in which its receiver trapped or said no; any thread."""
        self.return_to_sender(frame, FailureReason.TRAPPED, str(trap))

    def handle_node_died(self, node: str, undelivered: Sequence[bytes] = ()) -> None:
        """Deal with a dead or departed node.

        Args:
            node: Its id.
            undelivered: What its mesh link never took, in order: sent elsewhere if the receiver lives
                elsewhere. Whoever waits for any other answer from there gets FAILURE.
        """
        self._delivery.note_death(node)
        self._destinations.forget_node(node)
        waiting = self.requests.take_of_node(node)
        returned = {decode(frame).message_id for frame in undelivered}
        self.reroute(undelivered, FailureReason.NODE_DIED)
        for request in waiting:
            if request.envelope.message_id not in returned:
                detail = f"node {node} died before {request.receiver} answered"
                self._delivery.returns.tell(
                    request.envelope, request.receiver, FailureReason.NODE_DIED, detail
                )

    def tick(self, now_us: int) -> None:
        """Let time pass: expire requests and end pauses that last too long. A few times per second is enough.

        Args:
            now_us: Unix microseconds.
        """
        for request in self.requests.take_expired(now_us // 1000):
            detail = f"{request.receiver} did not answer in time"
            self._delivery.returns.tell(request.envelope, request.receiver, FailureReason.TIMEOUT, detail)
        for agent in list(self._destinations.agents.values()):
            if agent.mailbox.paused_for_s > PATIENCE_S:
                agent.mailbox.resume_impatient()

    def counts(self) -> Counts:
        """Read what became of all messages; exact whenever nothing moves."""
        mailboxes = [agent.mailbox for agent in list(self._destinations.agents.values())]
        places: list[Place] = [*mailboxes, *list(self._destinations.platform.values())]
        remote = self._remote
        tally = self._tally
        return Counts(
            accepted=tally.accepted,
            delivered=tally.delivered + sum(place.delivered for place in places),
            forwarded=remote.forwarded if remote else 0,
            refused=tally.refused,
            dead_lettered=tally.dead_lettered,
            handed_back=tally.handed_back,
            malformed=tally.malformed,
            in_flight=sum(place.in_flight for place in places) + (remote.pending if remote else 0),
        )

    # -- one that leaves ------------------------------------------------------------------------------------

    def _keep_what_it_begins(self, agent: LocalAgent, frames: Sequence[bytes]) -> None:
        """Let an agent that leaves get the answers to what it sends; nobody else would know what they are."""
        handover = self._destinations.handovers.get(parse_address(agent.address).name)
        if handover is not None and handover.is_leaving(agent.mailbox):
            handover.keep_also(set(islice(self._keys_of_answers(agent.address, frames), COPIES_MAX)))

    def _keys_of_answers(self, sender: str, frames: Sequence[bytes]) -> Iterator[str]:
        """Say what answers to these messages will stick to: the conversation, or without one who answers."""
        for frame in frames:
            try:
                envelope = read(frame)
            except READ_ERRORS:
                continue  # it goes nowhere
            if envelope.conversation_id:
                yield envelope.conversation_id
                continue
            for receiver in envelope.receiver_list():
                found = self._destinations.find(receiver, sender)
                if found.destination is not None:
                    yield found.address

    # -- one message ----------------------------------------------------------------------------------------

    def _recall(self, instance: str) -> LocalAgent:
        """Stand in for an agent that was removed while its last call ran; its mailbox takes nothing."""
        address = str(Address(parse_address(instance).name, self.node_id))
        return LocalAgent(Target(instance, self.node_id), address, Mailbox(0), CONTENT_BYTES_MAX)

    def _accept_checked(self, envelope: Envelope, mailbox: Mailbox | None, content_bytes_max: int) -> None:
        """Check and route one stamped message of a local agent, whatever is special about it."""
        if envelope.headers is not None:
            envelope.headers.pop(HOPS, None)  # the host's own
        try:
            check(envelope, content_bytes_max)
        except ContentTooLarge as err:
            self._tally.accept(1)
            size = len(envelope.content or b"")
            self._delivery.report(envelope.sender or "", Bound.MESSAGE_BYTES, size, content_bytes_max)
            self._delivery.returns.answer_oversize(envelope, err)
        except BrokenRule as err:
            self._delivery.returns.answer_broken_rule(envelope, err)
        else:
            self._delivery.route_copies(envelope, mailbox)
