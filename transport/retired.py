"""A link that another has replaced: what was asked on it is answered on it, then it is closed.

A request belongs to the link on which it went out and is never sent twice. So the switch to another link
must not end the old one at once: questions and answers that are under way finish there, while mail and new
questions take the new link. Mail that still comes on the old one is dropped; its sender has been told what
had arrived and sends the rest on the new one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from transport.errors import MalformedFrame
from transport.faults import EndReason
from transport.frames import (
    LANES_MAX,
    Credit,
    Frame,
    FrameType,
    decode_credit,
    encode_credit,
)
from transport.line import Line
from transport.links.contract import CONTROL, REQUESTS, Link
from transport.requests import Requests
from transport.session import Inbound

_QUIET_S = 1.0  # a question that was on its way when the link was replaced arrives in this time
_SILENT_S = 4.0
_AGE_MAX_S = 120.0


class RetiredLine:
    """The receiver of a replaced link.

    Args:
        line: The link, with its windows.
        requests: What was asked on it, by either side.
        inbound: What was received of the peer's mail.
        on_end: Is called once, when the link has ended.
    """

    def __init__(
        self, line: Line, requests: Requests, inbound: Inbound, on_end: Callable[[RetiredLine], None]
    ) -> None:
        self.line = line
        self.requests = requests
        self._inbound = inbound
        self._on_end = on_end
        self._loop = asyncio.get_running_loop()
        self._since = self._used_at = self._loop.time()
        self._flush_due = False
        line.link.receiver = self
        requests.stir = self.stir
        self.stir()

    def stir(self) -> None:
        """Send what waits, at the end of this turn of the loop."""
        if not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def tick(self, now: float) -> None:
        """Close the link when nothing is left to be said, or nobody speaks any more."""
        line = self.line
        is_done = not self.requests.busy and not self.requests.queue.held_bytes
        if (is_done and now - self._used_at >= _QUIET_S) or now - self._since >= _AGE_MAX_S:
            self.end()
        elif now - line.heard_at >= _SILENT_S:
            self.end("nothing heard on it")
        elif now - line.heard_at >= _QUIET_S and now - line.pinged_at >= _QUIET_S:
            line.ping(now)

    def end(self, detail: str = "") -> None:
        """Close the link now."""
        self.line.link.close(EndReason.REPLACED, detail)

    # what the link tells

    def handle_frame(self, link: Link, frame: Frame) -> None:  # noqa: ARG002 - it has one link
        """Take one frame; mail is dropped."""
        now = self.line.heard_at = self._loop.time()
        if frame.type == FrameType.CREDIT:
            self.line.bulk_window.extend(decode_credit(frame.payload).bulk_bytes)
            self.stir()
        elif frame.type == FrameType.PING:
            self.line.pong(frame.payload)
        elif frame.type in {FrameType.HELLO, FrameType.WELCOME}:
            raise MalformedFrame("a greeting on a link that is up")
        elif frame.type != FrameType.PONG and frame.lane >= LANES_MAX:
            self._used_at = now
            self._take_bulk(frame)

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:  # noqa: ARG002 - it has one link
        """Tell those who still wait for an answer."""
        self.requests.end_link(reason, detail)
        self._on_end(self)

    # inside

    def _take_bulk(self, frame: Frame) -> None:
        self.line.admit(frame, 0)
        whole = self.line.assembler.join(frame)
        if whole is not None and whole.type == FrameType.REQUEST:
            self.requests.handle_request(whole.payload)
        elif whole is not None:
            self.requests.handle_response(whole.payload)
        if self.line.is_credit_due(frame):
            self._send_credit()

    def _send_credit(self) -> None:
        line = self.line
        credit = Credit(
            line.received_batches.grant(), line.received_bulk.grant(), tuple(self._inbound.received)
        )
        line.link.write(CONTROL, encode_credit(credit))

    def _flush(self) -> None:
        self._flush_due = False
        frames = self.requests.queue.take_frames(self.line.bulk_window)
        if frames:
            self._used_at = self._loop.time()
            self.line.link.write(REQUESTS, b"".join(frames))
