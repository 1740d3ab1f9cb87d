"""The bounded mailbox of one agent, and how a full one slows its senders down.

A mailbox holds `depth_max` messages. When a local agent fills it, what its present turn produced is still
taken, and that sender is *paused*: it gets no turn until the receiver has worked off half of its depth. So
between agents of one node a slow receiver makes its senders wait and nobody is refused; what waits is at most
the depth and one turn of each sender, and twice `bytes_max`. Refusal remains for those who cannot be paused:

- a sender on another node, a client or the platform;
- a sender whose pause would close a circle (A waits for B and B for A, or A for itself) and never end;
- a sender whose patience is over (`resume_impatient`, called by the router's tick);
- anybody, once twice the bytes wait.

The alternative, to hold the surplus on the sender's side, keeps the same number of frames in memory but
needs a second queue, a second order and a second count.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic_ns

from caxton_node.messaging.latency import Latency

BYTES_MAX = 64 * 1024 * 1024
# Guards who waits for whom over all mailboxes, so that circles are found; taken only when one is full.
_pausing = Lock()


def _nothing() -> None:
    """Wake nobody: no worker runs this agent yet."""


class Mailbox:
    """Waiting messages of one agent, oldest first; any thread may put, the agent's worker takes.

    Args:
        depth_max: Messages that may wait.
        wake: Called without a lock whenever mail becomes ready to be taken; see `connect`.
        bytes_max: Bytes of frames that may wait.

    Attributes:
        address: Whose it is, `name@node`; set by the router.
        delivered: Messages that the agent has handled.
        latency: Where waiting times are counted; set by the router to the one of the node.
        closed: Whether the mailbox takes no more, but what it keeps.
        waits_for: The full mailbox because of which this agent, as a sender, is paused.
        paused_at_ns: Since when, monotonic.
        paused_senders: Mailboxes of the agents that this one has paused; `_pausing` guards these three.
        impatient_with: The mailbox for which this agent does not wait any more.
    """

    __slots__ = (
        "_arrivals",
        "_bytes",
        "_frames",
        "_lock",
        "_out",
        "_wake",
        "address",
        "bytes_max",
        "closed",
        "delivered",
        "depth_max",
        "impatient_with",
        "latency",
        "paused_at_ns",
        "paused_senders",
        "waits_for",
    )

    def __init__(
        self,
        depth_max: int,
        wake: Callable[[], None] = _nothing,
        *,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        self.depth_max = depth_max
        self.bytes_max = bytes_max
        self.delivered = 0
        self.closed = False
        self.address = ""
        self.latency = Latency()
        self.paused_at_ns: int | None = None
        self._wake = wake
        self._lock = Lock()
        self._frames: deque[bytes] = deque()
        self._arrivals: deque[tuple[int, int]] = deque()  # (count, nanoseconds) of each put, in order
        self._bytes = 0
        self._out = 0
        self.waits_for: Mailbox | None = None
        self.impatient_with: Mailbox | None = None
        self.paused_senders: list[Mailbox] = []

    def __len__(self) -> int:
        """Return how many messages wait."""
        return len(self._frames)

    @property
    def ready(self) -> int:
        """Return how many messages may be taken now: none while the agent is paused as a sender."""
        return 0 if self.waits_for is not None else len(self._frames)

    @property
    def in_flight(self) -> int:
        """Return how many messages wait or are being handled."""
        with self._lock:  # one that is put back is for a moment in neither or in both
            return len(self._frames) + self._out

    @property
    def paused_for_s(self) -> float:
        """Return for how long the agent has been paused as a sender; 0 when it is not."""
        at = self.paused_at_ns
        return 0.0 if at is None else (monotonic_ns() - at) / 1e9

    def connect(self, wake: Callable[[], None]) -> None:
        """Name who is to be woken from now on; it is woken at once if mail waits already."""
        self._wake = wake
        if self.ready:
            wake()

    # -- putting --------------------------------------------------------------------------------------------

    def put(self, frame: bytes) -> bool:
        """Add one message; False when the mailbox is full or closed."""
        return self.put_all([frame], None) == 1

    def put_all(self, frames: list[bytes], sender: Mailbox | None, *, kept: bool = False) -> int:
        """Add messages in order.

        Args:
            frames: At least one.
            sender: The mailbox of the local agent that sent them, which can be paused; None for anyone else.
            kept: Whether a closed mailbox takes them all the same, since its agent keeps their conversation
                while it leaves; see `handover.py`.

        Returns:
            How many were taken, counted from the front; the others are the caller's to return.
        """
        with self._lock:
            queue, closed = self._frames, self.closed and not kept
            waiting, taken, size = len(queue), len(frames), sum(map(len, frames))
            if closed or waiting + taken > self.depth_max or self._bytes + size > self.bytes_max:
                taken = 0 if closed else self._take_surplus(frames, sender)
            if taken:
                if taken < len(frames):
                    frames = frames[:taken]
                    size = sum(map(len, frames))
                queue.extend(frames)
                self._bytes += size
                self._arrivals.append((taken, monotonic_ns()))
        if taken and not waiting and self.waits_for is None:
            self._wake()
        return taken

    def adopt(self, frames: Sequence[bytes]) -> None:
        """Add messages of a mailbox that is closed now, even over the depth."""
        with self._lock:
            self._frames.extend(frames)
            self._bytes += sum(map(len, frames))
        if frames and self.waits_for is None:
            self._wake()

    def shut(self) -> None:
        """Take no more but what is kept; what waits stays."""
        with self._lock:
            self.closed = True

    def _take_surplus(self, frames: Sequence[bytes], sender: Mailbox | None) -> int:
        """Say how many of these still go in, and pause the sender if it can be."""
        may_wait = sender is not None and self.hold(sender)
        room = len(frames) if may_wait else self.depth_max - len(self._frames)
        bytes_room = (2 if may_wait else 1) * self.bytes_max - self._bytes
        for taken, frame in enumerate(frames):
            bytes_room -= len(frame)
            if taken >= room or bytes_room < 0:
                return taken
        return len(frames)

    def put_back(self, frames: Sequence[bytes]) -> None:
        """Return messages that were taken but not handled to the head, in order, even over the depth."""
        with self._lock:
            self._frames.extendleft(reversed(frames))
            self._bytes += sum(map(len, frames))
            self._out -= len(frames)
        if frames and self.waits_for is None:
            self._wake()

    # -- taking ---------------------------------------------------------------------------------------------

    def take(self, count_max: int, bytes_max: int) -> list[bytes]:
        """Remove and return the oldest messages within both bounds, at least one if any is ready."""
        with self._lock:
            queue = self._frames
            count = len(queue)
            if not count or self.waits_for is not None:
                return []
            if count <= count_max:
                frames = list(queue)
                queue.clear()
            else:
                take = queue.popleft
                frames = [take() for _ in range(count_max)]
            count, size = len(frames), sum(map(len, frames))
            if size > bytes_max and count > 1:
                count, size = _fit(frames, bytes_max)
                queue.extendleft(reversed(frames[count:]))
                del frames[count:]
            self._bytes -= size
            self._out += count
            self._note_waits(count)
        if self.paused_senders:
            self.resume_senders()
        return frames

    def settle(self, handled: int, poisoned: int = 0) -> None:
        """Note what became of messages that were taken: handled, or returned to their sender."""
        with self._lock:
            self.delivered += handled
            self._out -= handled + poisoned

    def _note_waits(self, count: int) -> None:
        """Count how long the messages just taken have waited."""
        arrivals, latency, now = self._arrivals, self.latency, monotonic_ns()
        while count and arrivals:
            arrived, at = arrivals[0]
            if arrived > count:
                arrivals[0] = (arrived - count, at)
                latency.observe(now - at, count)
                return
            arrivals.popleft()
            count -= arrived
            latency.observe(now - at, arrived)

    def frames(self) -> list[bytes]:
        """Return what waits, oldest first, without taking it."""
        with self._lock:
            return list(self._frames)

    def close(self) -> list[bytes]:
        """Take no more; return what waits, and let paused senders go on."""
        with self._lock:
            self.closed = True
            left = list(self._frames)
            self._frames.clear()
            self._arrivals.clear()
            self._bytes = 0
        self.resume_senders()
        self.stop_waiting()
        return left

    # -- pausing --------------------------------------------------------------------------------------------

    def hold(self, sender: Mailbox) -> bool:
        """Pause a sender until there is room here; False if it lost its patience or would wait for itself."""
        return sender.impatient_with is not self and _pause(sender, self)

    def resume_impatient(self) -> None:
        """End this agent's pause; the receiver it waited for refuses it until there is room again."""
        self.impatient_with = self.waits_for
        self.stop_waiting()

    def resume_senders(self) -> None:
        """Let paused senders go on once half of the depth is free."""
        if len(self._frames) > self.depth_max // 2 or self._bytes > self.bytes_max // 2:
            return
        with _pausing:
            senders, self.paused_senders = self.paused_senders, []
        for sender in senders:
            if sender.impatient_with is self:
                sender.impatient_with = None
            if sender.waits_for is self:
                sender.stop_waiting()

    def stop_waiting(self) -> None:
        """Let this agent have its turns again."""
        with _pausing:
            self.waits_for = self.paused_at_ns = None
        if self._frames:
            self._wake()


def _fit(frames: Sequence[bytes], bytes_max: int) -> tuple[int, int]:
    """Return how many leading frames fit, at least one, and their size."""
    size = len(frames[0])
    for count, frame in enumerate(frames[1:], 1):
        if size + len(frame) > bytes_max:
            return count, size
        size += len(frame)
    return len(frames), size


def _pause(sender: Mailbox, receiver: Mailbox) -> bool:
    """Pause a sender until the receiver has room, unless that would close a circle of waiting agents."""
    with _pausing:
        ahead: Mailbox | None = receiver
        while ahead is not None:
            if ahead is sender:
                return False
            ahead = ahead.waits_for
        if sender.waits_for is None:
            sender.waits_for = receiver
            sender.paused_at_ns = monotonic_ns()
            receiver.paused_senders.append(sender)
        return True
