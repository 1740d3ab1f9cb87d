"""What the mesh can say about itself: one value per peer, and counters."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from transport.faults import EndReason

Address = tuple[str, int]


class PeerState(StrEnum):
    """How things stand with a peer."""

    IDLE = "idle"
    DIALLING = "dialling"
    WAITING = "waiting"
    UP = "up"


@dataclass(frozen=True, slots=True)
class PeerStatus:
    """One peer, seen at one moment.

    Attributes:
        node_id: The peer.
        address: Where it is dialled; None when only it dials us.
        state: `waiting` means that a dial failed and the next one is due later.
        kind: Of the link that is up, else empty.
        rtt_ms: Last measured round trip, None before the first.
        bytes_in: Over the life of this process.
        bytes_out: Over the life of this process.
        backlog_bytes: Envelopes that the peer has not acknowledged.
        last_failure: Why the last link ended or the last dial failed; empty when nothing ever did.
        why: Why the link is of its kind, in words.
        loss: Share of our packets lost lately, None when too few were sent to tell.
        in_per_s: Bytes per second in the last period.
        out_per_s: Bytes per second in the last period.
        unacked_batches: Batches that the peer has not acknowledged.
        resent_batches: Batches that were sent again on another link.
        clock_skew_s: By how much the peer's clock is ahead of ours, as its last greeting showed; None before.
        certificate_ends: When the certificate that the peer has shown runs out.
    """

    node_id: str
    address: Address | None
    state: PeerState
    kind: str
    rtt_ms: float | None
    bytes_in: int
    bytes_out: int
    backlog_bytes: int
    last_failure: str
    why: str = ""
    loss: float | None = None
    in_per_s: float = 0.0
    out_per_s: float = 0.0
    unacked_batches: int = 0
    resent_batches: int = 0
    clock_skew_s: float | None = None
    certificate_ends: datetime | None = None


@dataclass(slots=True)
class Stats:
    """Counters since the mesh was opened.

    Attributes:
        refused: Handshakes that others began and that came to nothing, by reason.
        dials_refused: Our own handshakes in which trust was denied, by reason.
        links_up: Links that came up.
        links_down: Links that ended, by reason.
        links_moved: Links that we replaced by one of another kind, by that kind.
        batches_resent: Batches sent again on a new link.
        batches_repeated: Batches received that had been handled before, and were dropped.
        handler_errors: Batches or requests whose handler raised.
        bytes_of_forgotten: Bytes (in, out) on the links of peers that are not known any more.
        stray_datagrams: UDP datagrams that were neither gossip nor QUIC of ours.
        dropped_datagrams: UDP datagrams that the kernel did not take.
    """

    refused: Counter[EndReason] = field(default_factory=Counter)
    dials_refused: Counter[EndReason] = field(default_factory=Counter)
    links_up: int = 0
    links_down: Counter[EndReason] = field(default_factory=Counter)
    links_moved: Counter[str] = field(default_factory=Counter)
    batches_resent: int = 0
    batches_repeated: int = 0
    handler_errors: int = 0
    bytes_of_forgotten: tuple[int, int] = (0, 0)
    stray_datagrams: int = 0
    dropped_datagrams: int = 0
