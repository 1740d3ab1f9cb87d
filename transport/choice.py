"""Which kind of link suits the path to one peer, judged by what was measured on it.

Intuition: QUIC has one port, survives a change of address, and goes on under loss where a stream over TCP
waits for every missing packet. But in Python TLS over TCP carries several times as much per second of CPU on
a clean path. So a peer begins on QUIC; it moves to TCP when the path is clean and its link has too much to
carry; it moves back when TCP loses packets, unless it carries much all the same: with a modern congestion
control it carries more than QUIC at any loss (measured: four to seven times), and only its delay suffers. A
kind that failed is left alone for a while, longer each time.

A single bad period never moves a link: what it shows must hold for several in a row, and after every move,
whoever made it, nothing moves for `hold_s`. The only exception is a path that has gone silent.

The whole link moves. Moving single lanes would keep two links, two windows and two ways to lose the order
between requests and mail, for a gain that no measurement showed (ADR 20).

Source: design section 8; measured in `tests/bench/mesh`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

KIB = 1024
MIB = 1024 * KIB
QUIC, TCP = "quic", "tcp"
_OTHER = {QUIC: TCP, TCP: QUIC}


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """When a link is moved.

    Attributes:
        waiting_bytes: So much unacknowledged mail, and `flowing_bytes_per_s` at the same time, means that the
            link carries less than is asked of it. Mail that waits while little flows is a slow reader's.
        flowing_bytes_per_s: See there.
        busy_bytes_per_s: So much is worth a move even when nothing waits, for the CPU that it saves.
        busy_periods: For so many samples in a row.
        clean_loss: Share of lost packets up to which a path is clean.
        lossy_loss: Share from which TCP suffers.
        lossy_periods: For so many samples in a row.
        packets_min: Fewer recent packets than this prove nothing.
        pings_max: So many pings without any answer mean that this kind does not pass any more.
        hold_s: Pause after a move before the next.
        bar_s: For how long a kind is avoided after it failed, at first; doubles each time.
        bar_s_max: The longest of these.
        retry_s: After so long QUIC is tried again for a peer that it did not reach.
    """

    waiting_bytes: int = 256 * KIB
    flowing_bytes_per_s: float = 2 * MIB
    busy_bytes_per_s: float = 8 * MIB
    busy_periods: int = 4
    clean_loss: float = 0.002
    lossy_loss: float = 0.005
    lossy_periods: int = 3
    packets_min: int = 50
    pings_max: int = 3
    hold_s: float = 10.0
    bar_s: float = 30.0
    bar_s_max: float = 3600.0
    retry_s: float = 300.0


class Sample(NamedTuple):
    """What one period showed.

    Attributes:
        bytes_per_s: Written to the link.
        waiting_bytes: Mail that the peer has not acknowledged, now.
        sent_packets: On this link, in this period.
        lost_packets: Of these, or of those just before.
        pings_unanswered: Since anything at all was heard.
    """

    bytes_per_s: float
    waiting_bytes: int
    sent_packets: int
    lost_packets: int
    pings_unanswered: int = 0


class Move(NamedTuple):
    """A link of this kind should take the place of the one that is up."""

    kind: str
    why: str


class _Bar:
    """A kind that failed: until when it is avoided, and how often that happened."""

    __slots__ = ("times", "until")

    def __init__(self) -> None:
        self.times = 0
        self.until = 0.0

    def raise_it(self, limits: Limits, now: float) -> None:
        if now > self.until + limits.bar_s_max:
            self.times = 0  # that was long ago: another network, for all we know
        self.until = now + min(limits.bar_s * 2**self.times, limits.bar_s_max)
        self.times = min(self.times + 1, 16)


class Choice:
    """What is known about the path to one peer; outlives its links.

    Args:
        limits: When to move.
    """

    __slots__ = (
        "_bars",
        "_busy",
        "_held_until",
        "_limits",
        "_lossy",
        "_lost",
        "_retry_at",
        "_sent",
        "kind",
        "why",
    )

    def __init__(self, limits: Limits) -> None:
        self.kind = ""
        self.why = ""
        self._limits = limits
        self._bars = {QUIC: _Bar(), TCP: _Bar()}
        self._held_until = self._retry_at = 0.0
        self._sent = self._lost = 0.0
        self._busy = self._lossy = 0

    @property
    def loss(self) -> float | None:
        """Return the share of packets lost lately, None when too few were sent to tell."""
        return self._lost / self._sent if self._sent >= self._limits.packets_min else None

    def begin(self, kind: str, why: str, now: float, *, missed_quic: bool = False) -> None:
        """Take note of a link that came up.

        Args:
            kind: Of the link.
            why: Why it is of this kind, in words.
            now: Monotonic seconds.
            missed_quic: QUIC was tried and did not get through, so it is worth another try later.
        """
        self.kind, self.why = kind, why
        self._held_until = now + self._limits.hold_s
        self._retry_at = now + self._limits.retry_s if missed_quic else 0.0
        self._sent = self._lost = 0.0
        self._busy = self._lossy = 0

    def handle_failed(self, kind: str, now: float) -> None:
        """Take note that a link of this kind could not be made; the present one goes on."""
        self._bars[kind].raise_it(self._limits, now)
        self._held_until = now + self._limits.hold_s
        if self._retry_at:
            self._retry_at = now + self._limits.retry_s

    def judge(self, sample: Sample, now: float) -> Move | None:
        """Return where the link should move, or None when it should stay.

        A move that is returned has not happened: `begin` says so when it has.
        """
        self._count(sample)
        if self.kind not in _OTHER:
            return None
        if sample.pings_unanswered >= self._limits.pings_max:
            return self._flee(f"{sample.pings_unanswered} pings over {self.kind} unanswered", now)
        if now < self._held_until:
            return None
        return self._leave_quic(sample, now) if self.kind == QUIC else self._leave_tcp(now)

    def _count(self, sample: Sample) -> None:
        """Let older packets fade: a third of the weight is from this period and the one before."""
        self._sent = self._sent * 0.8 + sample.sent_packets
        self._lost = self._lost * 0.8 + sample.lost_packets
        self._busy = self._busy + 1 if self._is_busy(sample) else 0
        loss = self.loss
        if loss is None or loss < self._limits.lossy_loss:
            self._lossy = 0
        elif sample.lost_packets:  # a period that lost nothing is no further proof
            self._lossy += 1

    def _is_busy(self, sample: Sample) -> bool:
        limits = self._limits
        is_full = (
            sample.waiting_bytes >= limits.waiting_bytes and sample.bytes_per_s >= limits.flowing_bytes_per_s
        )
        return is_full or sample.bytes_per_s >= limits.busy_bytes_per_s

    def _leave_quic(self, sample: Sample, now: float) -> Move | None:
        loss = self.loss
        if self._busy < self._limits.busy_periods or loss is None or loss > self._limits.clean_loss:
            return None
        flow = f"{sample.bytes_per_s / 1e6:.1f} MB/s, {sample.waiting_bytes / 1e6:.1f} MB waiting"
        return self._to(TCP, f"much to carry ({flow}) on a clean path ({loss:.2%} lost)", now)

    def _leave_tcp(self, now: float) -> Move | None:
        if self._lossy >= self._limits.lossy_periods and not self._busy:
            return self._flee(f"TCP lost {self.loss or 0.0:.1%} of its packets", now)
        if self._retry_at and now >= self._retry_at:
            return self._to(QUIC, "QUIC passes again", now)
        return None

    def _flee(self, why: str, now: float) -> Move | None:
        """Move away from a kind that does badly; it is barred only when there is somewhere to go."""
        move = self._to(_OTHER[self.kind], why, now)
        if move is not None:
            self._bars[self.kind].raise_it(self._limits, now)
        return move

    def _to(self, kind: str, why: str, now: float) -> Move | None:
        if now < self._bars[kind].until:
            return None
        self._held_until = now + self._limits.hold_s
        return Move(kind, why)
