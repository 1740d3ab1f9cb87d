"""What the box reads of an IPv4 packet: from where, to where, and what it carries. Pure."""

from __future__ import annotations

from typing import NamedTuple

from tests.support.rough_line import Kind, kind_of_datagram

HEADER_BYTES_MIN = 20
_UDP_HEADER_BYTES = 8
_TCP, _UDP = 6, 17


class Packet(NamedTuple):
    """The last bytes of both addresses, and the kind."""

    source: int
    target: int
    kind: Kind


def read_packet(data: bytes) -> Packet | None:
    """Read a packet as a TUN device hands it over; None if it is not IPv4."""
    if len(data) < HEADER_BYTES_MIN or data[0] >> 4 != 4:
        return None
    return Packet(data[15], data[19], _kind_of(data))


def _kind_of(data: bytes) -> Kind:
    protocol = data[9]
    if protocol == _TCP:
        return Kind.TCP
    if protocol == _UDP:
        start = (data[0] & 0xF) * 4 + _UDP_HEADER_BYTES
        return kind_of_datagram(data[start : start + 1])
    return Kind.OTHER
