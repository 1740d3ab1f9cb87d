"""How large a datagram may be on the way to a peer: asked of the kernel, not guessed.

A connected UDP socket knows the MTU of its route: that of the interface, or what ICMP has told about a
narrower place behind it. aioquic does not look for the size by itself and pads its first packets to what it
is told, so a path that is narrower without saying so fails at the first flight, and the carrier tries again
with what every path must carry.
"""

from __future__ import annotations

import socket

from transport.links.udp import Address, socket_address
from transport.settings import Profile, Settings

SMALLEST_BYTES = 1200  # what every path of QUIC must carry (RFC 9000, section 14)
LARGEST_BYTES = 8900  # beyond that a datagram costs as much per byte
_IP_MTU = 14  # linux/in.h; Python's socket module does not have them
_IPV6_MTU = 24
_HEADERS_BYTES = {socket.AF_INET: 28, socket.AF_INET6: 48}


def datagram_bytes_for(settings: Settings, address: Address) -> int:
    """Return the size of QUIC datagrams to a peer.

    Args:
        settings: A size that is set there is taken as it is; the profile `wan` trusts no path.
        address: Of the peer, an IP address.
    """
    if settings.datagram_bytes is not None:
        return settings.datagram_bytes
    if settings.profile is Profile.WAN:
        return SMALLEST_BYTES
    return max(SMALLEST_BYTES, min(LARGEST_BYTES, find_payload_bytes(address) or SMALLEST_BYTES))


def find_payload_bytes(address: Address) -> int | None:
    """Return how many bytes of one datagram the route to an address carries; None when there is no route."""
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(socket_address(address))
            mtu = _ask_mtu(probe)
        except OSError:
            return None
    return mtu - _HEADERS_BYTES[family]


def _ask_mtu(connected: socket.socket) -> int:
    if connected.family is socket.AF_INET6:
        return connected.getsockopt(socket.IPPROTO_IPV6, _IPV6_MTU)
    return connected.getsockopt(socket.IPPROTO_IP, _IP_MTU)
