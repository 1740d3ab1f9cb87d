"""What the nouns of the client have in common: a channel, a service and a default time."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, ClassVar, TypeVar

if TYPE_CHECKING:
    from google.protobuf.message import Message

    from caxton_node.client.channel import Channel

R = TypeVar("R", bound="Message")


class Noun:
    """Base of the nouns.

    Args:
        channel: The open channel, shared by the nouns of one client.
        timeout_s: When a call is given up, seconds.
    """

    service: ClassVar[str]

    def __init__(self, channel: Channel, timeout_s: float) -> None:
        self._channel = channel
        self._timeout_s = timeout_s

    def _call(self, method: str, request: Message, response: type[R], *, extra_s: float = 0.0) -> R:
        """Make one call; `extra_s` is what the operation itself may take on top of the usual time."""
        timeout_s = self._timeout_s + extra_s
        return self._channel.call(f"{self.service}/{method}", request, response, timeout_s=timeout_s)

    def _stream(self, method: str, request: Message, response: type[R]) -> Iterator[R]:
        return self._channel.stream(f"{self.service}/{method}", request, response)
