"""The way to other nodes: from worker threads to the event loop, once per batch.

The mesh belongs to the loop's thread. Workers append to a bounded buffer; the first append after the loop
has emptied it wakes the loop, the others find it awake. The loop empties it by shares, and turns to timers,
sockets and calls in between: agents that flood must not cost the node its membership. One buffer for all
peers keeps every order; the bound per peer is the mesh's own business, and what it does not take comes back
here and is refused.

A slow way, a slow node and a slow agent each hold back whoever sends there, and nobody else. An agent that
sends gets no further turn, as with a full mailbox, while

- the buffer is more than half full: until it is half empty;
- much waits in the mesh for that node: until the node has taken half of it;
- the node has asked to hold what is for that receiver (`origin.py`): until it says to go on. An agent whose
  patience is over before that is refused, as it would be by a full mailbox here.
"""

from __future__ import annotations

from asyncio import AbstractEventLoop, TimerHandle
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from threading import Lock
from typing import Protocol

from caxton_node.core.errors import CaxtonError, ResourceLimit
from caxton_node.fipa import FailureReason
from caxton_node.messaging.mailbox import Mailbox, Sender
from caxton_node.messaging.pausing import Gate

BUFFER_BYTES_MAX = 64 * 1024 * 1024
BUFFER_FRAMES_MAX = 16_384
TURN_FRAMES = 1_024
HOLD_S = 3.0
"""A hold that its node has not repeated for so long is over: its word to go on may have been lost."""
HELD_MAX = 65_536

Send = Callable[[str, int, Sequence[bytes]], bool]
Refused = Callable[[str, Sequence[bytes], FailureReason, str], None]


class RemotePort(Protocol):
    """What the router needs of the mesh; every method is safe to call from any thread.

    Attributes:
        forwarded: Messages that the mesh has taken.
        pending: Messages not yet given to the mesh.
    """

    forwarded: int
    pending: int

    @property
    def held(self) -> Mapping[str, Gate]:
        """Return the receivers for whom mail is to be held, by canonical address: senders wait there."""
        ...

    def handle_roomy(self, node: str) -> None:
        """Learn that a node has taken much of what waited for it, or is gone."""
        ...

    def connect(self, refused: Refused) -> None:
        """Call `refused(node, frames, reason, detail)` on the loop's thread with what could not be sent."""
        ...

    def send(self, node: str, lane_key: int, frames: list[bytes], sender: Sender = None) -> bool:
        """Take frames for a node, in order per lane key; False when the buffer is full: nothing taken.

        Args:
            node: Where to.
            lane_key: Equal keys keep their order.
            frames: At least one.
            sender: The mailbox of the local agent that sent them, which can be paused; anyone else cannot.
        """
        ...


class Outbound:
    """The buffer in front of `Cluster.send`.

    Args:
        loop: Whose thread sends.
        send: `Cluster.send`: queues frames and says whether senders should wait, or raises with nothing
            queued.
        bytes_max: Bytes that may wait for the loop.
        frames_max: Messages that may wait for it: each costs it time, however small, and whoever sends next
            waits behind them all.
    """

    def __init__(
        self,
        loop: AbstractEventLoop,
        send: Send,
        bytes_max: int = BUFFER_BYTES_MAX,
        frames_max: int = BUFFER_FRAMES_MAX,
    ) -> None:
        self._loop = loop
        self._send = send
        self._refused: Refused | None = None
        self._lock = Lock()
        self._buffer: deque[tuple[str, int, list[bytes]]] = deque()
        self._bytes = 0
        self._bytes_max = bytes_max
        self._frames_max = frames_max
        self._awake = False
        self._gate = Gate()
        self._crowded: dict[str, Gate] = {}
        self._holds: dict[str, TimerHandle] = {}
        self._held: dict[str, Gate] = {}
        self.forwarded = 0
        self.pending = 0

    def connect(self, refused: Refused) -> None:
        """Name who takes back what could not be sent."""
        self._refused = refused

    def send(self, node: str, lane_key: int, frames: list[bytes], sender: Sender = None) -> bool:
        """Take frames, or return False when the buffer is full or the loop is closed.

        The rest of the turn of a sender that is paused is taken up to twice the bounds. An empty buffer takes
        whatever comes, or a turn that is larger than that could never be sent.
        """
        agent = sender if isinstance(sender, Mailbox) else None
        if agent is not None and (gate := self._crowded.get(node)) is not None:
            gate.hold(agent)
        size = sum(map(len, frames))
        with self._lock:
            waiting = self.pending + len(frames)
            crowded = waiting > self._frames_max // 2 or self._bytes + size > self._bytes_max // 2
            self._gate.is_shut |= crowded
            slack = 2 if crowded and agent is not None and self._gate.hold(agent) else 1
            over = self._bytes + size > slack * self._bytes_max or waiting > slack * self._frames_max
            if (over and self._buffer) or self._loop.is_closed():
                return False
            self._buffer.append((node, lane_key, frames))
            self._bytes += size
            self.pending += len(frames)
            wake, self._awake = not self._awake, True
        if wake:
            self._loop.call_soon_threadsafe(self._flush)
        return True

    @property
    def held(self) -> Mapping[str, Gate]:
        """Return the receivers for whom mail is to be held; read it on any thread."""
        return self._held

    # -- who is to wait, all on the loop's thread -----------------------------------------------------------

    def handle_roomy(self, node: str) -> None:
        """Let those go on who wait because much was to be sent to a node."""
        gate = self._crowded.pop(node, None)
        if gate is not None:
            gate.open()

    def hold(self, address: str) -> None:
        """Pause whoever sends to a receiver: its node has asked for it, and repeats that while it lasts."""
        timer = self._holds.pop(address, None)
        if timer is not None:
            timer.cancel()
        elif len(self._holds) >= HELD_MAX:
            return
        else:
            self._held[address] = Gate(is_shut=True)
        self._holds[address] = self._loop.call_later(HOLD_S, self.go_on, address)

    def go_on(self, address: str) -> None:
        """Let those go on who wait for a receiver."""
        timer = self._holds.pop(address, None)
        if timer is not None:
            timer.cancel()
            self._held.pop(address).open()

    def _flush(self) -> None:
        """Give a share to the mesh and come back for the rest, so that the loop has time for others."""
        share = self._take_share()
        try:
            while share:
                self._give(*share.popleft())
        finally:  # a bug on the way costs the frames that met it, not those behind them
            with self._lock:
                self._buffer.extendleft(reversed(share))
                self._bytes += sum(len(frame) for _, _, frames in share for frame in frames)
                self._awake = bool(self._buffer)
                if self._awake:
                    self._loop.call_soon(self._flush)
                roomy = self.pending <= self._frames_max // 2 and self._bytes <= self._bytes_max // 2
            if roomy and self._gate.paused_senders:
                self._gate.open()

    def _take_share(self) -> deque[tuple[str, int, list[bytes]]]:
        """Remove about `TURN_FRAMES` of the oldest frames, neighbours for the same lane together."""
        share: deque[tuple[str, int, list[bytes]]] = deque()
        count = 0
        with self._lock:
            while self._buffer and count < TURN_FRAMES:
                node, lane_key, frames = self._buffer.popleft()
                count += len(frames)
                self._bytes -= sum(map(len, frames))
                if share and share[-1][0] == node and share[-1][1] == lane_key:
                    share[-1][2].extend(frames)
                else:
                    share.append((node, lane_key, list(frames)))
        return share

    def _give(self, node: str, lane_key: int, frames: list[bytes]) -> None:
        reason, detail, forwarded = None, "", 0
        try:
            if self._send(node, lane_key, frames) and node not in self._crowded:
                self._crowded[node] = Gate(is_shut=True)
            forwarded = len(frames)
        except ResourceLimit as err:
            reason, detail = FailureReason.BACKLOG_FULL, str(err)
        except CaxtonError as err:
            reason, detail = FailureReason.UNROUTABLE, str(err)
        finally:
            with self._lock:
                self.pending -= len(frames)
                self.forwarded += forwarded
        if reason is not None and self._refused is not None:
            self._refused(node, frames, reason, detail)
