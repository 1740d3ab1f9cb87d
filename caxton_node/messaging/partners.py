"""Telling those who talk with somebody that is gone, so that no open conversation waits for ever.

Whoever asked with `reply_with`, and is in the table of requests, gets the answer to that. The others are told
in their conversation: contractors whose initiator is gone, subscribers, askers who named no expression to
answer by. Each is told once, and from then on nothing is expected in that course.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from caxton_node.fipa import Envelope, FailureReason, Performative, decode, failure
from caxton_node.messaging.courses import Conversation, Course
from caxton_node.messaging.delivery import Delivery
from caxton_node.messaging.destinations import Destinations
from caxton_node.messaging.requests import OpenRequest

TOLD_MAX = 10_000
"""Told at once; whoever is beyond that finds out by its own deadline."""

Talker = tuple[str | None, str]
"""A conversation id, and the address of one who speaks in it."""


class Partners:
    """Finds out who talks with whom; on the event loop.

    Args:
        destinations: Knows who is still here to be told.
        delivery: Has the open conversations and requests, and brings the news.
    """

    def __init__(self, destinations: Destinations, delivery: Delivery) -> None:
        self._destinations = destinations
        self._delivery = delivery
        self._here = f"@{delivery.node_id}"

    def tell_of_node(self, node: str, told: Collection[OpenRequest]) -> None:
        """Tell agents of this node whose partner's node is gone.

        Args:
            node: The one that is gone.
            told: Requests whose senders have been told already.
        """
        there, known = f"@{node}", {(request.envelope.sender, request.receiver) for request in told}

        def is_meant(course: Course) -> bool:
            ends = (course.initiator, course.participant)
            return self._is_between_here_and(course, there) and ends not in known

        self._tell(is_meant, lambda end: end.endswith(there), FailureReason.NODE_DIED, f"node {node} died")

    def tell_of_parting(self) -> None:
        """Tell agents of this node that it leaves those with whom they talk on other nodes.

        These are told there, as of any node that goes. Call it when no agent here runs any more: the news
        waits with other mail for the next start of the node.
        """
        reason, detail = FailureReason.NODE_DIED, f"node {self._here[1:]} left the cluster meanwhile"
        requests = self._delivery.requests.take(lambda request: not request.receiver.endswith(self._here))
        told = self._answer(requests, reason, detail)

        def is_meant(course: Course) -> bool:
            return self._is_between_here_and(course, "")

        self._tell(is_meant, lambda end: not end.endswith(self._here), reason, detail, told)

    def tell_of_agent(self, address: str, detail: str, returned: Sequence[bytes] = ()) -> None:
        """Tell everybody who talks with an agent of this node that is gone for good.

        Args:
            address: `name@node`.
            detail: What became of it, one sentence.
            returned: What had waited for it and was routed again: whoever sent that in a conversation has
                been told there, or is served by another of the name.
        """
        self.tell_of_agents({address}, detail, returned)

    def tell_of_agents(self, addresses: Collection[str], detail: str, returned: Sequence[bytes] = ()) -> None:
        """Tell everybody who talks with one of several agents; see `tell_of_agent`."""
        came_back = [decode(frame) for frame in returned]
        ids = {envelope.message_id for envelope in came_back}
        requests = self._delivery.requests.take(lambda request: request.receiver in addresses)
        open_ones = [request for request in requests if request.envelope.message_id not in ids]
        told = self._answer(open_ones, FailureReason.AGENT_STOPPED, detail)
        told |= {(envelope.conversation_id, envelope.sender or "") for envelope in came_back}

        def is_meant(course: Course) -> bool:
            return course.initiator in addresses or course.participant in addresses

        self._tell(is_meant, lambda end: end in addresses, FailureReason.AGENT_STOPPED, detail, told)

    # -- telling --------------------------------------------------------------------------------------------

    def _is_between_here_and(self, course: Course, there: str) -> bool:
        """Return whether one end of a course is here and the other one on another node, one that ends so."""
        here = [end.endswith(self._here) for end in (course.initiator, course.participant)]
        gone = course.participant if here[0] else course.initiator
        return here[0] is not here[1] and gone.endswith(there)

    def _answer(self, requests: Sequence[OpenRequest], reason: FailureReason, detail: str) -> set[Talker]:
        """Answer requests to which no other answer will come; returns who was told in which conversation."""
        told: set[Talker] = set()
        for request in requests:
            envelope = request.envelope
            told.add((envelope.conversation_id, envelope.sender or ""))
            if self._is_there(envelope.sender or "", envelope.conversation_id or ""):
                self._delivery.returns.tell(envelope, request.receiver, reason, detail)
        return told

    def _tell(
        self,
        is_meant: Callable[[Course], bool],
        is_gone: Callable[[str], bool],
        reason: FailureReason,
        detail: str,
        told: Collection[Talker] = (),
    ) -> None:
        conversations = self._delivery.conversations
        for talk, course in conversations.open_courses(is_meant)[:TOLD_MAX]:
            conversations.abandon(talk, course)
            gone, other = course.initiator, course.participant
            if not is_gone(gone):
                gone, other = other, gone
            if (talk.id, other) not in told and not is_gone(other) and self._is_there(other, talk.id):
                self._delivery.post(failure(_trace_of(talk, course, other), reason, detail, gone))

    def _is_there(self, address: str, key: str) -> bool:
        """Return whether somebody can be told at all: one that has left would only make a dead letter."""
        return self._destinations.find(address, key).destination is not None


def _trace_of(talk: Conversation, course: Course, other: str) -> Envelope:
    """Write what a FAILURE answers: no message, but a talk."""
    return Envelope(Performative.INFORM, sender=other, conversation_id=talk.id, protocol=course.protocol.name)
