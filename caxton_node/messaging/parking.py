"""Messages that wait for a receiver who is not there: only those that say how long they may (`ttl`).

Without a time to live a message to nobody comes back at once, since most senders would rather know. With one
it is parked: until an agent of that name comes, or its time is over. Within a name the order is that of
parking, and what is parked goes before what comes later. When the node stops it is kept with other mail.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass
from threading import Lock

PARKED_MAX = 10_000
BYTES_MAX = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Parked:
    """One message that waits for its receiver.

    Attributes:
        name: `tenant/name` that it waits for.
        receiver: As addressed.
        number: Its message number.
        frame: The envelope's bytes.
        reason: Why it could not be delivered.
        since_us: When it was parked, unix microseconds.
        expires_ms: When it expires, unix milliseconds.
        again: Whether its conversation knows of it, since it had a receiver once.
    """

    name: str
    receiver: str
    number: int
    frame: bytes
    reason: str
    since_us: int
    expires_ms: int
    again: bool = False


class Parking:
    """The parked messages of a node; any thread may park, the event loop takes out.

    Args:
        parked_max: Messages that may be parked.
        bytes_max: Bytes of frames that may be parked.
    """

    def __init__(self, parked_max: int = PARKED_MAX, bytes_max: int = BYTES_MAX) -> None:
        self._by_name: dict[str, deque[Parked]] = {}
        self._lock = Lock()
        self._parked_max = parked_max
        self._bytes_max = bytes_max
        self._count = self._bytes = 0

    def __len__(self) -> int:
        """Return how many are parked."""
        return self._count

    def park(self, parked: Parked) -> bool:
        """Keep a message; False when there is no room."""
        with self._lock:
            size = self._bytes + len(parked.frame)
            if self._count >= self._parked_max or size > self._bytes_max:
                return False
            self._by_name.setdefault(parked.name, deque()).append(parked)
            self._count += 1
            self._bytes = size
        return True

    def holds_for(self, name: str) -> bool:
        """Return whether something waits for an agent of this name."""
        return name in self._by_name

    def are_pinned(self, name: str) -> bool:
        """Return whether all that waits for a name is addressed to one node, which is this."""
        with self._lock:
            waiting = list(self._by_name.get(name, ()))
        return all("@" in message.receiver for message in waiting)

    def names(self) -> list[str]:
        """List the names that something waits for."""
        return list(self._by_name)

    def take_for(self, name: str) -> list[Parked]:
        """Remove and return what waits for a name, oldest first."""
        with self._lock:
            return self._forget(self._by_name.pop(name, ()))

    def take_expired(self, now_ms: int) -> list[Parked]:
        """Remove and return what has waited for too long."""
        if not self._count:
            return []
        expired: list[Parked] = []
        with self._lock:
            for name, parked in list(self._by_name.items()):
                gone = [message for message in parked if message.expires_ms <= now_ms]
                if gone:
                    expired += gone
                    self._keep(name, deque(message for message in parked if message.expires_ms > now_ms))
            return self._forget(expired)

    def take_all(self) -> list[Parked]:
        """Remove and return everything."""
        with self._lock:
            everything = [message for parked in self._by_name.values() for message in parked]
            self._by_name.clear()
            return self._forget(everything)

    def close(self) -> list[Parked]:
        """Park nothing any more; remove and return everything."""
        with self._lock:
            self._parked_max = 0
        return self.take_all()

    def find(self, number: int) -> list[Parked]:
        """List the parked copies of a message."""
        with self._lock:
            return [
                message for parked in self._by_name.values() for message in parked if message.number == number
            ]

    def _keep(self, name: str, parked: deque[Parked]) -> None:
        if parked:
            self._by_name[name] = parked
        else:
            del self._by_name[name]

    def _forget(self, gone: Iterable[Parked]) -> list[Parked]:
        taken = list(gone)
        self._count -= len(taken)
        self._bytes -= sum(len(message.frame) for message in taken)
        return taken
