"""Sideways talk between packages: facts in the past tense, handed to whoever asked.

A publisher knows no listener. Listeners run at once, in the order in which they subscribed, on the thread of
the event loop; one that raises is a bug and is not caught here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")


class EventBus:
    """Delivers events by their exact type."""

    def __init__(self) -> None:
        self._listeners: dict[type, list[Callable[[Any], None]]] = defaultdict(list)

    def subscribe(self, kind: type[T], listener: Callable[[T], None]) -> None:
        """Call `listener` with every event of exactly this class from now on."""
        self._listeners[kind].append(listener)

    def publish(self, event: object) -> None:
        """Hand one event to its listeners, in the order in which they subscribed."""
        for listener in self._listeners[type(event)]:
            listener(event)
