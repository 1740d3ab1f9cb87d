"""The router: takes what agents, clients and peers send, and sees every message to its end.

    read -> check -> conversation -> where to -> stamp -> mailbox, platform agent or lane to another node

It introduces its parts to one another. What agents send passes `intake.py`, on worker threads; everything
else comes in on the event loop. Nothing here awaits, logs or touches a database.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop
from collections.abc import Callable, Sequence

from caxton_node.core.clock import Clock
from caxton_node.core.ids import Address, full_name, parse_address
from caxton_node.fipa import Envelope, FailureReason, check, decode
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.fipa.rules import CONTENT_BYTES_CAP, CONTENT_BYTES_MAX, check_content
from caxton_node.messaging.addresses import canonical_address
from caxton_node.messaging.budget import Usage, take_wish
from caxton_node.messaging.clearing import Clearing, Peers
from caxton_node.messaging.conversations import Conversations
from caxton_node.messaging.counts import Counts, Tally
from caxton_node.messaging.dead_letters import COUNT_MAX, DeadLetters
from caxton_node.messaging.delivery import Delivery
from caxton_node.messaging.departures import Departures
from caxton_node.messaging.destinations import Destinations, LocalAgent, Place
from caxton_node.messaging.durable.header import check_durable
from caxton_node.messaging.durable.office import Office
from caxton_node.messaging.durable.post import DurablePost
from caxton_node.messaging.fence import Fences
from caxton_node.messaging.inlet import Inlet
from caxton_node.messaging.intake import Intake
from caxton_node.messaging.latency import Latency
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.parking import Parked
from caxton_node.messaging.partners import Partners
from caxton_node.messaging.paying import Letter, Paying
from caxton_node.messaging.platform import BOX_DEPTH_MAX, Handler, PlatformBox
from caxton_node.messaging.receipts import Receipts
from caxton_node.messaging.remote import RemotePort
from caxton_node.messaging.routes import RouteTable, Target
from caxton_node.messaging.stamps import Stamps
from caxton_node.messaging.tags import check_ttl
from caxton_node.messaging.traces import Traces
from caxton_node.messaging.tracking import Tracking
from caxton_node.observability import Board
from caxton_node.runtime.traps import Trap
from caxton_node.runtime.violations import Violation

PATIENCE_S = 1.0
REMIND_US = 1_000_000


class Router:
    """Routes messages; implements `runtime.ports.Post`.

    Args:
        node_id: This node.
        routes: Names and their instances; replaced by whoever knows the registry.
        clock: Wall-clock time of stamps and deadlines.
        loop: The event loop on whose thread platform agents run.
        remote: The way to other nodes; None on a node without a cluster.
        dead_letters: Where messages that reached nobody are kept.
        conversations: The table of conversations.
        traces: Where spans are kept.

    Attributes:
        conversations: Context of the conversations seen lately.
        requests: Requests that wait for an answer.
        dead_letters: Messages that reached nobody.
        budgets: What conversations have left.
        inlet: Takes what other nodes send.
        fences: What makes messages wait while their receiver moves.
        departures: The desk for agents that leave.
        partners: Tells those who talk with somebody that is gone.
        tap: Shows messages to whoever follows them.
        tracking: Says where messages are and what became of them.
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
        dead_letters: DeadLetters | None = None,
        dead_letters_max: int = COUNT_MAX,
        conversations: Conversations | None = None,
        traces: Traces | None = None,
        receipts: Receipts | None = None,
    ) -> None:
        self.node_id = node_id
        self.latency = Latency()
        self.conversations = Conversations() if conversations is None else conversations
        self.dead_letters = DeadLetters(dead_letters_max) if dead_letters is None else dead_letters
        self._receipts = Receipts() if receipts is None else receipts
        self._loop = loop
        self._remote = remote
        self._tally = Tally()
        self._reminded_us = 0
        self._destinations = Destinations(node_id, routes, remote)
        stamps = Stamps(node_id, clock)
        self._delivery = Delivery(
            destinations=self._destinations,
            stamps=stamps,
            tally=self._tally,
            clock=clock,
            dead_letters=self.dead_letters,
            conversations=self.conversations,
            traces=Traces() if traces is None else traces,
            receipts=self._receipts,
        )
        self._paying = Paying(self._delivery)
        self.budgets = self._delivery.budgets
        self._intake = Intake(self._destinations, self._delivery, stamps, self._tally, self._paying)
        self.departures = Departures(self._destinations, self.conversations, self._tally)
        self.inlet = Inlet(self._destinations, self._delivery, self._tally, clock, loop)
        self.fences = Fences(self._destinations, routes, self._delivery.go_on, self._delivery.returns.give_up)
        self._delivery.fences = self.fences
        self._intake.before = self.departures.keep_what_it_begins
        self.partners = Partners(self._destinations, self._delivery)
        self.tracking = Tracking(self._destinations, self._delivery)
        self.requests = self._delivery.requests
        self.tap = self._delivery.tap
        routes.on_change(self._delivery.waiting.release_all)
        routes.on_change(self._retry_durable)
        if remote is not None:
            remote.connect(self._delivery.handle_unsent)

    # -- who can be reached ---------------------------------------------------------------------------------

    def add_mailbox(
        self,
        instance: str,
        mailbox: Mailbox,
        *,
        content_bytes_max: int = CONTENT_BYTES_MAX,
        policy: ProtocolPolicy = ProtocolPolicy.ENFORCE,
        shadow: bool = False,
    ) -> str:
        """Make an instance on this node reachable by its name, before any route knows it.

        Args:
            instance: `name#version.n@node`.
            mailbox: Where its messages wait; the router counts what it delivers.
            content_bytes_max: Largest content that the agent may send.
            policy: What becomes of acts that its protocols do not allow.
            shadow: Whether it only sees copies (`RouteTable.shadow`), and what it says reaches nobody.

        Returns:
            Its address, `name@node`: the sender of everything it says.
        """
        address = self._address_of(instance)
        mailbox.address, mailbox.latency = address, self.latency
        mailbox.instance, mailbox.policy, mailbox.receipts = instance, policy, self._receipts
        target = Target(instance, self.node_id)
        agent = LocalAgent(target, address, mailbox, content_bytes_max, policy, shadow)
        if not shadow:
            self._delivery.waiting.give_to(mailbox, parse_address(address).name)
        self._destinations.add_agent(agent)
        self._delivery.waiting.release(parse_address(address).name)
        self._retry_durable()
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
        return left if self.durable is None else self.durable.reception.take_left(left)

    def give_mail(self, instance: str, frames: Sequence[bytes]) -> None:
        """Give an instance the mail that waited for it when the node stopped, before anybody else may put.

        It is not routed again: its conversations, and those who wait for answers, know of it.

        Args:
            instance: With a mailbox, which takes it even over its depth.
            frames: In order.
        """
        self._tally.accept(len(frames))
        self._destinations.agents[instance].mailbox.adopt(frames)

    def rename_mailbox(
        self,
        old: str,
        new: str,
        *,
        content_bytes_max: int = CONTENT_BYTES_MAX,
        policy: ProtocolPolicy = ProtocolPolicy.ENFORCE,
    ) -> None:
        """Let an instance take over the mailbox of another at once; neither may be running.

        Args:
            old: The instance that had it.
            new: The instance that has it from now on, of the same name.
            content_bytes_max: Largest content that the new one may send.
            policy: What becomes of acts that its protocols do not allow.
        """
        agent = self._destinations.agents[old]
        target = Target(new, self.node_id)
        agent.mailbox.instance, agent.mailbox.policy = new, policy
        renamed = LocalAgent(target, agent.address, agent.mailbox, content_bytes_max, policy, agent.is_shadow)
        self._destinations.rename_agent(old, renamed)

    def add_platform_agent(self, name: str, handler: Handler, *, depth_max: int = BOX_DEPTH_MAX) -> None:
        """Give messages for `name` to `handler`, which runs on the event loop and must not block.

        Args:
            name: With or without the tenant: `df`, `client~1`.
            handler: Called with each message in order; answers by `submit`.
            depth_max: Messages that may wait for it.
        """
        full = full_name(name)
        address = str(Address(full, self.node_id))
        box = PlatformBox(
            self._loop,
            address,
            handler,
            depth_max,
            receipts=self._receipts,
            purse=self._paying.take_in,
            finish=self._finish,
        )
        self._destinations.add_platform_agent(full, box)

    def _finish(self, envelope: Envelope) -> None:
        """Note that a platform agent has handled a durable message."""
        if self.durable is not None:
            self.durable.reception.finish(envelope)

    def remove_platform_agent(self, name: str) -> None:
        """Take a platform agent out; messages that still wait for it are given up."""
        box = self._destinations.remove_platform_agent(full_name(name))
        if box is not None:
            left = box.close()
            self._tally.retire(box.delivered, 0)
            self._delivery.returns.give_up_all(left, FailureReason.AGENT_STOPPED, f"{box.address} has gone")

    @property
    def office(self) -> Office:
        """Return what carries durable messages."""
        return self._delivery

    def keep_durable(self, durable: DurablePost) -> None:
        """Let messages survive that ask for it; before anything is sent."""
        self._delivery.durable = self._delivery.returns.durable = durable

    @property
    def durable(self) -> DurablePost | None:
        """Return the messages that survive; None on a node that keeps none."""
        return self._delivery.durable

    def fence_moves(self, peers: Peers, board: Board) -> Clearing:
        """Let messages wait while their receiver moves, until what went the old way is through.

        Args:
            peers: The other nodes, which are asked.
            board: Where fences are counted.

        Returns:
            What asks them, for the caller to close before the agents are.
        """
        return Clearing(
            office=self,
            fences=self.fences,
            destinations=self._destinations,
            tally=self._tally,
            peers=peers,
            board=board,
        )

    def on_violation(self, listener: Callable[[str, Violation], None]) -> None:
        """Tell `listener` of limits that messages pass, with the agent's address; on any thread."""
        self._delivery.report_violation = listener

    # -- the way in -----------------------------------------------------------------------------------------

    def accept(self, sender_instance: str, frames: Sequence[bytes]) -> None:
        """Route what one agent sent, in order; frames are as the guest wrote them. Any thread."""
        self.fences.begin_turn()
        try:
            self._intake.accept(sender_instance, frames)
        finally:
            self.fences.end_turn()

    def on_shadow(self, listener: Callable[[str, Sequence[bytes]], None]) -> None:
        """Give what shadows say to `listener`, with the instance; on worker threads."""
        self._intake.take_shadow = listener

    def submit(self, envelope: Envelope, *, personal: bool = False) -> bytes:
        """Route a message of a client or platform agent.

        Args:
            envelope: With its true sender; id, time and trace are stamped here.
            personal: Whether somebody outside the node sends it, who may ask what became of it.

        Returns:
            The message id.

        Raises:
            InvalidMessage: It breaks a rule; nothing was sent.
        """
        letter = Letter(envelope, take_wish(envelope))
        self._delivery.strip(envelope)
        check(envelope, CONTENT_BYTES_CAP)
        check_content(envelope)
        check_ttl(envelope)
        check_durable(envelope)
        if not self._paying.concerns(letter):
            return self._delivery.post(envelope, personal=personal)
        message_id = self._delivery.stamp(envelope, personal=personal)
        self._paying.send([letter], None, keep=False)
        return message_id

    def accept_remote(self, peer: str, frames: Sequence[bytes]) -> int:
        """Take messages from another node; they are stamped and checked already.

        Returns:
            How many bytes of them are kept and not handled yet; see `Inlet.release`.
        """
        return self.inlet.accept(peer, frames)

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
            self._delivery.route(envelope, frame, None, again=True, reason=reason)

    def resend(self, frames: Sequence[bytes]) -> None:
        """Route dead letters once more, as if their senders had just sent them again."""
        for frame in frames:
            self._tally.accept(1)
            self._delivery.route(decode(frame), frame, None)

    # -- turns that a budget pays ---------------------------------------------------------------------------

    def admit(self, instance: str, frame: bytes, *, counts_fuel: bool) -> bool:
        """Tell whether an agent may handle a message that carries a budget; if not, it is given up here."""
        return self._paying.admit(self._address_of(instance), frame, counts_fuel=counts_fuel)

    def charge(self, instance: str, frame: bytes, *, fuel_units: int, elapsed_s: float) -> None:
        """Charge a turn to the budget of the message that was handled in it."""
        usage = Usage(fuel=fuel_units, time_us=round(elapsed_s * 1e6))
        self._paying.charge(self._address_of(instance), frame, usage)

    def _address_of(self, instance: str) -> str:
        return str(Address(parse_address(instance).name, self.node_id))

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
        self.inlet.forget(node)
        if self._remote is not None:
            self._remote.handle_roomy(node)
        if self.durable is not None:
            self.durable.handle_node_changed(node)
            undelivered = self.durable.reception.take_lost(undelivered)
        waiting = self.requests.take_of_node(node)
        came_back = map(decode, undelivered)
        returned = {(one.message_id, _address_of(one, node)) for one in came_back}
        self.reroute(undelivered, FailureReason.NODE_DIED)
        for request in waiting:
            if (request.envelope.message_id, request.receiver) not in returned:
                detail = f"node {node} died before {request.receiver} answered"
                self._delivery.returns.tell(
                    request.envelope, request.receiver, FailureReason.NODE_DIED, detail
                )
        self.partners.tell_of_node(node, waiting)

    def handle_node_alive(self, node: str) -> None:
        """Send to a node that has come, or come back, what has waited for it."""
        self._delivery.note_life(node)
        self._delivery.waiting.release_for_node(node)

    def tick(self, now_us: int) -> None:
        """Let time pass: expire requests and end pauses that last too long. A few times per second is enough.

        Args:
            now_us: Unix microseconds.
        """
        for request in self.requests.take_expired(now_us // 1000):
            detail = f"{request.receiver} did not answer in time"
            self._delivery.returns.tell(request.envelope, request.receiver, FailureReason.TIMEOUT, detail)
        for mailbox in self._destinations.mailboxes():
            if mailbox.paused_for_s > PATIENCE_S:
                mailbox.resume_impatient()
        self._delivery.waiting.expire(now_us)
        self._delivery.waiting.release_all()
        if self.durable is not None:
            self.durable.tick(now_us)
        self.inlet.settle()
        if now_us - self._reminded_us >= REMIND_US:
            self._reminded_us = now_us
            for mailbox in self._destinations.mailboxes():
                mailbox.remind_origins()
        self.conversations.tick(now_us)

    async def durably_stored(self) -> None:
        """Return when all that was sent durably is on the disk and on its way.

        Raises:
            StoreFailed: The disk does not take it; it is tried again.
        """
        if self.durable is not None:
            await self.durable.stored()

    def close_parking(self) -> list[Parked]:
        """Take out what waits for receivers who are not there, by name and in order; park nothing any more.

        It is for the caller to keep on disk: to `reroute` what has `again`, to `resend` all else.
        """
        parked = self._delivery.waiting.parking.close()
        self._tally.retire(0, len(parked))
        return parked

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
            in_flight=sum(place.in_flight for place in places)
            + (remote.pending if remote else 0)
            + (self.durable.pending if self.durable else 0)
            + len(self.fences),
            parked=len(self._delivery.waiting.parking),
            kept=tally.kept,
            outbox=self.durable.waiting if self.durable else 0,
            outbox_bytes=self.durable.waiting_bytes if self.durable else 0,
        )

    def _retry_durable(self) -> None:
        """Try what is in the outbox for somebody who may be found now."""
        if self.durable is not None:
            self.durable.retry()


def _address_of(envelope: Envelope, node: str) -> str:
    """Return the canonical address of the one receiver of a message that was to go to a node."""
    return canonical_address(next(iter(envelope.receiver_list()), ""), node)
