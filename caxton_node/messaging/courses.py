"""One conversation as a node sees it: who talks, how much, and how far each of its protocols has come.

A *course* is the talk of one initiator with one participant under a protocol; a Contract Net with a hundred
contractors is one conversation with a hundred courses. A conversation may hold courses of several protocols
and initiators: an agent that is asked may ask others in the same conversation. Most have one course, so that
one stands apart from the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from msgspec import Struct

from caxton_node.fipa.protocols import PROTOCOLS, Protocol, Side, Stage

COURSES_MAX = 1_024
PARTIES_MAX = 256


class Course(Struct, gc=False):
    """How far an initiator and a participant have come.

    Attributes:
        protocol: Their protocol.
        initiator: Who opened it, `name@node`.
        participant: The other one, `name@node`.
        stage: What may be said next.
        before: The stage before the latest act, to go back to when that act reached nobody.
        is_overdue: Whether the initiator has been told that no answer came in time: it may begin anew.
    """

    protocol: Protocol[Any, Any]
    initiator: str
    participant: str
    stage: Stage
    before: Stage
    is_overdue: bool = False

    @property
    def is_open(self) -> bool:
        """Return whether something may follow."""
        return not self.stage.is_final

    def side_of(self, sender: str) -> Side:
        """Return on which side an agent speaks; everyone but the initiator is the participant."""
        return Side.INITIATOR if sender == self.initiator else Side.PARTICIPANT

    def moves_of(self, sender: str) -> dict[Any, Stage]:
        """Return what an agent may say now, and where that leads."""
        return self.stage.initiator if sender == self.initiator else self.stage.participant


class Conversation(Struct, gc=False):
    """One conversation.

    Attributes:
        id: The conversation id.
        initiator: Who spoke first here.
        trace_id: Sixteen bytes that all its messages carry.
        is_followed: Whether its messages leave spans.
        messages_max: When it must be looked at whether it goes round in circles.
        window_us: Since when its messages are counted for that, unix microseconds.
        messages: How many messages this node has routed.
        last_us: When the latest was, unix microseconds.
        deadline_ms: The latest `reply_by`, unix milliseconds; 0: none was set.
        course: The first course.
        more: The others, by initiator, participant and protocol.
        open_courses: Courses in which something may follow.
        is_kept: Whether it has a place among those that are kept though nothing is open.
        faults: Acts that its protocols did not allow.
    """

    id: str
    initiator: str
    trace_id: bytes
    is_followed: bool
    messages_max: int
    window_us: int
    messages: int = 0
    last_us: int = 0
    deadline_ms: int = 0
    course: Course | None = None
    more: dict[tuple[str, str, str], Course] | None = None
    open_courses: int = 0
    faults: int = 0
    is_kept: bool = True
    parties: set[str] | None = None

    @property
    def is_open(self) -> bool:
        """Return whether a protocol still expects something; without a protocol nobody can know: False."""
        return self.open_courses > 0

    @property
    def protocol(self) -> str | None:
        """Return the name of its first protocol, None without one."""
        return self.course.protocol.name if self.course is not None else None

    @property
    def size(self) -> int:
        """Return how many parties, and courses beside the first, it holds."""
        return len(self.more or ()) + len(self.parties or ())

    @property
    def participants(self) -> set[str]:
        """Return everyone who has spoken or was spoken to, as far as they were counted."""
        known = {self.initiator, *list(self.parties or ())}
        for course in self.courses():
            known.update((course.initiator, course.participant))
        return known

    def courses(self) -> Iterator[Course]:
        """Go through all courses."""
        if self.course is not None:
            yield self.course
        if self.more:
            yield from list(self.more.values())

    def stage_with(self, participant: str) -> str | None:
        """Return the name of the stage that the first course with a participant has come to."""
        found = (course.stage.name for course in self.courses() if course.participant == participant)
        return next(found, None)

    def find(self, sender: str, receiver: str, protocol: str) -> list[Course]:
        """List the courses of two agents under a protocol: at most one begun by each."""
        found = []
        for initiator, participant in ((sender, receiver), (receiver, sender)):
            course = self._get(initiator, participant, protocol)
            if course is not None:
                found.append(course)
        return found

    def find_any(self, sender: str, receiver: str) -> list[Course]:
        """List the courses of two agents under whatever protocol, those first that are open."""
        if not self.more:
            return self.find(sender, receiver, self.protocol or "")
        found = [course for name in PROTOCOLS for course in self.find(sender, receiver, name)]
        return sorted(found, key=lambda course: course.stage.is_final)

    def find_answering(self, participant: str, protocol: str) -> Course | None:
        """Return the one open course in which an agent owes an answer: to whom, `reply_to` may have said."""
        owed = [
            course
            for course in self.courses()
            if course.participant == participant and course.protocol.name == protocol and course.is_open
        ]
        return owed[0] if len(owed) == 1 else None

    def add(self, course: Course) -> bool:
        """Keep a course, in the place of an earlier one of the same two; False when there are too many."""
        first = self.course
        if first is None or _key(first) == _key(course):
            self.course = course
            return True
        if self.more is None:
            self.more = {}
        if len(self.more) >= COURSES_MAX and _key(course) not in self.more:
            return False
        self.more[_key(course)] = course
        return True

    def meet(self, sender: str, receiver: str) -> int:
        """Note who talks outside of any protocol; return how many of the two are new."""
        known = self.parties
        if known is None:
            known = self.parties = set()
        if (sender in known and receiver in known) or len(known) >= PARTIES_MAX:
            return 0
        before = len(known)
        known.update((sender, receiver))
        return len(known) - before

    def _get(self, initiator: str, participant: str, protocol: str) -> Course | None:
        first = self.course
        if first is not None and _key(first) == (initiator, participant, protocol):
            return first
        return self.more.get((initiator, participant, protocol)) if self.more else None


def _key(course: Course) -> tuple[str, str, str]:
    return course.initiator, course.participant, course.protocol.name
