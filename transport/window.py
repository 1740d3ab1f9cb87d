"""Byte credits: how much a sender may send, and how much of it the receiver still has in its mailboxes.

Neither QUIC (in aioquic) nor a TCP socket buffer holds a fast sender back from a slow consumer: both count
bytes as taken when they have arrived. So the receiver *grants*: it tells the total that may have been sent
on this link, and that total follows what it has received as long as it keeps little, and stands still when it
keeps as much as it may:

    granted = received + min(window, kept_max - kept)

`kept` is what was received and is not handled yet, on this link or on any before it, so reconnecting does not
buy a sender another window. A grant is a total and is never taken back: one that is late or comes twice does
no harm.
"""

from __future__ import annotations

from transport.errors import MalformedFrame


class SendWindow:
    """What may still be sent on a link.

    Args:
        granted: Bytes that may be sent before the receiver grants more.
    """

    __slots__ = ("_granted", "_sent")

    def __init__(self, granted: int) -> None:
        self._granted = granted
        self._sent = 0

    @property
    def room(self) -> int:
        """Return how many bytes may be sent now."""
        return self._granted - self._sent

    def allows(self, size: int) -> bool:
        """Say whether this much may be sent now."""
        return self._sent + size <= self._granted

    def spend(self, size: int) -> None:
        """Count bytes as sent."""
        self._sent += size

    def extend(self, granted: int) -> None:
        """Take the receiver's total; an older one than the last is ignored."""
        self._granted = max(self._granted, granted)


class ReceiveWindow:
    """What was received on a link, what is kept of it, and what the sender has been told of that.

    Args:
        window: Bytes that the sender may be ahead of us.
        kept_max: Bytes that may be kept unhandled.
        kept: Bytes that are kept of what came before this link.
        granted: What the sender was told in our greeting; None is as much as may be told now.
    """

    __slots__ = ("_granted", "_kept_max", "_window", "kept", "received")

    def __init__(self, window: int, kept_max: int, kept: int = 0, granted: int | None = None) -> None:
        self._window = window
        self._kept_max = kept_max
        self.received = 0
        self.kept = kept
        self._granted = self._allowance if granted is None else granted

    @property
    def granted(self) -> int:
        """Return the total that the sender was told last."""
        return self._granted

    @property
    def is_worth_telling(self) -> bool:
        """Say whether a quarter of the window could be granted that the sender does not know of."""
        return self.received + self._allowance - self._granted >= min(self._window, self._kept_max) // 4

    def receive(self, size: int) -> None:
        """Count bytes that came.

        Raises:
            MalformedFrame: They are more than was ever granted, which no honest sender can do; nothing was
                counted.
        """
        if self.received + size > self._granted:
            raise MalformedFrame(f"{self.received + size} bytes were sent where {self._granted} were granted")
        self.received += size

    def keep(self, size: int) -> None:
        """Count bytes of what came as kept."""
        self.kept += size

    def release(self, size: int) -> None:
        """Count kept bytes as handled."""
        self.kept = max(0, self.kept - size)

    def grant(self) -> int:
        """Return the total for a CREDIT that is sent now."""
        self._granted = max(self._granted, self.received + self._allowance)
        return self._granted

    @property
    def _allowance(self) -> int:
        return min(self._window, max(0, self._kept_max - self.kept))
