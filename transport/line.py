"""One link that is up, with what belongs to it alone.

Windows, unfinished pieces, pings. It dies with the link.
"""

from __future__ import annotations

from transport.chunks import Assembler
from transport.frames import (
    CONTROL_LANE,
    HEADER_BYTES,
    LANES_MAX,
    Frame,
    FrameType,
    check_lane,
    encode_frame,
    encode_number,
)
from transport.links.contract import CONTROL, Link
from transport.messages import Greeting
from transport.packing import Packer
from transport.settings import FRAME_BYTES_MIN, KIB, Settings
from transport.window import ReceiveWindow, SendWindow

_TABLE_SLACK = 64 * KIB  # a payload is its envelopes and a table; the limit speaks of the envelopes


class Line:
    """What two nodes agreed on for one link, and how far they are.

    Args:
        link: The link; it is up.
        theirs: The peer's greeting: what we may send.
        ours: Our greeting: what the peer may send before it is granted more.
        settings: Our own bounds: what the peer may send.
        now: The present, monotonic seconds.
        kept: Bytes of this peer's batches that are kept unhandled.
    """

    __slots__ = (
        "assembler",
        "batch_window",
        "bulk_window",
        "frame_bytes_max",
        "heard_at",
        "link",
        "packer",
        "pinged_at",
        "pings_unanswered",
        "received_batches",
        "received_bulk",
        "rtt_s",
        "unreported",
        "used_at",
    )

    def __init__(
        self, link: Link, theirs: Greeting, ours: Greeting, settings: Settings, *, now: float, kept: int
    ) -> None:
        self.link = link
        granted = theirs.window_bytes if theirs.granted_bytes is None else theirs.granted_bytes
        self.batch_window = SendWindow(granted)
        self.bulk_window = SendWindow(theirs.bulk_window_bytes)
        self.frame_bytes_max = FRAME_BYTES_MIN - HEADER_BYTES  # so that others pass between large ones
        self.packer = Packer() if settings.compresses and theirs.unpacks else None
        self.received_batches = ReceiveWindow(
            settings.window_bytes, settings.kept_bytes_max, kept, ours.granted_bytes
        )
        self.received_bulk = ReceiveWindow(settings.bulk_window_bytes, settings.bulk_window_bytes)
        self.assembler = Assembler(
            settings.envelope_bytes_max + _TABLE_SLACK, settings.request_bytes_max + _TABLE_SLACK
        )
        self.heard_at = self.used_at = self.pinged_at = now
        self.rtt_s: float | None = None
        self.pings_unanswered = 0
        self.unreported = 0

    def admit(self, frame: Frame, lanes: int) -> None:
        """Count a frame with content, unpacked, before anything of it is kept.

        Args:
            frame: As it came.
            lanes: How many lanes for batches the peer has.

        Raises:
            MalformedFrame: It is on a lane where it cannot be, or is more than was granted.
        """
        check_lane(frame, lanes)
        self._window(frame).receive(frame.size)

    def is_credit_due(self, frame: Frame) -> bool:
        """Say whether the peer should get more credit now for frames like this one."""
        return self._window(frame).is_worth_telling

    def _window(self, frame: Frame) -> ReceiveWindow:
        return self.received_batches if frame.lane < LANES_MAX else self.received_bulk

    def ping(self, now: float) -> None:
        """Ask the peer for a sign of life; the number is the time, so the answer tells the round trip."""
        self.pings_unanswered = self.pings_unanswered + 1 if self.heard_at < self.pinged_at else 1
        self.pinged_at = now
        self.link.write(CONTROL, encode_number(FrameType.PING, int(now * 1e6)))

    def pong(self, payload: bytes) -> None:
        """Return a ping as it came."""
        self.link.write(CONTROL, encode_frame(FrameType.PONG, CONTROL_LANE, payload))

    def measure(self, number: int, now: float) -> None:
        """Take an answer to the last ping; answers to others, or to none, are dropped."""
        if number == int(self.pinged_at * 1e6):
            self.rtt_s = now - self.pinged_at
