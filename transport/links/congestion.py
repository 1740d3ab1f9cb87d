"""How fast QUIC may send on a network of one's own: Reno that does not panic at a lost packet.

Reno and Cubic read every loss as congestion and halve; at 5 % random loss a stream of theirs all but stops
(measured: p50 73 and 39 ms on a path of 10 ms, where this one has 11). Nodes of one cluster share a network
that is theirs, so this controller falls to 85 % instead of 50 and never under 64 datagrams. On a path shared
with others that would be unfair: the profile `wan` uses Cubic.

Both count what was sent and what was lost. That is how `auto` learns what a path is like.
"""

from __future__ import annotations

from collections.abc import Iterable

from aioquic.quic.congestion.base import register_congestion_control
from aioquic.quic.congestion.cubic import CubicCongestionControl
from aioquic.quic.congestion.reno import RenoCongestionControl
from aioquic.quic.packet_builder import QuicSentPacket

LAN_NAME = "mesh"
WAN_NAME = "mesh-wan"
_FLOOR_DATAGRAMS = 64
_AFTER_LOSS = 0.85


class WanCongestionControl(CubicCongestionControl):
    """Cubic that counts."""

    def __init__(self, *, max_datagram_size: int) -> None:
        super().__init__(max_datagram_size=max_datagram_size)
        self.sent_packets = self.lost_packets = 0

    def on_packet_sent(self, *, packet: QuicSentPacket) -> None:
        """Count a packet."""
        self.sent_packets += 1
        super().on_packet_sent(packet=packet)

    def on_packets_lost(self, *, now: float, packets: Iterable[QuicSentPacket]) -> None:
        """Count the lost packets."""
        lost = list(packets)
        self.lost_packets += len(lost)
        super().on_packets_lost(now=now, packets=lost)


class MeshCongestionControl(RenoCongestionControl):
    """Reno with a gentler cut and a floor, that counts."""

    def __init__(self, *, max_datagram_size: int) -> None:
        super().__init__(max_datagram_size=max_datagram_size)
        self.sent_packets = self.lost_packets = 0
        self._floor = _FLOOR_DATAGRAMS * max_datagram_size
        self.congestion_window = self._floor

    def on_packet_sent(self, *, packet: QuicSentPacket) -> None:
        """Count a packet."""
        self.sent_packets += 1
        self.bytes_in_flight += packet.sent_bytes

    def on_packets_lost(self, *, now: float, packets: Iterable[QuicSentPacket]) -> None:
        """Cut the window once for each round trip with losses."""
        last_sent_at = 0.0
        for packet in packets:
            self.lost_packets += 1
            self.bytes_in_flight -= packet.sent_bytes
            last_sent_at = packet.sent_time or 0.0
        if last_sent_at > self._congestion_recovery_start_time:
            self._congestion_recovery_start_time = now
            self.congestion_window = max(int(self.congestion_window * _AFTER_LOSS), self._floor)
            self.ssthresh = self.congestion_window

    def on_persistent_congestion(self) -> None:
        """Fall under the floor when nothing at all came through for several round trips."""
        self.congestion_window = self._floor // 4
        self._congestion_recovery_start_time = 0.0


register_congestion_control(LAN_NAME, MeshCongestionControl)
register_congestion_control(WAN_NAME, WanCongestionControl)
