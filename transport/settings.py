"""Every bound and every delay of the mesh, in one frozen value."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from transport.choice import Limits

KIB = 1024
MIB = 1024 * KIB
FRAME_BYTES_MIN = 128 * KIB  # what every node must accept, so that pieces fit without asking


class TransportChoice(StrEnum):
    """Which kinds of link may be made; links that peers dial are accepted of either kind."""

    AUTO = "auto"
    QUIC = "quic"
    TCP = "tcp"


class Profile(StrEnum):
    """What network lies between the nodes."""

    LAN = "lan"
    WAN = "wan"


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """How the mesh behaves; the defaults suit one site.

    Attributes:
        transport: `auto` races QUIC and TLS over TCP and remembers the winner.
        profile: `lan` sends without pacing and with a floor under the congestion window, for networks of
            one's own; `wan` paces and backs off like any other stream on a shared path.
        lanes: Streams for batches in each direction, 1 to 16; order holds inside a lane.
        batch_bytes_max: Size at which a batch is closed and the next begun.
        batches_unacked_max: Batches of one lane that may wait for their acknowledgement.
        window_bytes: Bytes of batches that a peer may be ahead of us on a link.
        kept_bytes_max: Bytes of batches of one peer that may be kept unhandled, over all links; at that a
            peer may send nothing more.
        compresses: Whether batches are compressed where that makes them a fifth smaller.
        crowded_bytes: Undelivered bytes for one peer at which senders should wait; half of it, and they may
            go on.
        bulk_window_bytes: The window of requests and answers; small, so that batches never wait long behind
            them.
        chunk_bytes: Size of the pieces in which large requests and answers travel.
        frame_bytes_max: Largest frame that is accepted.
        envelope_bytes_max: Largest single envelope.
        request_bytes_max: Largest request or answer.
        requests_concurrent_max: Requests of one peer that are worked on at the same time; more are refused.
        backlog_bytes_max: Undelivered bytes kept for one peer; more are refused.
        handshake_timeout_s: From the first packet to WELCOME.
        handshakes_max: Links of strangers that may be in their handshake at the same time.
        race_delay_s: How long the favoured transport runs alone before the other starts, in `auto`.
        remember_s: How long the winner of a race is remembered for a peer.
        ping_interval_s: A link that somebody waits for is pinged after so much silence.
        silence_timeout_s: A link on which nothing was heard for so long is given up.
        idle_close_s: A link without batches and requests for so long is closed.
        renew_spread_s: When this node's certificate was renewed, its links are made anew within this time.
        limits: When `auto` moves a link to the other kind.
        credit_delay_s: How long an acknowledgement may wait for company.
        redial_min_s: First pause before dialling again while there is undelivered mail.
        redial_max_s: Longest such pause.
        datagram_bytes: Size of QUIC datagrams; None chooses by profile and address.
        socket_buffer_bytes: Asked of the kernel for the UDP socket.
    """

    transport: TransportChoice = TransportChoice.AUTO
    profile: Profile = Profile.LAN
    lanes: int = 4
    batch_bytes_max: int = 64 * KIB
    batches_unacked_max: int = 64
    window_bytes: int = MIB
    kept_bytes_max: int = 4 * MIB
    compresses: bool = False
    crowded_bytes: int = 2 * MIB
    bulk_window_bytes: int = 256 * KIB
    chunk_bytes: int = 64 * KIB
    frame_bytes_max: int = MIB
    envelope_bytes_max: int = 16 * MIB
    request_bytes_max: int = 64 * MIB
    requests_concurrent_max: int = 64
    backlog_bytes_max: int = 64 * MIB
    handshake_timeout_s: float = 3.0
    handshakes_max: int = 256
    race_delay_s: float = 0.25
    remember_s: float = 300.0
    ping_interval_s: float = 2.0
    silence_timeout_s: float = 10.0
    idle_close_s: float = 120.0
    renew_spread_s: float = 60.0
    limits: Limits = field(default_factory=Limits)
    credit_delay_s: float = 0.02
    redial_min_s: float = 0.1
    redial_max_s: float = 10.0
    datagram_bytes: int | None = None
    socket_buffer_bytes: int = 4 * MIB

    def __post_init__(self) -> None:
        # configuration hands over plain words; a wrong one is a ValueError here
        object.__setattr__(self, "transport", TransportChoice(self.transport))
        object.__setattr__(self, "profile", Profile(self.profile))
        if not 1 <= self.lanes <= 16:
            raise ValueError(f"lanes must be 1 to 16, not {self.lanes}")
        if not KIB <= self.chunk_bytes <= FRAME_BYTES_MIN // 2:
            raise ValueError(f"chunk_bytes must be {KIB} to {FRAME_BYTES_MIN // 2}, not {self.chunk_bytes}")
        if self.frame_bytes_max < FRAME_BYTES_MIN:
            raise ValueError(
                f"frame_bytes_max must be at least {FRAME_BYTES_MIN}, not {self.frame_bytes_max}"
            )
        if min(self.window_bytes, self.bulk_window_bytes, self.kept_bytes_max) < FRAME_BYTES_MIN:
            raise ValueError(f"windows must be at least {FRAME_BYTES_MIN}, or a frame could wait for ever")
        if self.datagram_bytes is not None and not 1200 <= self.datagram_bytes <= 65000:
            raise ValueError(f"datagram_bytes must be 1200 to 65000, not {self.datagram_bytes}")
