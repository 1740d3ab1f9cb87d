"""The requests of a client that streams them, as one request to the pipeline."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Self

from google.protobuf.message import Message


class Incoming(AsyncIterator[Message]):
    """Messages as they come; a handler iterates over them.

    Args:
        messages: What the surface reads; it bounds each of them.

    Attributes:
        sha256: What the first message is about, for the audit log; empty before it has come.
    """

    def __init__(self, messages: AsyncIterator[Message]) -> None:
        self.sha256 = ""
        self._messages = messages
        self._has_begun = False

    def ByteSize(self) -> int:  # noqa: N802  as of a message
        """Return 0: what comes is bounded piece by piece."""
        return 0

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Message:
        message = await anext(self._messages)
        if not self._has_begun:
            self._has_begun = True
            self.sha256 = getattr(message, "sha256", "")
        return message
