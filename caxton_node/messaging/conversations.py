"""The conversations of a node: they are followed, bounded and, when a protocol is broken, judged.

One dictionary holds them all. Those in which no protocol expects anything, since it has ended or there was
none, also have a place in a ring: a new conversation takes the next place and whoever had it is forgotten.
So the memory is bounded, freed one by one, and what is used is what was used a moment ago; whole generations
that are dropped at once cost several times as much, in page faults. What is *open* is held until it has been
silent for a day, or there are too many.

Judging follows the tables of `fipa/protocols`: an act that they do not allow never reaches its receiver. A
node may only judge what it knows from the beginning. So an act that can begin nothing, in a conversation that
is unknown here, is let through when this node has forgotten open conversations, or did not live when they
began; and when it is an answer from elsewhere to a question that somebody else asked (`reply_to`).

Updates take no lock but where a second course opens or closes: two workers that meet in one conversation at
the same instant may lose a count, never an entry.
"""

from __future__ import annotations

from collections.abc import Callable
from heapq import nsmallest
from threading import Lock
from typing import Any, NamedTuple

from caxton_node.fipa.performatives import Performative
from caxton_node.fipa.protocols import CANCEL, PROTOCOLS, Protocol, Side, Stage, Violation, explain
from caxton_node.messaging.courses import Conversation, Course

KEPT_MAX = 8_192
OPEN_MAX = 100_000
PARTIES_MAX = 500_000  # a sender may name 256 receivers in every conversation
CHANCES = 4
"""Places that are passed over for the sake of busy conversations before one is taken all the same."""
BUSY_MESSAGES, BUSY_US = 16, 1_000_000
IDLE_US = 1_800 * 1_000_000
OPEN_IDLE_US = 86_400 * 1_000_000
MESSAGES_MAX = 1_000_000
WINDOW_US = 3_600 * 1_000_000


class Fault(NamedTuple):
    """An act that a protocol does not allow.

    Attributes:
        violation: The rule, and what is allowed instead.
        is_unknown: Whether nothing is known here of what it belongs to.
    """

    violation: Violation
    is_unknown: bool


class Conversations:
    """The conversations that passed through this node lately.

    Args:
        kept_max: Conversations kept that are not open.
        open_max: Open conversations that are held, about.
        parties_max: Parties and courses of all.
        messages_max: Messages of one conversation in an hour; more go round in circles.
        idle_us: Silence after which a conversation that is not open is forgotten, microseconds.

    Attributes:
        table: All that are known, by id; read it, change it here.
        opened: Courses begun, by protocol.
        faults: Acts that were not allowed.
        unjudged: Acts that could not be judged.
    """

    def __init__(
        self,
        kept_max: int = KEPT_MAX,
        *,
        open_max: int = OPEN_MAX,
        parties_max: int = PARTIES_MAX,
        messages_max: int = MESSAGES_MAX,
        idle_us: int = IDLE_US,
    ) -> None:
        self.table: dict[str, Conversation] = {}
        self._ring: list[Conversation | None] = [None] * kept_max
        self._kept_max = kept_max
        self._hand = 0
        self._lock = Lock()
        self._parties = 0  # about
        self._parties_max = parties_max
        self._table_max = kept_max + open_max
        self._messages_max = messages_max
        self._idle_us = idle_us
        self._swept_us = self._blind_until_us = 0
        self.opened: dict[str, int] = dict.fromkeys(PROTOCOLS, 0)
        self.faults = self.unjudged = 0

    def __len__(self) -> int:
        """Return how many are remembered."""
        return len(self.table)

    @property
    def open_count(self) -> int:
        """Return in how many a protocol expects something; a look at all."""
        return sum(talk.is_open for talk in list(self.table.values()))

    # -- which conversation ---------------------------------------------------------------------------------

    def find(self, conversation_id: str) -> Conversation | None:
        """Return a conversation, or None if it is unknown or forgotten."""
        return self.table.get(conversation_id)

    def is_open(self, conversation_id: str) -> bool:
        """Tell whether a conversation is known and one of its protocols has not ended."""
        talk = self.table.get(conversation_id)
        return talk is not None and talk.is_open

    def open_of(self, address: str) -> list[Conversation]:
        """List the open conversations in which an agent has a course; a look at all, for rare moments."""
        found = self.open_courses(lambda course: address in {course.initiator, course.participant})
        return list({talk.id: talk for talk, _ in found}.values())

    def open_courses(self, is_meant: Callable[[Course], bool]) -> list[tuple[Conversation, Course]]:
        """List open courses that fit; a look at all, for rare moments."""
        return [
            (talk, course)
            for talk in list(self.table.values())
            if talk.is_open
            for course in talk.courses()
            if course.is_open and is_meant(course)
        ]

    def begin(
        self, conversation_id: str, sender: str, now_us: int, trace_id: bytes, *, is_followed: bool
    ) -> Conversation:
        """Add a conversation that is not in the table.

        Args:
            conversation_id: Its id.
            sender: Who speaks, `name@node`.
            now_us: Unix microseconds.
            trace_id: What its messages carry.
            is_followed: Whether they leave spans.
        """
        table = self.table
        if len(table) >= self._table_max or self._parties > self._parties_max:
            self._make_room(now_us)
        talk = Conversation(conversation_id, sender, trace_id, is_followed, self._messages_max, now_us)
        table[conversation_id] = talk
        hand, ring = self._hand, self._ring
        old = ring[hand]
        if old is not None and (old.messages > BUSY_MESSAGES or old.open_courses or old.parties or old.more):
            self._keep(talk, now_us)
            return talk
        ring[hand] = talk
        hand += 1
        self._hand = hand if hand < self._kept_max else 0
        if old is not None and table.get(old.id) is old:  # one that was dropped may have begun anew
            del table[old.id]
        return talk

    def resume(self, talk: Conversation) -> None:
        """Add one that was open when the node stopped; it has no place in the ring until it is over."""
        talk.is_kept = False
        self.table[talk.id] = talk
        self._parties += talk.size

    def _keep(self, talk: Conversation, now_us: int) -> None:
        """Give a conversation the next place in the ring, and forget whoever had it unless it is open."""
        ring, hand = self._ring, self._hand
        old = ring[hand]
        if old is not None:
            if old.messages > BUSY_MESSAGES and old.course is None and now_us - old.last_us < BUSY_US:
                hand = self._pass_busy(hand, now_us)
                old = ring[hand]
            if old is not None:
                old.is_kept = False
                if not old.open_courses:
                    self._forget(old)
        ring[hand] = talk
        talk.is_kept = True
        self._hand = (hand + 1) % self._kept_max

    def _pass_busy(self, hand: int, now_us: int) -> int:
        """Look a few places further for one who is not busy: what has no protocol never ends."""
        for _ in range(CHANCES):
            hand = (hand + 1) % self._kept_max
            old = self._ring[hand]
            if old is None or old.messages <= BUSY_MESSAGES or now_us - old.last_us >= BUSY_US:
                break
        return hand

    def _forget(self, talk: Conversation) -> None:
        if self.table.get(talk.id) is talk:  # it may have been dropped before, and begun anew
            del self.table[talk.id]
            self._parties -= talk.size

    def may_go_on(self, talk: Conversation, now_us: int) -> bool:
        """Tell whether a conversation that has reached its bound may have more: not twice within an hour."""
        if now_us - talk.window_us < WINDOW_US:
            return False
        talk.window_us, talk.messages_max = now_us, talk.messages + self._messages_max
        return True

    def tick(self, now_us: int) -> None:
        """Forget what has been silent for too long."""
        if now_us - self._swept_us < self._idle_us // 2:
            return
        self._swept_us = now_us
        for talk in list(self.table.values()):
            if now_us - talk.last_us > (OPEN_IDLE_US if talk.is_open else self._idle_us):
                self._drop(talk, now_us)

    def _make_room(self, now_us: int) -> None:
        """Drop a tenth of the table, those that have been silent for longest."""
        count = max(len(self.table) // 10, 1)
        for talk in nsmallest(count, list(self.table.values()), key=lambda talk: talk.last_us):
            self._drop(talk, now_us)

    def _drop(self, talk: Conversation, now_us: int) -> None:
        if talk.is_open:
            self.turn_blind(now_us)
        self._forget(talk)

    def turn_blind(self, now_us: int) -> None:
        """Note that conversations may be open of which this node knows nothing, for a day."""
        self._blind_until_us = now_us + OPEN_IDLE_US

    # -- what is said ---------------------------------------------------------------------------------------

    def follow(
        self, talk: Conversation, act: Performative, protocol: str | None, sender: str, receiver: str
    ) -> Fault | None:
        """Step the course that an act belongs to, beginning it if the act does that.

        Args:
            talk: The conversation.
            act: The performative, or its code: the two are one key.
            protocol: As the message says; without one it belongs to what the two have open, if anything.
            sender: `name@node`.
            receiver: `name@node`.

        Returns:
            What is wrong, and then nothing has changed; None if nothing is.
        """
        course = talk.course
        if course is None:
            if protocol is None:
                self._parties += talk.meet(sender, receiver)
                return None
            named = PROTOCOLS.get(protocol)
            if named is None:
                return None  # a protocol that this node does not know
            after = named.opening.initiator.get(act)
            if after is not None:
                talk.course = Course(named, sender, receiver, after, named.opening)
                self.opened[protocol] += 1
                if not after.is_final:
                    talk.open_courses = 1
                return None
        elif protocol is None or protocol == course.protocol.name:
            if sender == course.participant and receiver == course.initiator:
                after = course.stage.participant.get(act)
            elif receiver == course.participant and sender == course.initiator:
                after = course.stage.initiator.get(act)
            else:
                after = None
            if after is not None:
                before, course.stage = course.stage, after
                course.before = before
                if after.is_final and not before.is_final:
                    if talk.more is None and talk.is_kept:
                        talk.open_courses = 0
                    else:
                        self._close(talk)
                return None
        return self._follow_rarely(talk, Performative(act), protocol, sender, receiver)

    def _follow_rarely(
        self, talk: Conversation, act: Performative, protocol: str | None, sender: str, receiver: str
    ) -> Fault | None:
        """Follow an act that is not the next of the first course."""
        first = talk.course
        if protocol == CANCEL.name and first is not None and talk.find_any(sender, receiver):
            protocol = None  # it is about what the two have open
        named = PROTOCOLS.get(protocol) if protocol else first.protocol if first else None
        if named is None:
            return None  # a protocol that this node does not know
        courses = talk.find(sender, receiver, protocol) if protocol else talk.find_any(sender, receiver)
        if not courses and protocol is not None and act not in named.openers:
            answering = talk.find_answering(sender, named.name)
            courses = [answering] if answering is not None else []
        for course in courses:
            after = course.moves_of(sender).get(act)
            if after is not None:
                self._move(talk, course, after)
                return None
        if protocol is None:  # FIPA binds only what names a protocol
            self._parties += talk.meet(sender, receiver)
            return None
        return self._begin(talk, act, named, (sender, receiver), courses)

    def _begin(
        self,
        talk: Conversation,
        act: Performative,
        protocol: Protocol[Any, Any],
        ends: tuple[str, str],
        courses: list[Course],
    ) -> Fault | None:
        """Begin a course, if the act can do that and the two have not got it open."""
        sender, receiver = ends
        mine = [course for course in courses if course.is_open and course.initiator == sender]
        after = protocol.opening.initiator.get(act)
        if after is None or not all(course.is_overdue for course in mine):
            return self._blame(protocol, act, sender, mine or courses)
        for _given_way in mine:
            self._close(talk)
        course = Course(protocol, sender, receiver, after, protocol.opening)
        size = talk.size
        if talk.add(course):
            self.opened[protocol.name] += 1
            self._parties += talk.size - size
            if course.is_open:
                self._hold(talk)
        return None

    def _blame(
        self, protocol: Protocol[Any, Any], act: Performative, sender: str, courses: list[Course]
    ) -> Fault:
        if not courses:
            return Fault(explain(protocol, protocol.opening, act, Side.INITIATOR), is_unknown=True)
        course = courses[0]
        return Fault(explain(protocol, course.stage, act, course.side_of(sender)), is_unknown=False)

    def excuses(self, fault: Fault, now_us: int, *, arrived: bool, answers: bool) -> bool:
        """Tell whether a fault cannot be judged here.

        Args:
            fault: What `follow` said.
            now_us: Unix microseconds.
            arrived: Whether the message came from another node.
            answers: Whether it says that it answers something (`in_reply_to`).
        """
        return fault.is_unknown and (now_us < self._blind_until_us or (arrived and answers))

    def note_fault(self, talk: Conversation) -> None:
        """Count an act that was not allowed."""
        talk.faults += 1
        self.faults += 1

    def take_back(
        self, conversation_id: str, act: Performative, protocol: str | None, sender: str, receiver: str
    ) -> None:
        """Note that an act has reached nobody.

        What an initiator said has failed with this participant; what a participant said was not said.
        """
        talk = self.find(conversation_id)
        first = talk.course if talk is not None else None
        if talk is None or first is None:
            return
        for course in talk.find(sender, receiver, protocol or first.protocol.name):
            if course.initiator == sender:
                after = course.stage.participant.get(Performative.FAILURE)
                if after is not None:
                    self._move(talk, course, after)
            elif course.before.participant.get(act) is course.stage:
                self._move(talk, course, course.before)

    def note_overdue(self, conversation_id: str, protocol: str | None, sender: str, receiver: str) -> None:
        """Note that an initiator was told that no answer came in time; a late one is still taken."""
        talk = self.find(conversation_id)
        if talk is not None and protocol is not None:
            for course in talk.find(sender, receiver, protocol):
                course.is_overdue = course.is_overdue or course.initiator == sender

    def reopen(self, talk: Conversation, protocol: str | None, sender: str, receiver: str) -> None:
        """Bring a course back to where it was before an act that reached nobody: it is sent again."""
        for course in talk.find(sender, receiver, protocol or talk.protocol or ""):
            if course.stage.is_final and not course.before.is_final and course.initiator == sender:
                self._move(talk, course, course.before)

    def abandon(self, talk: Conversation, course: Course) -> None:
        """Note that one of the two is gone for good: nothing is expected any more."""
        after = course.stage.participant.get(Performative.FAILURE)
        if after is not None:
            self._move(talk, course, after)

    def _move(self, talk: Conversation, course: Course, stage: Stage) -> None:
        was_open = course.is_open
        course.before, course.stage = course.stage, stage
        if was_open and not course.is_open:
            self._close(talk)
        elif course.is_open and not was_open:
            self._hold(talk)

    # -- open and closed ------------------------------------------------------------------------------------

    def _hold(self, talk: Conversation) -> None:
        """Note that one more course is open."""
        with self._lock:
            talk.open_courses += 1

    def _close(self, talk: Conversation) -> None:
        """Note that one course fewer is open; without any, the conversation needs a place in the ring."""
        with self._lock:
            talk.open_courses = max(talk.open_courses - 1, 0)
            if not talk.open_courses and not talk.is_kept:
                self._keep(talk, talk.last_us)
