"""One source of events, any number of followers who come and go."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class Fanout(Generic[T]):
    """Hands every event to whoever follows at that moment."""

    def __init__(self) -> None:
        self._listeners: tuple[Callable[[T], None], ...] = ()

    def follow(self, listener: Callable[[T], None]) -> Callable[[], None]:
        """Give every event to `listener` until the returned function is called."""
        self._listeners = (*self._listeners, listener)

        def unfollow() -> None:
            self._listeners = tuple(other for other in self._listeners if other is not listener)

        return unfollow

    def publish(self, event: T) -> None:
        """Hand over one event."""
        for listener in self._listeners:
            listener(event)
