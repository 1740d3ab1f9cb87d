"""The shadow tap: copies of an agent's messages for an instance that is only being tried.

A shadow sees the conversations of its share exactly as the real receiver does. What it says reaches nobody
(`Intake.take_shadow` gets it), it never slows anybody down, and a copy that finds no room is dropped and
counted: that is the only message of a node that may be dropped, since it was nobody's.
"""

from __future__ import annotations

import msgspec

from caxton_node.fipa import Envelope, encode
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.fipa.message import HEADERS_MAX
from caxton_node.messaging.budget.header import BUDGET
from caxton_node.messaging.counts import Tally
from caxton_node.messaging.destinations import Destination, Destinations, Found
from caxton_node.messaging.durable.header import DURABLE, OUTBOX
from caxton_node.messaging.mailbox import Mailbox
from caxton_node.messaging.tags import SHADOW

_pack = msgspec.msgpack.encode

OF_THE_MESSAGE_ALONE = (BUDGET, DURABLE, OUTBOX)
"""Headers that a copy has not: what a message carries, and that it is kept until it is handled."""


class Shadowing:
    """Copies messages for shadows.

    Args:
        destinations: Where instances are, and who shadows whom.
        tally: Where copies are counted.

    Attributes:
        cast_count: Copies that a shadow, or the mesh on its way to one, has taken.
        dropped: Copies that found no room.
    """

    def __init__(self, destinations: Destinations, tally: Tally) -> None:
        self._destinations = destinations
        self._tally = tally
        self.cast_count = self.dropped = 0

    def cast(self, envelope: Envelope, found: Found, key: str) -> None:
        """Send copies of a message that has been put where it belongs."""
        for shadow in self._destinations.shadows_of(found, key):
            target = shadow.target
            headers = {**(envelope.headers or {}), SHADOW: msgspec.Raw(_pack(target.instance))}
            for name in OF_THE_MESSAGE_ALONE:
                headers.pop(name, None)
            if len(headers) > HEADERS_MAX:  # nobody could read it
                self.dropped += 1
                continue
            frame = encode(msgspec.structs.replace(envelope, headers=headers))
            is_here = target.node == self._destinations.node_id
            lane = None if is_here else self._destinations.lane_to(target.node, found.name, key)
            if self._put(self._find(target.instance) if is_here else lane, frame):
                self._tally.accept(1)

    def take(self, envelope: Envelope, frame: bytes) -> None:
        """Give a copy that came from another node, and was accepted, to the shadow that it names."""
        try:
            instance = msgspec.msgpack.decode((envelope.headers or {})[SHADOW], type=str)
        except READ_ERRORS:
            instance = ""
        if not self._put(self._find(instance), frame):
            self._tally.bury()

    def _find(self, instance: str) -> Mailbox | None:
        agent = self._destinations.agents.get(instance)
        return agent.mailbox if agent is not None and agent.is_shadow else None

    def _put(self, destination: Destination | None, frame: bytes) -> bool:
        taken = destination is not None and destination.put_all([frame], None) == 1
        self.cast_count += taken
        self.dropped += not taken
        return taken
