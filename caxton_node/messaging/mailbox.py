"""The bounded mailbox of one agent: what waits, in order, and what its agent has in hands.

It holds `depth_max` messages; `pausing.py` says what becomes of those who send more. What is known of single
messages, such as their numbers and when they expire, is kept in runs (`arrivals.py`).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Sequence
from threading import Lock
from time import monotonic_ns, time_ns

from caxton_node.fipa import decode
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.messaging.arrivals import Arrival, Arrivals
from caxton_node.messaging.latency import Latency
from caxton_node.messaging.origin import Origin
from caxton_node.messaging.pausing import Pausable
from caxton_node.messaging.receipts import Receipts
from caxton_node.messaging.tags import Tag, tag_of

BYTES_MAX = 64 * 1024 * 1024
FAR_BYTES_HOLD = 1024 * 1024
"""Bytes that peers have sent to one agent at which they are asked to hold; they may go on at half of it."""
TO_ITSELF_PER_S = 1_000
"""Messages that an agent may send to itself: one that only talks to itself never ends."""


def _nothing() -> None:
    """Wake nobody: no worker runs this agent yet."""


class Mailbox(Pausable):
    """Waiting messages of one agent, oldest first; any thread may put, the agent's worker takes.

    Args:
        depth_max: Messages that may wait.
        wake: Called without a lock whenever mail becomes ready to be taken; see `connect`.
        bytes_max: Bytes of frames that may wait.

    Attributes:
        address: Whose it is, `name@node`; set by the router.
        delivered: Messages that the agent has handled.
        instance: Which instance handles what it holds, `name#version.n@node`; set by the router.
        latency: Where waiting times are counted; set by the router to the one of the node.
        receipts: Where it is noted what was handled; set by the router.
        policy: What becomes of acts that its protocols do not allow; set by the router.
        closed: Whether the mailbox takes no more, but what it keeps.
    """

    __slots__ = (
        "_arrivals",
        "_bytes",
        "_expired",
        "_frames",
        "_held_origins",
        "_lock",
        "_out",
        "_to_itself",
        "_wake",
        "address",
        "bytes_max",
        "closed",
        "delivered",
        "depth_max",
        "instance",
        "latency",
        "policy",
        "receipts",
    )

    def __init__(
        self,
        depth_max: int,
        wake: Callable[[], None] = _nothing,
        *,
        bytes_max: int = BYTES_MAX,
    ) -> None:
        super().__init__()
        self.depth_max = depth_max
        self.bytes_max = bytes_max
        self.delivered = 0
        self.closed = False
        self.address = self.instance = ""
        self.latency = Latency()
        self.receipts: Receipts | None = None
        self.policy = ProtocolPolicy.ENFORCE
        self._wake = wake
        self._lock = Lock()
        self._frames: deque[bytes] = deque()
        self._arrivals = Arrivals()
        self._expired: list[bytes] = []  # until somebody returns them to their senders
        self._bytes = 0
        self._out = 0
        self._held_origins: set[Origin] = set()
        self._to_itself = (0, 0)  # a second, and messages in it; of its own worker alone

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
            return len(self._frames) + self._out + len(self._expired)

    @property
    def is_roomy(self) -> bool:
        """Return whether half of the depth and of the bytes is free."""
        return len(self._frames) <= self.depth_max // 2 and self._bytes <= self.bytes_max // 2

    def wake_if_ready(self) -> None:
        """Wake the worker if mail waits."""
        if self._frames:
            self._wake()

    def connect(self, wake: Callable[[], None]) -> None:
        """Name who is to be woken from now on; it is woken at once if mail waits already."""
        self._wake = wake
        if self.ready:
            wake()

    # -- putting --------------------------------------------------------------------------------------------

    def put(self, frame: bytes) -> bool:
        """Add one message; False when the mailbox is full or closed."""
        return self.put_all([frame], None) == 1

    def put_all(
        self,
        frames: list[bytes],
        sender: Sender,
        first: int = 0,
        tag: Tag | None = None,
        *,
        kept: bool = False,
    ) -> int:
        """Add messages in order.

        Args:
            frames: At least one.
            sender: The mailbox of the local agent that sent them, which can be paused; the peer that sent
                them, which can be asked to hold; None for anyone else.
            first: Number of the first one, the others follow; 0 when nobody will ask.
            tag: What is special about a message that is alone in `frames`.
            kept: Whether a closed mailbox takes them all the same, since its agent keeps their conversation
                while it leaves; see `handover.py`.

        Returns:
            How many were taken, counted from the front; the others are the caller's to return.
        """
        with self._lock:
            queue, closed = self._frames, self.closed and not kept
            waiting, taken, size = len(queue), len(frames), _size(frames)
            if closed or waiting + taken > self.depth_max or self._bytes + size > self.bytes_max:
                taken = 0 if closed else self._take_surplus(frames, sender)
            if taken:
                if taken < len(frames):
                    frames = frames[:taken]
                    size = sum(map(len, frames))
                queue.extend(frames)
                self._bytes += size
                if sender.__class__ is Origin:
                    self._arrivals.add_far(Arrival(taken, monotonic_ns(), first, tag, size, sender))
                    self._hold_if_much(sender)
                else:
                    self._arrivals.add(taken, monotonic_ns(), first, tag)
        if taken and not waiting and self.waits_for is None:
            self._wake()
        return taken

    def adopt(self, frames: Sequence[bytes]) -> bool:
        """Add messages that another mailbox kept, even over the depth; False if this one is closed."""
        envelopes = [decode(frame) for frame in frames]
        with self._lock:
            if self.closed:
                return False
            self._frames.extend(frames)
            self._bytes += sum(map(len, frames))
            now_ns = monotonic_ns()
            for envelope in envelopes:
                number = int.from_bytes(envelope.message_id or b"", "big")
                self._arrivals.add(1, now_ns, number, tag_of(envelope))
        if frames and self.waits_for is None:
            self._wake()
        return True

    def shut(self) -> None:
        """Take no more but what is kept; what waits stays."""
        with self._lock:
            self.closed = True

    def _hold_if_much(self, origin: Origin) -> None:
        """Ask a peer to hold what it has for this agent, if much waits."""
        much = self._arrivals.far_bytes > FAR_BYTES_HOLD or len(self._frames) > self.depth_max // 2
        if much and origin not in self._held_origins:
            self._held_origins.add(origin)
            origin.hold(self.address)

    def remind_origins(self) -> None:
        """Repeat to peers that they shall hold what they have for this agent: the word may have been lost."""
        for origin in list(self._held_origins):
            origin.hold(self.address)

    def _let_peers_go_on(self) -> None:
        """Tell peers that hold what they have for this agent that there is room again, if there is."""
        with self._lock:
            much = self._arrivals.far_bytes > FAR_BYTES_HOLD // 2 or len(self._frames) > self.depth_max // 4
            held = set() if much else self._held_origins
            if held:
                self._held_origins = set()
        for origin in held:
            origin.go_on(self.address)

    def _take_surplus(self, frames: Sequence[bytes], sender: Sender) -> int:
        """Say how many of these still go in, and pause the sender if it can be."""
        if isinstance(sender, Origin):
            may_wait, room = True, 2 * self.depth_max - len(self._frames)  # what comes before it holds
        else:
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
            unknown = len(frames) - self._arrivals.put_back(len(frames))
            if unknown:  # taken from a mailbox that another one has replaced since
                self._arrivals.add_first(unknown, monotonic_ns())
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
            arrivals = self._arrivals
            if arrivals.expires_ms:
                self._set_expired_aside(time_ns() // 1_000_000)
                queue = self._frames
                count = len(queue)
            if arrivals.lone:
                count_max = arrivals.room(count_max)
            if count <= count_max:
                frames = list(queue)
                queue.clear()
            else:
                take = queue.popleft
                frames = [take() for _ in range(count_max)]
            count, size = len(frames), _size(frames)
            if size > bytes_max and count > 1:
                count, size = _fit(frames, bytes_max)
                queue.extendleft(reversed(frames[count:]))
                del frames[count:]
            self._bytes -= size
            self._out += count
            if count:
                self._arrivals.take(count, monotonic_ns(), self.latency)
        if self.paused_senders:
            self.resume_senders()
        return frames

    def settle(self, handled: int, poisoned: int = 0) -> None:
        """Note what became of messages that were taken: handled, or returned to their sender."""
        with self._lock:
            self.delivered += handled
            out, arrivals = self._out, self._arrivals
            self._out = out - handled - poisoned
            done = arrivals.settle_all() if handled == out else arrivals.settle(handled, poisoned)
        if self._held_origins:
            self._let_peers_go_on()
        if self.receipts is not None:
            _write_receipts(self.receipts, done, self.instance)

    def take_expired(self, now_ms: int) -> list[bytes]:
        """Remove and return the messages whose time is over, for the caller to return to their senders."""
        if not (self._expired or self._arrivals.expires_ms):
            return []
        with self._lock:
            self._set_expired_aside(now_ms)
            expired, self._expired = self._expired, []
        if self._held_origins:
            self._let_peers_go_on()
        if self.paused_senders:  # if nothing is left, nobody takes, and they would wait for nothing
            self.resume_senders()
        return expired

    def _set_expired_aside(self, now_ms: int) -> None:
        places = set(self._arrivals.take_expired(now_ms))
        if places:
            frames = list(self._frames)
            expired = [frame for place, frame in enumerate(frames) if place in places]
            self._frames = deque(frame for place, frame in enumerate(frames) if place not in places)
            self._bytes -= sum(map(len, expired))
            self._expired += expired

    def may_write_to_itself(self, now_us: int) -> bool:
        """Tell whether the agent may send itself one more message: so many in a second."""
        second, count = self._to_itself
        now_s = now_us // 1_000_000
        self._to_itself = (now_s, count + 1 if second == now_s else 1)
        return self._to_itself[1] <= TO_ITSELF_PER_S

    def lone_in_hand(self) -> Tag | None:
        """Return the tag of the message in hand that had to be alone, None if there is none."""
        arrival = self._arrivals.head_in_hand()
        return arrival.tag if arrival is not None and arrival.tag is not None and arrival.tag.lone else None

    def holds(self, number: int) -> int:
        """Return since when a message of this number waits or is in hand, monotonic nanoseconds; 0: not."""
        with self._lock:
            for arrival in self._arrivals.waiting():
                if arrival.first <= number < arrival.first + arrival.count:
                    return arrival.at_ns
        return 0

    def frames(self) -> list[bytes]:
        """Return what waits, oldest first, without taking it."""
        with self._lock:
            return list(self._frames)

    def close(self) -> list[bytes]:
        """Take no more; return what waits, and let paused senders go on."""
        with self._lock:
            self.closed = True
            left = [*self._expired, *self._frames]
            self._frames.clear()
            self._expired.clear()
            self._arrivals.clear()
            self._bytes = 0
        self._let_peers_go_on()
        self.resume_senders()
        self.stop_waiting()
        return left


Sender = Mailbox | Origin | None
"""Who sent something: an agent of this node, a peer, or anyone else."""


def _write_receipts(receipts: Receipts, done: Sequence[Arrival], instance: str) -> None:
    """Note which messages were handled and by whom, and end their spans."""
    now_us = time_ns() // 1000
    for arrival in done:
        if arrival.first:
            receipts.note_handled(arrival.first, arrival.count, now_us, instance)
        tag = arrival.tag
        if tag is not None and tag.span is not None:
            span = tag.span
            span.ended_us, span.outcome, span.instance = now_us, "handled", instance


def _size(frames: Sequence[bytes]) -> int:
    """Return the bytes of frames; most often there is one."""
    return len(frames[0]) if len(frames) == 1 else sum(map(len, frames))


def _fit(frames: Sequence[bytes], bytes_max: int) -> tuple[int, int]:
    """Return how many leading frames fit, at least one, and their size."""
    size = len(frames[0])
    for count, frame in enumerate(frames[1:], 1):
        if size + len(frame) > bytes_max:
            return count, size
        size += len(frame)
    return len(frames), size
