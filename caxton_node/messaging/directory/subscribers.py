"""The agents that are told of changes, each in the conversation in which it asked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence

from caxton_node.core.ids import parse_address
from caxton_node.fipa import Envelope
from caxton_node.messaging.directory.acts import Asked
from caxton_node.messaging.directory.answers import Offers, of_news, present
from caxton_node.messaging.platform_subscriptions import Subscriptions
from caxton_node.registry.discovery.watches import News, Watch, Watches

TOTAL_MAX = 512

Tell = Callable[[Envelope, object], None]


class Subscribers:
    """The subscriptions at one `df`, each with its watch.

    Args:
        watches: Tells of changes.
        tell: Sends an INFORM that answers a subscription's message.
    """

    def __init__(self, watches: Watches, tell: Tell) -> None:
        self._watches = watches
        self._tell = tell
        self._subscriptions: Subscriptions[Asked] = Subscriptions(total_max=TOTAL_MAX)
        self._held: dict[tuple[str, str], Watch] = {}

    def __len__(self) -> int:
        return len(self._held)

    def add(self, envelope: Envelope, asked: Asked) -> Offers:
        """Begin a subscription, in place of the one in this conversation; return what is there.

        Raises:
            Refused: There are too many.
            InvalidArgument: It asks for what is not the same from one moment to the next.
            ResourceLimit: This node has too many watches.
        """
        subscription = self._subscriptions.add(envelope, asked)

        def inform(news: Sequence[News]) -> None:
            for changes in of_news(news, detail=asked.detail):
                self._tell(subscription.envelope, changes)

        key = _key_of(envelope)
        self._end(key)
        try:
            watch, records = self._watches.begin(asked.query, inform)
        except Exception:
            self._subscriptions.cancel(envelope)
            raise
        self._held[key] = watch
        return present(records, detail=asked.detail)

    def cancel(self, envelope: Envelope) -> None:
        """End the subscription in whose conversation a CANCEL came.

        Raises:
            NoSubscription: There is none.
        """
        self._subscriptions.cancel(envelope)
        self._end(_key_of(envelope))

    def end_by(self, envelope: Envelope) -> bool:
        """End the subscription of somebody who is not there; tell whether a message was about one."""
        if not self._subscriptions.end_by(envelope):
            return False
        left = {_key_of(subscription.envelope) for subscription in self._subscriptions}
        for key in self._held.keys() - left:
            self._end(key)
        return True

    def handle_agents(self, names: Collection[str], is_up: Callable[[str, str], bool]) -> None:
        """End the subscriptions of those agents that have stopped or failed: they ask again when they start.

        Args:
            names: `tenant/name` of agents of which an instance changed.
            is_up: Tells whether an agent is there on a node.
        """
        for name in names if len(self._subscriptions) else ():
            for subscription in self._subscriptions.of(name):
                address = parse_address(subscription.envelope.sender or "")
                if not is_up(name, address.node or ""):
                    self.cancel(subscription.envelope)

    def close(self) -> None:
        """End all."""
        for key in list(self._held):
            self._end(key)

    def _end(self, key: tuple[str, str]) -> None:
        watch = self._held.pop(key, None)
        if watch is not None:
            self._watches.end(watch)


def _key_of(envelope: Envelope) -> tuple[str, str]:
    return envelope.sender or "", envelope.conversation_id or ""
