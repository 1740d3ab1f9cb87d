"""Broadcasts: small payloads that ride on the gossip and reach every member once.

The origin numbers them; each member keeps a window of numbers per origin and passes on what it sees for the
first time. Delivery is very likely, not certain: whoever needs certainty compares notes by other means (the
registry does). A broadcast is not delivered to its own origin.
"""

from __future__ import annotations

from swim.codec import SEQUENCE_MAX, encode_message
from swim.context import Context
from swim.errors import BacklogFull, TooLarge
from swim.events import TopicReceived
from swim.member import Member
from swim.messages import Topic
from swim.statistics import Drop
from swim.window import Window

NUMBERS_PER_ORIGIN = 1024
"""Broadcasts of one origin that are told apart; one that is later than so many others is not delivered."""


class Topics:
    """The broadcasts of one node, its own and those it passes on."""

    def __init__(self, context: Context) -> None:
        self._settings = context.settings
        self._roster = context.roster
        self._queue = context.dissemination.topics
        self._outbox = context.outbox
        self._statistics = context.statistics
        self._room = context.settings.payload_bytes_max + context.settings.topic_bytes_max
        self._number = 0
        self._seen: dict[bytes, tuple[int, Window]] = {}

    def broadcast(self, me: Member, topic: str, payload: bytes) -> None:
        """Queue a broadcast of this node.

        Raises:
            TooLarge: Topic or payload is above its bound.
            BacklogFull: Too many own broadcasts are waiting.
        """
        if not 0 < len(topic.encode()) <= self._settings.topic_bytes_max:
            raise TooLarge(f"a topic has 1 to {self._settings.topic_bytes_max} bytes")
        if len(payload) > self._settings.payload_bytes_max:
            raise TooLarge(f"{len(payload)} bytes; a payload has at most {self._settings.payload_bytes_max}")
        if self._roster.live_count == 1:
            return  # nobody to tell; whoever joins later gets the state by other means
        if not self._make_room():
            raise BacklogFull(f"{self._settings.topics_max} broadcasts are waiting to be told")
        self._number = self._number % SEQUENCE_MAX + 1
        message = Topic(me.key, me.epoch, self._number, topic, payload)
        self._queue.put((me.key, me.epoch, self._number), encode_message(message))
        self._statistics.topics_sent += 1

    def handle_topic(self, message: Topic) -> None:
        """Deliver a broadcast that was not seen before, and pass it on."""
        origin = self._roster.find(message.origin)
        if origin is None:
            self._statistics.drop(Drop.UNKNOWN_MEMBER)
            return
        if not self._is_first(message):
            return
        self._statistics.topics_received += 1
        self._outbox.notify(TopicReceived(origin.node_id, message.topic, message.payload))
        if len(message.payload) + len(message.topic.encode()) > self._room:
            return  # it came from a member with other settings, and may fit no datagram of ours
        if self._make_room():
            self._queue.put((message.origin, message.epoch, message.number), encode_message(message))
        else:
            self._statistics.drop(Drop.TOPICS_FULL)

    def _is_first(self, message: Topic) -> bool:
        epoch, window = self._seen.get(message.origin, (-1, None))
        if message.epoch < epoch:
            return False
        if window is None or message.epoch > epoch:
            window = Window(NUMBERS_PER_ORIGIN)
            self._seen.pop(message.origin, None)
            if len(self._seen) >= self._settings.members_max:
                self._seen.pop(next(iter(self._seen)))
            self._seen[message.origin] = (message.epoch, window)
        if not window.is_new(message.number):
            return False
        window.mark(message.number)
        return True

    def _make_room(self) -> bool:
        """Forget the most told broadcast if the queue is full; return False if all are untold."""
        if len(self._queue) < self._settings.topics_max:
            return True
        victim = self._queue.most_told()
        if victim is None:
            return False
        self._queue.discard(victim)
        self._statistics.drop(Drop.TOPICS_FULL)
        return True
