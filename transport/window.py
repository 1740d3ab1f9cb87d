"""Byte credits: a sender may have so many bytes out that the receiver has not handled.

Neither QUIC (in aioquic) nor a TCP socket buffer holds a fast sender back from a slow consumer: both count
bytes as taken when they have arrived. These windows count them as taken when they were handled. Both sides
count from the beginning of the link and the receiver reports its total, so a report that is late or repeated
does no harm.
"""

from __future__ import annotations

from transport.errors import MalformedFrame


class SendWindow:
    """What may still be sent on a link.

    Args:
        limit: Bytes that may be out, granted by the receiver in its greeting.
    """

    __slots__ = ("_handled", "_limit", "_sent")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._sent = 0
        self._handled = 0

    @property
    def out(self) -> int:
        """Return the bytes sent and not yet handled."""
        return self._sent - self._handled

    def allows(self, size: int) -> bool:
        """Say whether this much may be sent now; when nothing is out anything may, or it could never go."""
        out = self._sent - self._handled
        return out == 0 or out + size <= self._limit

    def spend(self, size: int) -> None:
        """Count bytes as sent."""
        self._sent += size

    def restore(self, handled: int) -> None:
        """Take the receiver's total of handled bytes.

        Raises:
            MalformedFrame: It says it handled more than was sent. An older report than the last is ignored.
        """
        if handled > self._sent:
            raise MalformedFrame(f"credit for {handled} bytes where {self._sent} were sent")
        self._handled = max(self._handled, handled)


class ReceiveWindow:
    """What was handled, and how much of that the sender has not been told.

    Args:
        limit: The window granted to the sender.
    """

    __slots__ = ("_reported", "_worth_telling", "handled")

    def __init__(self, limit: int) -> None:
        self._worth_telling = limit // 4
        self._reported = 0
        self.handled = 0

    def handle(self, size: int) -> bool:
        """Count bytes as handled; return whether a quarter of the window is now untold."""
        self.handled += size
        return self.handled - self._reported >= self._worth_telling

    def report(self) -> int:
        """Return the total for a CREDIT that is sent now."""
        self._reported = self.handled
        return self.handled
