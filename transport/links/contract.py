"""What every kind of link does, and what it asks of who uses it.

The consumers are the dialer and the connections.
"""

from __future__ import annotations

import logging
from typing import NamedTuple, Protocol

from transport.decoder import FrameDecoder
from transport.errors import LinkFailed, MalformedFrame, PeerRefused
from transport.faults import EndReason
from transport.frames import Frame, FrameType
from transport.identity import Identity
from transport.messages import decode_farewell
from transport.tls import TlsState

Address = tuple[str, int]

CONTROL = 0
REQUESTS = 1
FIRST_LANE = 2  # channel of lane 0; lane n has channel FIRST_LANE + n

log = logging.getLogger("transport")


class Receiver(Protocol):
    """Who is told what happens on a link; it may change while the link lives."""

    def handle_frame(self, link: Link, frame: Frame) -> None:
        """Take one frame; frames of one channel come in order.

        Raises:
            MalformedFrame: The frame breaks the protocol; the link is then closed.
        """
        ...

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:
        """Learn that the link has ended, whoever ended it.

        Called exactly once, and nothing comes after it.
        """
        ...


class Path(NamedTuple):
    """What a link's own protocol has measured since the link began.

    Attributes:
        rtt_s: Smoothed round trip, None when it has none.
        sent_packets: Packets that count for loss.
        lost_packets: Those of them that were taken for lost and sent again.
    """

    rtt_s: float | None
    sent_packets: int
    lost_packets: int


class Link(Protocol):
    """A proved, encrypted, ordered path to one peer.

    Attributes:
        kind: `quic`, `tcp` or `memory`.
        remote: Where the other end is.
        identity: Who the other end is; proved by its certificate before the link is handed out.
        receiver: Who is told. Set it before the next turn of the loop.
        bytes_in: Bytes of frames received.
        bytes_out: Bytes of frames sent.
        closed: Whether it has ended.
        ended: Why, with details, once it has.
    """

    kind: str
    remote: Address
    identity: Identity
    receiver: Receiver
    bytes_in: int
    bytes_out: int
    closed: bool
    ended: tuple[EndReason, str] | None

    def write(self, channel: int, data: bytes) -> None:
        """Send whole frames; order holds within a channel. After the end it does nothing."""
        ...

    def close(self, reason: EndReason, detail: str = "") -> None:
        """End the link and tell the other side why. What was written before may or may not arrive."""
        ...

    def path(self) -> Path:
        """Return what its own protocol has measured; after the end, what it had measured last or nothing."""
        ...

    def abort(self, reason: EndReason = EndReason.LOST, detail: str = "") -> None:
        """End the link without a word, as if the cable were cut."""
        ...

    def hang_up(self, reason: EndReason, detail: str) -> None:
        """End the link because the other side has said farewell."""
        ...


class Acceptor(Protocol):
    """Who is told of links that others dial."""

    def handle_accepted(self, link: Link) -> None:
        """Take a link whose other end is proved; set its receiver before returning."""
        ...

    def handle_refused(self, source: Address, error: PeerRefused | LinkFailed) -> None:
        """Learn that someone spoke to us and did not get as far as a link."""
        ...


class Carrier(Protocol):
    """Makes links of one kind."""

    kind: str

    async def dial(self, node_id: str, address: Address) -> Link:
        """Make a link to a node and prove that it is that node; cancelling leaves nothing behind.

        Raises:
            PeerRefused: One side refused the other's certificate.
            LinkFailed: Nothing answered, or it ended before it was proved.
        """
        ...

    def use(self, state: TlsState) -> None:
        """Use other credentials for links from now on."""
        ...

    async def close(self) -> None:
        """Stop accepting, let farewells that are on their way go out, then cut what is left."""
        ...


class Silence:
    """The receiver of a link that nobody listens to any more, or not yet."""

    def handle_frame(self, link: Link, frame: Frame) -> None:
        """Drop the frame."""

    def handle_closed(self, link: Link, reason: EndReason, detail: str) -> None:
        """Take no notice."""


NOBODY = Silence()


def deliver(link: Link, decoder: FrameDecoder, data: bytes) -> None:
    """Decode bytes that came on a link and hand the frames to its receiver, whatever may go wrong there.

    An error in the middle of a stream leaves it without a frame boundary, so every one of them ends the link:
    the peer's as a protocol error, our own as an internal one, which is logged here with its traceback.
    """
    link.bytes_in += len(data)
    try:
        for frame in decoder.feed(data):
            if link.closed:
                return
            if frame.type == FrameType.GOAWAY:
                link.hang_up(*decode_farewell(frame.payload))
                return
            link.receiver.handle_frame(link, frame)
    except MalformedFrame as err:
        link.close(EndReason.PROTOCOL, str(err))
    except Exception:  # the link must end, or its stream would go on without a frame boundary
        log.exception("a frame from %s could not be handled", link.identity.node_id)
        link.close(EndReason.INTERNAL)


def end_once(link: Link, reason: EndReason, detail: str) -> None:
    """Mark a link as ended and tell its receiver; the second and later ends are dropped."""
    if link.closed:
        return
    link.closed = True
    link.ended = (reason, detail)
    receiver, link.receiver = link.receiver, NOBODY
    receiver.handle_closed(link, reason, detail)


def check_up(link: Link) -> Link:
    """Return a link that was just proved, if it is still up.

    For the dialler TLS is complete before the other side has judged it, so a refusal can come with the very
    datagram that completes it, before anybody listens.

    Raises:
        PeerRefused: The other side has refused us in the meantime.
        LinkFailed: It has ended in the meantime.
    """
    if link.ended is None:
        return link
    reason, detail = link.ended
    raise PeerRefused(reason, detail, by_peer=True) if reason.is_refusal else LinkFailed(reason, detail)
