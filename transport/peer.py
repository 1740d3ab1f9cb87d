"""A node that we talk to: its mail, its requests, and the link that is up at the moment, if one is."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from transport.errors import MalformedFrame
from transport.faults import EndReason
from transport.frames import (
    Credit,
    Frame,
    FrameType,
    decode_batch,
    decode_credit,
    decode_number,
    encode_credit,
)
from transport.handler import Address, Handler
from transport.line import Line
from transport.links.contract import CONTROL, FIRST_LANE, REQUESTS, Link
from transport.messages import Greeting
from transport.packing import unpack
from transport.pinging import is_ping_due
from transport.requests import Requests
from transport.retired import RetiredLine
from transport.session import Inbound, Session
from transport.settings import Settings
from transport.status import Stats
from transport.window import ReceiveWindow

_CREDIT_BATCHES = 16
_RETIRED_MAX = 2

log = logging.getLogger("transport")


class PeerOwner(Protocol):
    """Who makes links for peers."""

    def handle_needs_link(self, peer: Peer) -> None:
        """Learn that a peer has something to send and no link; may come often."""
        ...

    def handle_link_down(self, peer: Peer, reason: EndReason) -> None:
        """Learn that a peer's link has ended."""
        ...


class Peer:
    """Sends and receives for one node, over whatever link is up; a `Receiver` of that link.

    Args:
        node_id: The node.
        session: Its mail.
        owner: Makes links.
        handler: Takes what the peer sends.
        settings: Bounds and delays.
        stats: Counters.
    """

    def __init__(
        self,
        node_id: str,
        session: Session,
        owner: PeerOwner,
        *,
        handler: Handler,
        settings: Settings,
        stats: Stats,
    ) -> None:
        self.node_id = node_id
        self.session = session
        self.address: Address | None = None
        self.line: Line | None = None
        self.retired: list[RetiredLine] = []
        self.clock_skew_s: float | None = None
        self.last_failure = ""
        self.requests = Requests(node_id, handler, settings, stats, self.stir)
        self._inbound: Inbound | None = None
        self._owner = owner
        self._handler = handler
        self._settings = settings
        self._stats = stats
        self._loop = asyncio.get_running_loop()
        self._flush_due = False
        self._credit_timer: asyncio.TimerHandle | None = None
        self._past_bytes = (0, 0)
        self._kept = 0
        self._was_crowded = False

    @property
    def granted_bytes(self) -> int:
        """Return what a new link may carry before more is granted: less while much is kept unhandled."""
        settings = self._settings
        return ReceiveWindow(settings.window_bytes, settings.kept_bytes_max, self._kept).granted

    @property
    def wants_link(self) -> bool:
        """Say whether a link is worth dialling for."""
        return self.session.has_mail or self.requests.busy

    @property
    def byte_counts(self) -> tuple[int, int]:
        """Return bytes (in, out) over all links so far."""
        come, gone = self._past_bytes
        for line in (self.line, *(each.line for each in self.retired)):
            if line is not None:
                come, gone = come + line.link.bytes_in, gone + line.link.bytes_out
        return come, gone

    def send(self, lane_key: int, envelopes: Sequence[bytes]) -> bool:
        """Take envelopes, all or none.

        Returns:
            Whether so much waits that senders should wait until the handler hears `handle_roomy`.

        Raises:
            BacklogFull: The bound would be passed; nothing was taken.
            TooLarge: One envelope is over its limit; nothing was taken.
        """
        self.session.push(lane_key, envelopes)
        self.stir()
        self._was_crowded = self._was_crowded or self.session.is_crowded
        return self._was_crowded

    def stir(self) -> None:
        """See to it that what waits is sent: at the end of this turn of the loop, or once there is a link."""
        if self.line is None:
            self._owner.handle_needs_link(self)
        elif not self._flush_due:
            self._flush_due = True
            self._loop.call_soon(self._flush)

    def release(self, size: int) -> None:
        """Count kept bytes as handled; the peer learns of it soon."""
        self._kept = max(0, self._kept - size)
        if self.line is not None:
            self.line.received_batches.release(size)
            if self.line.received_batches.is_worth_telling:
                self._send_credit()

    def attach(self, link: Link, theirs: Greeting, ours: Greeting, inbound: Inbound) -> None:
        """Use a link from now on; what the peer has not received is sent again.

        Args:
            link: Proved and greeted; it belongs to this peer until it ends.
            theirs: The peer's greeting.
            ours: Our greeting on this link.
            inbound: What was received of the session that the greeting names.
        """
        assert self.line is None
        self.line = Line(link, theirs, ours, self._settings, now=self._loop.time(), kept=self._kept)
        self._inbound = inbound
        link.receiver = self
        resent = self.session.resent
        self.session.begin_link(theirs.received)
        self._stats.batches_resent += self.session.resent - resent
        self._stats.links_up += 1
        self._handler.handle_link(self.node_id, "up", link.kind, "")
        self.stir()
        self._tell_roomy()  # the greeting may have freed everything, and then no credit will come
        if self.line is not None and self.line.received_batches.is_worth_telling:
            self._send_credit()  # much was handled since our greeting; a peer without credit cannot stir us

    def retire_line(self) -> None:
        """Make way for another link: what was asked on the present one is still answered there."""
        line, inbound = self.line, self._inbound
        assert line is not None
        assert inbound is not None
        if len(self.retired) >= _RETIRED_MAX:
            self.retired[0].end("replaced again")
        requests = self.requests
        self.requests = Requests(self.node_id, self._handler, self._settings, self._stats, self.stir)
        self._put_line_away(line, EndReason.REPLACED)
        self.retired.append(RetiredLine(line, requests, inbound, self._bury))

    def end_link(self, reason: EndReason, detail: str = "") -> None:
        """Close the link, if one is up, and tell everyone who waits for it."""
        for retired in list(self.retired):
            retired.end(detail)
        if self.line is not None:
            link = self.line.link
            try:
                if self.line.unreported:
                    self._send_credit()  # or what we have handled would be sent to us again
            except Exception:  # a bug there must not keep a link up that has to end
                log.exception("the last credit for %s could not be sent", self.node_id)
            link.close(reason, detail)  # comes back in handle_closed
        else:
            self.requests.end_link(reason, detail)

    async def close(self, reason: EndReason) -> None:
        """End every link and stop working on answers."""
        working = [self.requests, *(retired.requests for retired in self.retired)]
        self.end_link(reason)
        for requests in working:
            await requests.close()

    # what the link tells

    def handle_frame(self, link: Link, frame: Frame) -> None:
        """Take one frame."""
        line, now = self.line, self._loop.time()
        assert line is not None
        assert line.link is link
        line.heard_at = now
        kind = frame.type
        if kind == FrameType.CREDIT:
            self._take_credit(line, decode_credit(frame.payload))
        elif kind == FrameType.PING:
            line.pong(frame.payload)
        elif kind == FrameType.PONG:
            line.measure(decode_number(frame.payload), now)
        elif kind in {FrameType.HELLO, FrameType.WELCOME}:
            raise MalformedFrame("a greeting on a link that is up")
        else:
            line.used_at = now
            self._take_content(line, frame)

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:
        """Put the link away."""
        assert self.line is not None
        for retired in list(self.retired):
            retired.end(detail)
        self._count_past(link)
        self.last_failure = reason.sentence + (f" ({detail})" if detail else "")
        self._put_line_away(self.line, reason)
        self.requests.end_link(reason, detail)
        self._owner.handle_link_down(self, reason)

    # what the clock brings

    def tick(self, now: float, wall_clock: datetime) -> None:
        """Ping, and end a link that is silent, unused, or whose peer's certificate has run out."""
        for retired in list(self.retired):
            retired.tick(now)
        line = self.line
        if line is None:
            return
        settings = self._settings
        if now - line.heard_at > settings.silence_timeout_s:
            self.end_link(EndReason.SILENT, f"nothing heard for {settings.silence_timeout_s:g} s")
        elif wall_clock > line.link.identity.not_after:
            self.end_link(EndReason.EXPIRED)
        elif now - line.used_at > settings.idle_close_s and not self.wants_link:
            self.end_link(EndReason.IDLE)
        elif is_ping_due(
            settings,
            now=now,
            heard_at=line.heard_at,
            pinged_at=line.pinged_at,
            is_awaited=self.wants_link,
        ):
            line.ping(now)

    # inside

    def _put_line_away(self, line: Line, reason: EndReason) -> None:
        self.line = None
        if self._credit_timer is not None:
            self._credit_timer.cancel()
            self._credit_timer = None
        self._stats.links_down[reason] += 1
        self._handler.handle_link(self.node_id, "down", line.link.kind, reason.value)

    def _count_past(self, link: Link) -> None:
        come, gone = self._past_bytes
        self._past_bytes = (come + link.bytes_in, gone + link.bytes_out)

    def _bury(self, retired: RetiredLine) -> None:
        self.retired.remove(retired)
        self._count_past(retired.line.link)

    def _flush(self) -> None:
        self._flush_due = False
        line = self.line
        if line is None:
            return
        mail = self.session.take_frames(line.batch_window, line.frame_bytes_max, line.packer)
        for lane, frames in mail.items():
            line.link.write(FIRST_LANE + lane, frames[0] if len(frames) == 1 else b"".join(frames))
        bulk = self.requests.queue.take_frames(line.bulk_window)
        if bulk:
            line.link.write(REQUESTS, b"".join(bulk))
        if mail or bulk:
            line.used_at = self._loop.time()

    def _take_content(self, line: Line, frame: Frame) -> None:
        if frame.type == FrameType.PACKED:
            frame = unpack(frame)
        assert self._inbound is not None
        line.admit(frame, len(self._inbound.received))
        whole = line.assembler.join(frame)
        if whole is not None:
            if whole.type == FrameType.BATCH:
                line.received_batches.keep(self._take_batch(whole))
                line.unreported += 1
            elif whole.type == FrameType.REQUEST:
                self.requests.handle_request(whole.payload)
            else:
                self.requests.handle_response(whole.payload)
        if line is not self.line:
            return  # the handler has ended the link
        if line.is_credit_due(frame) or line.unreported >= _CREDIT_BATCHES:
            self._send_credit()
        elif self._credit_timer is None:
            self._credit_timer = self._loop.call_later(self._settings.credit_delay_s, self._send_late_credit)

    def _take_batch(self, frame: Frame) -> int:
        """Hand a batch over unless it was before; return how many bytes of it are kept unhandled."""
        sequence, envelopes = decode_batch(frame.payload)
        assert self._inbound is not None
        if not self._inbound.accept(frame.lane, sequence):
            self._stats.batches_repeated += 1
            return 0
        kept = 0
        try:
            kept = self._handler.handle_batch(self.node_id, frame.lane, envelopes) or 0
        except Exception:  # a bug in the handler; sending the same batch again would only meet it again
            log.exception("a batch from %s could not be handled", self.node_id)
            self._stats.handler_errors += 1
        self._kept += kept
        return kept

    def _take_credit(self, line: Line, credit: Credit) -> None:
        line.batch_window.extend(credit.batch_bytes)
        line.bulk_window.extend(credit.bulk_bytes)
        self.session.acknowledge(credit.sequences)
        self.stir()
        self._tell_roomy()

    def _tell_roomy(self) -> None:
        if self._was_crowded and self.session.is_roomy:
            self._was_crowded = False
            self._handler.handle_roomy(self.node_id)

    def _send_late_credit(self) -> None:
        self._credit_timer = None
        self._send_credit()

    def _send_credit(self) -> None:
        line, inbound = self.line, self._inbound
        if line is not None and inbound is not None:
            line.unreported = 0
            line.link.write(
                CONTROL,
                encode_credit(
                    Credit(
                        line.received_batches.grant(),
                        line.received_bulk.grant(),
                        tuple(inbound.received),
                    )
                ),
            )
