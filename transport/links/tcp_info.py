"""What the kernel knows of a TCP connection's path."""

from __future__ import annotations

import socket
import struct

from transport.links.contract import Path

_RTT_US = (68, "=I")  # offsets in `struct tcp_info` of linux/tcp.h, which only ever grows at its end
_RETRANSMITTED = (100, "=I")
_SEGMENTS_OUT = (136, "=I")
_BYTES = 140


def read_path(connected: socket.socket) -> Path:
    """Return round trip, segments sent, and segments sent again; nothing when the kernel does not say."""
    try:
        info = connected.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _BYTES)
        rtt_us, again, sent = (_field(info, *place) for place in (_RTT_US, _RETRANSMITTED, _SEGMENTS_OUT))
    except (OSError, struct.error):  # a closed socket, or a kernel from before 4.2
        return Path(None, 0, 0)
    return Path(rtt_us / 1e6 if rtt_us else None, sent, again)


def _field(info: bytes, offset: int, form: str) -> int:
    return int(struct.unpack_from(form, info, offset)[0])
