"""What must not be lost when links come and go: the mail of one peer, lane by lane.

A session outlives its links. Envelopes are gathered in batches, a batch gets the next number of its lane, is
kept until the peer says it was handled, and is sent again on every new link until then. The peer drops
numbers that it has seen. So nothing is lost, nothing comes twice, and the order inside a lane holds, whether
a link broke, moved from QUIC to TCP, or was replaced.

Bounds: `batches_unacked_max` for each lane, `backlog_bytes_max` for the whole; what is over is refused at the
door.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence

from transport.chunks import split
from transport.errors import BacklogFull, MalformedFrame, TooLarge
from transport.frames import HEADER_BYTES, FrameType, encode_batch, encode_frame
from transport.packing import Packer
from transport.settings import Settings
from transport.window import SendWindow


class _Batch:
    """Envelopes under one number.

    Encoded anew for every link, since that is cheaper than keeping both forms.
    """

    __slots__ = ("envelopes", "held", "sequence")

    def __init__(self, sequence: int, envelopes: list[bytes], held: int) -> None:
        self.sequence = sequence
        self.envelopes = envelopes
        self.held = held


class _Lane:
    """One lane's mail.

    Waiting, then in numbered batches; `sent` of these have gone out on the present link, and of the next one
    perhaps some pieces.
    """

    __slots__ = (
        "_begun",
        "_index",
        "_piece",
        "_pieces",
        "batches",
        "cost",
        "next_sequence",
        "sent",
        "waiting",
    )

    def __init__(self, index: int) -> None:
        self.waiting: deque[tuple[list[bytes], int]] = deque()  # what was pushed together, and its bytes
        self.batches: deque[_Batch] = deque()
        self.sent = 0
        self.next_sequence = 1
        self._index = index
        self._begun: _Batch | None = None
        self._pieces: Iterator[bytes] = iter(())
        self._piece: bytes | None = None
        self.cost = 0  # what the next frame costs of the window

    def next_frame(self, settings: Settings, frame_bytes_max: int, packer: Packer | None) -> bytes | None:
        """Return the frame to send next without taking it; None when there is none."""
        if self._piece is None:
            batch = self._next_batch(settings.batch_bytes_max, settings.batches_unacked_max)
            if batch is None:
                return None
            self._begun = batch
            self._begin(encode_batch(batch.sequence, batch.envelopes), frame_bytes_max, packer)
        return self._piece

    def _begin(self, payload: bytes, frame_bytes_max: int, packer: Packer | None) -> None:
        packed = packer.pack(payload) if packer is not None and len(payload) <= frame_bytes_max else None
        if packed is not None:
            self._pieces = iter((encode_frame(FrameType.PACKED, self._index, packed),))
        else:
            self._pieces = split(FrameType.BATCH, self._index, payload, frame_bytes_max)
        self._piece = next(self._pieces)
        self.cost = len(self._piece) if packed is None else HEADER_BYTES + len(payload)

    def take_frame(self) -> None:
        """Take the frame that `next_frame` returned."""
        self._piece = next(self._pieces, None)
        self.cost = len(self._piece or b"")
        if self._piece is None:
            # One that the peer has from an earlier link may be acknowledged before its last piece is sent.
            is_held = self.sent < len(self.batches) and self.batches[self.sent] is self._begun
            self.sent += is_held
            self._begun = None

    def start_over(self) -> int:
        """Let every batch be sent again, on a new link; return how many had been sent."""
        sent, self.sent = self.sent, 0
        self._begun, self._pieces, self._piece = None, iter(()), None
        return sent

    def _next_batch(self, bytes_max: int, batches_max: int) -> _Batch | None:
        """Return the batch to send next, gathering a new one when all others are out.

        None when there is none.
        """
        if self.sent < len(self.batches):
            return self.batches[self.sent]
        if not self.waiting or len(self.batches) >= batches_max:
            return None
        envelopes, held = self.waiting.popleft()
        if held > bytes_max and len(envelopes) > 1:
            envelopes, held = self._split(envelopes, held, bytes_max)
        # whole pushes are joined without a look at each envelope: this is the hot path
        while self.waiting and held + self.waiting[0][1] <= bytes_max:
            more, size = self.waiting.popleft()
            envelopes += more
            held += size
        batch = _Batch(self.next_sequence, envelopes, held)
        self.next_sequence += 1
        self.batches.append(batch)
        return batch

    def _split(self, envelopes: list[bytes], held: int, bytes_max: int) -> tuple[list[bytes], int]:
        """Return the envelopes that fit a batch, at least one, and put the others back in front."""
        count, size = 1, len(envelopes[0])
        while count < len(envelopes) and size + len(envelopes[count]) <= bytes_max:
            size += len(envelopes[count])
            count += 1
        if count < len(envelopes):
            self.waiting.appendleft((envelopes[count:], held - size))
        return envelopes[:count], size

    def acknowledge(self, sequence: int) -> int:
        """Forget batches up to this number; return the bytes that they held."""
        if sequence >= self.next_sequence:
            raise MalformedFrame(f"batch {sequence} acknowledged where {self.next_sequence - 1} was the last")
        freed = 0
        while self.batches and self.batches[0].sequence <= sequence:
            freed += self.batches.popleft().held
            self.sent = max(0, self.sent - 1)
        return freed

    def first(self) -> int:
        """Return the lowest number that may still be sent."""
        return self.batches[0].sequence if self.batches else self.next_sequence


class Session:
    """The mail for one peer.

    Args:
        number: Higher than that of any earlier session with this peer in the life of this process.
        settings: Bounds.
    """

    def __init__(self, number: int, settings: Settings) -> None:
        self.number = number
        self.resent = 0
        self._settings = settings
        self._lanes = [_Lane(index) for index in range(settings.lanes)]
        self._turn = 0
        self._held = 0

    @property
    def held_bytes(self) -> int:
        """Return the bytes of all envelopes that the peer has not acknowledged."""
        return self._held

    @property
    def is_crowded(self) -> bool:
        """Say whether senders should wait until the peer has taken some of this."""
        return self._held >= self._settings.crowded_bytes

    @property
    def is_roomy(self) -> bool:
        """Say whether senders that wait may go on."""
        return self._held <= self._settings.crowded_bytes // 2

    @property
    def unacked(self) -> int:
        """Return how many batches the peer has not acknowledged."""
        return sum(len(lane.batches) for lane in self._lanes)

    @property
    def has_mail(self) -> bool:
        """Say whether anything is waiting or unacknowledged."""
        return any(lane.waiting or lane.batches for lane in self._lanes)

    def push(self, lane_key: int, envelopes: Sequence[bytes]) -> None:
        """Take envelopes for a lane, all or none.

        Args:
            lane_key: Any number; equal keys share a lane and keep their order.
            envelopes: Opaque bytes.

        Raises:
            BacklogFull: The bound would be passed; nothing was taken.
            TooLarge: One envelope is over its limit; nothing was taken.
        """
        size = sum(map(len, envelopes))
        if self._held + size > self._settings.backlog_bytes_max:
            raise BacklogFull(f"{self._held} bytes are waiting for this peer already")
        if size > self._settings.envelope_bytes_max:  # only then can a single one be
            largest = max(map(len, envelopes))
            if largest > self._settings.envelope_bytes_max:
                raise TooLarge(
                    f"an envelope of {largest} bytes; the limit is {self._settings.envelope_bytes_max}"
                )
        self._lanes[lane_key % len(self._lanes)].waiting.append((list(envelopes), size))
        self._held += size

    def take_frames(
        self, window: SendWindow, frame_bytes_max: int, packer: Packer | None = None
    ) -> dict[int, list[bytes]]:
        """Return what may be sent now, by lane, in the order in which it must go.

        Lanes take turns, one frame each: a full lane does not starve the others of credit, and a large batch
        goes in pieces between which the others pass.
        """
        settings, lanes = self._settings, self._lanes
        frames: dict[int, list[bytes]] = {}
        open_lanes = [(self._turn + step) % len(lanes) for step in range(len(lanes))]
        self._turn = (self._turn + 1) % len(lanes)
        while open_lanes:
            still_open = []
            for index in open_lanes:
                lane = lanes[index]
                frame = lane.next_frame(settings, frame_bytes_max, packer)
                if frame is None or not window.allows(lane.cost):
                    continue
                window.spend(lane.cost)
                lane.take_frame()
                frames.setdefault(index, []).append(frame)
                still_open.append(index)
            open_lanes = still_open
        return frames

    def acknowledge(self, sequences: Sequence[int]) -> None:
        """Forget what the peer has handled.

        Raises:
            MalformedFrame: It speaks of lanes or batches that never were; nothing was forgotten beyond those
                before.
        """
        if len(sequences) != len(self._lanes):
            raise MalformedFrame(f"{len(sequences)} lanes acknowledged where there are {len(self._lanes)}")
        for lane, sequence in zip(self._lanes, sequences, strict=True):
            self._held -= lane.acknowledge(sequence)

    def begin_link(self, received: Sequence[int] | None) -> None:
        """Start over on a new link: what the peer has not received is sent again.

        Args:
            received: The last number received on each lane, None when the peer knows nothing of this session.
        """
        if received is not None:
            self.acknowledge(received)
        self.resent += sum(lane.start_over() for lane in self._lanes)

    def first_sequences(self) -> list[int]:
        """Return for each lane the lowest number that may still be sent.

        Where a peer without memory begins.
        """
        return [lane.first() for lane in self._lanes]

    def take_undelivered(self) -> list[bytes]:
        """Return everything that the peer has not acknowledged, lane by lane in order, and forget it."""
        envelopes: list[bytes] = []
        for lane in self._lanes:
            for batch in lane.batches:
                envelopes.extend(batch.envelopes)
            for pushed, _ in lane.waiting:
                envelopes.extend(pushed)
        self._lanes = [_Lane(index) for index in range(len(self._lanes))]
        self._held = 0
        return envelopes


class Inbound:
    """What was received of one session of a peer.

    Args:
        epoch: The peer's boot counter.
        session: The number of its session.
        first: Where each lane begins, for a receiver that knows nothing of it.
    """

    __slots__ = ("epoch", "received", "session")

    def __init__(self, epoch: int, session: int, first: Sequence[int]) -> None:
        self.epoch = epoch
        self.session = session
        self.received = [sequence - 1 for sequence in first]

    def accept(self, lane: int, sequence: int) -> bool:
        """Say whether a batch is new; count it as received when it is.

        Raises:
            MalformedFrame: There is no such lane, or batches before this one never came.
        """
        if lane >= len(self.received):
            raise MalformedFrame(f"a batch on lane {lane} of {len(self.received)}")
        expected = self.received[lane] + 1
        if sequence > expected:
            raise MalformedFrame(f"batch {sequence} on lane {lane} where {expected} was due")
        if sequence < expected:
            return False
        self.received[lane] = sequence
        return True
