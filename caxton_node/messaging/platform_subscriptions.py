"""Who wants to be told what by a platform agent: bounded, ended by CANCEL or with the subscriber.

A subscription is known by its subscriber and its conversation; another one in the same conversation takes
its place. It ends when a message to the subscriber comes back because nobody is there (`end_by`): a stopped
agent or a client that has hung up costs one message, and no list of who lives has to be kept. A mailbox that
is only full ends nothing; what did not fit in is lost to the subscriber, as it is to any other receiver.

Source: FIPA SC00035H (FIPA-Subscribe), SC00026H section 1.2 (cancel).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic, TypeVar

import msgspec

from caxton_node.core.errors import StateError
from caxton_node.core.ids import parse_address
from caxton_node.fipa import Envelope, FailureReason, Performative
from caxton_node.fipa.replies import PLATFORM_SENDER, FailureContent
from caxton_node.messaging.platform_acts import Refused

EACH_MAX = 16
TOTAL_MAX = 1_000

T = TypeVar("T")
Key = tuple[str, str]
"""A subscriber as it is addressed, and its conversation."""

_PASSING = frozenset(
    {
        FailureReason.MAILBOX_FULL,
        FailureReason.BACKLOG_FULL,
        FailureReason.EXPIRED,
        FailureReason.TIMEOUT,
        FailureReason.TRAPPED,
        FailureReason.NOT_ALLOWED,
    }
)
_read = msgspec.json.Decoder(FailureContent).decode


class NoSubscription(StateError):
    """A CANCEL came in a conversation without a subscription; nothing was changed."""

    code = "NO_SUBSCRIPTION"


@dataclass(frozen=True, slots=True)
class Subscription(Generic[T]):
    """One subscriber in one conversation.

    Attributes:
        what: What it wants to be told.
        envelope: The message that asked, without its content: what is told answers it.
    """

    what: T
    envelope: Envelope


class Subscriptions(Generic[T]):
    """The subscriptions at one platform agent; on the event loop.

    Args:
        each_max: How many one subscriber may have.
        total_max: How many there may be.
    """

    def __init__(self, *, each_max: int = EACH_MAX, total_max: int = TOTAL_MAX) -> None:
        self._each_max = each_max
        self._total_max = total_max
        self._by_key: dict[Key, Subscription[T]] = {}
        self._counts: Counter[str] = Counter()
        self._by_agent: dict[str, dict[Key, Subscription[T]]] = {}

    def __len__(self) -> int:
        return len(self._by_key)

    def __iter__(self) -> Iterator[Subscription[T]]:
        """Go through the subscriptions as they are now, oldest first."""
        return iter(list(self._by_key.values()))

    def of(self, agent: str) -> list[Subscription[T]]:
        """Return the subscriptions of an agent (`tenant/name`) on whatever node, oldest first."""
        return list(self._by_agent.get(agent, {}).values())

    def add(self, envelope: Envelope, what: T) -> Subscription[T]:
        """Note a subscription.

        Raises:
            Refused: There are too many; nothing was noted.
        """
        key, agent = _key_of(envelope), _agent_of(envelope.sender or "")
        if key not in self._by_key:
            self._check_room(key[0])
            self._counts[key[0]] += 1
        kept = msgspec.structs.replace(envelope, content=None, headers=None)
        subscription = self._by_key[key] = Subscription(what, kept)
        self._by_agent.setdefault(agent, {})[key] = subscription
        return subscription

    def cancel(self, envelope: Envelope) -> None:
        """End the subscription in whose conversation a CANCEL came.

        Raises:
            NoSubscription: There is none.
        """
        if not self._remove(_key_of(envelope)):
            raise NoSubscription(
                "there is nothing to cancel",
                why="this conversation has no subscription",
                hint="send CANCEL in the conversation of the SUBSCRIBE",
            )

    def end_by(self, envelope: Envelope) -> bool:
        """End the subscription that a FAILURE of the platform is about; tell whether it was one."""
        if envelope.performative is not Performative.FAILURE or envelope.sender != PLATFORM_SENDER:
            return False
        try:
            found = _read(envelope.content or b"")
        except (msgspec.DecodeError, UnicodeDecodeError):
            return False
        key = (found.receiver, envelope.conversation_id or "")
        return found.reason not in _PASSING and self._remove(key)

    def _remove(self, key: Key) -> bool:
        if self._by_key.pop(key, None) is None:
            return False
        agent = _agent_of(key[0])
        del self._by_agent[agent][key]
        if not self._by_agent[agent]:
            del self._by_agent[agent]
        self._counts[key[0]] -= 1
        if not self._counts[key[0]]:
            del self._counts[key[0]]
        return True

    def _check_room(self, subscriber: str) -> None:
        if self._counts[subscriber] >= self._each_max:
            raise Refused("too-many", f"{subscriber} has {self._each_max} subscriptions; cancel one first")
        if len(self._by_key) >= self._total_max:
            raise Refused("too-many", f"there are {self._total_max:,} subscriptions here; try another node")


def _agent_of(subscriber: str) -> str:
    return parse_address(subscriber).name


def _key_of(envelope: Envelope) -> Key:
    return envelope.sender or "", envelope.conversation_id or ""
