"""The loop that every message of a guest passes: read, check, follow its conversation, stamp, put.

It treats the common case in place: one receiver that leads to one place, here or on another node, a content,
no deadline, no headers, nobody who follows the conversation. Everything else goes the long way
(`delivery.py`), after the messages before it have been put where they belong, so that order holds. Messages
for the same destination are put there in runs: a lock, a clock reading and a wake-up are paid per run.

It runs on worker threads; nothing here awaits, logs or touches a database.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial

from caxton_node.core.ids import Address, parse_address
from caxton_node.fipa import BrokenRule, ContentTooLarge, Envelope, FailureReason, check
from caxton_node.fipa.codec import READ_ERRORS, read, read_draft
from caxton_node.fipa.content import is_sound
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.fipa.rules import CONTENT_BYTES_MAX, check_content
from caxton_node.messaging.budget import Grant, has_room, nothing_of, take_wish, with_grant
from caxton_node.messaging.conversations import Fault
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.delivery import Delivery
from caxton_node.messaging.destinations import Box, Destinations, LocalAgent, RemoteWay, lane_of
from caxton_node.messaging.durable.header import check_durable
from caxton_node.messaging.far_runs import FAR_BLOCKS, FarRuns
from caxton_node.messaging.letterhead import EMPTY, ID, NILS, UNFOLLOWED, letterhead
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.paying import Letter, Paying
from caxton_node.messaging.routes import Target
from caxton_node.messaging.stamps import Stamps, to_message_id
from caxton_node.messaging.tags import Tag, check_ttl
from caxton_node.runtime.violations import Bound

COPIES_MAX = 65_536
"""Receivers of all messages of one outbox: as many as it may have frames, or each could name 256."""
COUNTER = 0xFFFF_FFFF
"""The part of a message number that distinguishes the messages of one turn."""
UNLIKE_A_DRAFT = (*READ_ERRORS, KeyError)


class Intake:
    """Takes what agents send.

    Args:
        destinations: Where addresses lead.
        delivery: The long way.
        stamps: Numbers and time.
        tally: Where messages are counted.
        paying: Where budgets are paid.

    Attributes:
        before: Shown what an agent that may be leaving sends, before anything of it is delivered.
        take_shadow: Given what a shadow says, with its instance.
    """

    def __init__(
        self, destinations: Destinations, delivery: Delivery, stamps: Stamps, tally: Tally, paying: Paying
    ) -> None:
        self._destinations = destinations
        self._delivery = delivery
        self._stamps = stamps
        self._tally = tally
        self._paying = paying
        self.before: Callable[[LocalAgent, Sequence[bytes]], None] | None = None
        self.take_shadow: Callable[[str, Sequence[bytes]], None] = _let_go

    # One piece, since each call more per message costs three to four per cent of the whole way.
    def accept(self, sender_instance: str, frames: Sequence[bytes]) -> None:  # noqa: C901, PLR0915  see above
        """Route what one agent sent, in order; frames are as the guest wrote them."""
        destinations, delivery = self._destinations, self._delivery
        agent = destinations.agents.get(sender_instance) or self._recall(sender_instance)
        if agent.is_shadow:
            self.take_shadow(sender_instance, frames)
            return
        if destinations.handovers and self.before is not None:
            self.before(agent, frames)
        address, mailbox, heads = agent.address, agent.mailbox, agent.heads
        size_max, checks_json = agent.content_bytes_max, agent.policy is not ProtocolPolicy.OFF
        now_us, first = self._stamps.take((1 + FAR_BLOCKS) * len(frames))
        turn, durable = mailbox.lone_in_hand(), delivery.durable
        if turn is not None:
            self._accept_of_lone_turn(agent, turn, frames, first, now_us)
            return
        if durable is not None and durable.sending.holds_back(address):
            self._send_one_by_one(agent, frames, first, now_us)
            return
        prefix, clock = letterhead(now_us, first)
        id_head, salt = ID + prefix, prefix[8:]
        direct, open_requests = destinations.direct, delivery.requests.waiting
        conversations, following, put = delivery.conversations, delivery.following, delivery.put
        table, follow, budgets = conversations.table, conversations.follow, delivery.budgeted
        special = copies = 0
        run: list[bytes] = []
        run_to: Box | None = None
        run_first = first
        far: FarRuns | None = None
        far_held = destinations.held
        far_next = [first + len(frames) * (1 + lane) for lane in range(FAR_BLOCKS)]
        for place, frame in enumerate(frames):
            destination = talk = None
            try:
                draft, nils = read_draft(frame), NILS[frame[0]]
            except UNLIKE_A_DRAFT:
                pass  # the long way finds out what it is
            else:
                receiver, content = draft.receivers, draft.content
                if (
                    content is not None
                    and receiver.__class__ is str
                    and draft.reply_by is None
                    and draft.reply_to is None
                    and len(content) <= size_max
                    and frame[2] == EMPTY
                    and (not checks_json or is_sound(content, draft.language, draft.encoding))
                ):
                    destination = direct.get(receiver)
                    talk_id, number = draft.conversation_id, first + place
                    if destination.__class__ is RemoteWay:
                        if far_held and destination.address in far_held:
                            destination = None
                        else:
                            lane = lane_of(talk_id or address)
                            number = far_next[lane]
                            far_next[lane] += 1
                    count = (number & COUNTER).to_bytes(4, "big")
                    trace_id = prefix + count
                    if talk_id is not None:
                        talk = table.get(talk_id)
                        if talk is None:
                            talk = following.begin(talk_id, address, now_us, trace_id)
                        if talk.is_followed or talk.messages >= talk.messages_max or talk_id in budgets:
                            destination = None
                        trace_id = talk.trace_id
            if destination is None or destination is mailbox:
                special += 1
                if run_to is not None:
                    put(run_to, run, mailbox, run_first)
                    run_to, run = None, []
                if far is not None:
                    self._send_far(far, mailbox)
                letter, copies = self._open(agent, frame, first + place, now_us, copies)
                if letter is None:
                    continue
                if self._paying.concerns(letter):  # what a turn sends is paid together
                    rest = frames[place + 1 :]
                    special += len(rest)
                    self._send_together(agent, [letter], rest, first + place + 1, now_us, copies=copies)
                    break
                delivery.route_copies(letter.envelope, mailbox)
                if durable is not None and durable.sending.holds_back(address):  # the rest goes behind it
                    rest = frames[place + 1 :]
                    special += len(rest)
                    self._send_one_by_one(agent, rest, first + place + 1, now_us, copies=copies)
                    break
                continue
            to, act = destination.address, draft.performative
            if talk is not None:
                fault = follow(talk, act, draft.protocol, address, to)  # type: ignore[arg-type]  # its code is the same key
                if fault is not None and following.forbids(fault, talk, destination, now_us):
                    if run_to is not None:
                        put(run_to, run, mailbox, run_first)
                        run_to, run = None, []
                    self._refuse(agent, frame, first + place, now_us, fault)
                    continue
                talk.messages += 1
                talk.last_us = now_us
            if open_requests and draft.in_reply_to is not None:
                delivery.requests.close(act, draft.in_reply_to, address, to)
            parts = (heads[act], frame[3:], nils, id_head, count, clock, trace_id, salt, count, UNFOLLOWED)
            if destination.__class__ is RemoteWay:
                if draft.reply_with is not None:
                    message_id, trace = prefix + count, b"".join((trace_id, salt, count, b"\0"))
                    delivery.requests.remember_draft(
                        draft,
                        sender=address,
                        message_id=message_id,
                        trace=trace,
                        receiver=to,
                        node=destination.node,
                    )
                if far is None:
                    far = FarRuns(partial(delivery.receipts.note_forwarded, now_us))
                far.add(destination, lane, number, b"".join(parts))
                continue
            if destination is not run_to:
                if run_to is not None:
                    put(run_to, run, mailbox, run_first)
                run_to, run, run_first = destination, [], number  # type: ignore[assignment]  # no way, see above
            run.append(b"".join(parts))
        self._tally.accept(len(frames) - special)
        if run_to is not None:
            put(run_to, run, mailbox, run_first)
        if far is not None:
            self._send_far(far, mailbox)

    def _send_far(self, far: FarRuns, mailbox: Mailbox) -> None:
        """Give to their lanes what was gathered for other nodes."""
        for lane, frames in far.take():
            self._delivery.put(lane, frames, mailbox)

    # -- turns of their own, and what waits for the disk -----------------------------------------------------

    def _accept_of_lone_turn(
        self, agent: LocalAgent, turn: Tag, frames: Sequence[bytes], first: int, now_us: int
    ) -> None:
        """Route what came of a message that was alone in its turn; of a durable one, when the disk knows."""
        durable = self._delivery.durable
        if turn.passage is None or durable is None:
            self._send_together(agent, [], frames, first, now_us, turn=turn.grant)
            return
        with durable.sending.turn(turn.passage, turn.expires_ms):
            if turn.grant is None:
                self._send_one_by_one(agent, frames, first, now_us)
            else:
                self._send_together(agent, [], frames, first, now_us, turn=turn.grant)

    def _send_one_by_one(
        self, agent: LocalAgent, frames: Sequence[bytes], first: int, now_us: int, *, copies: int = 0
    ) -> None:
        """Send all frames the long way, which knows what must wait."""
        for place, frame in enumerate(frames):
            letter, copies = self._open(agent, frame, first + place, now_us, copies)
            if letter is None:
                continue
            if self._paying.concerns(letter):
                rest, number = frames[place + 1 :], first + place + 1
                self._send_together(agent, [letter], rest, number, now_us, copies=copies)
                return
            self._delivery.route_copies(letter.envelope, agent.mailbox)

    # -- the long way ---------------------------------------------------------------------------------------

    def _open(
        self,
        agent: LocalAgent,
        frame: bytes,
        number: int,
        now_us: int,
        copies: int,
        *,
        turn: Grant | None = None,
    ) -> tuple[Letter | None, int]:
        """Read and check a message that is in any way special, or none at all.

        Returns:
            The stamped message, None if it was answered here; and the count of copies so far.
        """
        returns = self._delivery.returns
        try:
            envelope = read(frame)
        except READ_ERRORS as err:
            returns.answer_malformed(agent.address, frame, err, turn)
            return None, copies
        _complete(envelope, agent.address, number, now_us)
        try:
            wish = take_wish(envelope)
        except BrokenRule as err:
            _hold(envelope, turn)
            returns.answer_broken_rule(envelope, err)
            return None, copies
        _hold(envelope, turn)
        receiver = envelope.receivers
        copies += 1 if isinstance(receiver, str) else len(receiver or ())
        if copies > COPIES_MAX:
            self._tally.accept(1)
            detail = f"one turn of an agent may send {COPIES_MAX:,} copies of its messages"
            named = next(iter(envelope.receiver_list()), "")
            returns.give_up(envelope, named, FailureReason.BACKLOG_FULL, detail)
            return None, copies
        return (Letter(envelope, wish) if self._check(envelope, agent) else None), copies

    def _send_together(
        self,
        agent: LocalAgent,
        letters: list[Letter],
        frames: Sequence[bytes],
        first: int,
        now_us: int,
        *,
        copies: int = 0,
        turn: Grant | None = None,
    ) -> None:
        """Route what a budget pays, with all that follows it in the same outbox."""
        held = None if turn is None or turn.initiator == agent.address else turn
        for number, frame in enumerate(frames, first):
            letter, copies = self._open(agent, frame, number, now_us, copies, turn=held)
            if letter is not None:
                letters.append(letter)
        self._paying.send(letters, agent.mailbox, turn=turn)

    def _refuse(self, agent: LocalAgent, frame: bytes, number: int, now_us: int, fault: Fault) -> None:
        """Answer an act that its protocol does not allow."""
        envelope = read(frame)
        _complete(envelope, agent.address, number, now_us)
        self._delivery.returns.answer_fault(envelope, fault)

    def _check(self, envelope: Envelope, agent: LocalAgent) -> bool:
        """Check one stamped message; False if it breaks a rule, which its sender is told."""
        delivery = self._delivery
        delivery.strip(envelope)
        try:
            check(envelope, agent.content_bytes_max)
            check_ttl(envelope)
            check_durable(envelope)
            if agent.policy is not ProtocolPolicy.OFF:
                check_content(envelope)
        except ContentTooLarge as err:
            self._tally.accept(1)
            size = len(envelope.content or b"")
            delivery.report(agent.address, Bound.MESSAGE_BYTES, size, agent.content_bytes_max)
            delivery.returns.answer_oversize(envelope, err)
        except BrokenRule as err:
            delivery.returns.answer_broken_rule(envelope, err)
        else:
            return True
        return False

    def _recall(self, instance: str) -> LocalAgent:
        """Stand in for an agent that was removed while its last call ran; its mailbox takes nothing."""
        address = str(Address(parse_address(instance).name, self._destinations.node_id))
        return LocalAgent(
            Target(instance, self._destinations.node_id), address, Mailbox(0), CONTENT_BYTES_MAX
        )


def _complete(envelope: Envelope, sender: str, number: int, now_us: int) -> None:
    """Write sender, id and time; the trace is its conversation's, whatever the guest says of it."""
    envelope.sender = sender
    envelope.message_id = to_message_id(number)
    envelope.sent_at = now_us
    envelope.trace = None


def _hold(envelope: Envelope, turn: Grant | None) -> None:
    """Keep what the platform may answer to this within the budget that pays the turn."""
    if turn is not None and has_room(envelope):
        with_grant(envelope, nothing_of(turn))


def _let_go(_instance: str, _frames: Sequence[bytes]) -> None:
    """Stand in until somebody wants to know what shadows say."""
