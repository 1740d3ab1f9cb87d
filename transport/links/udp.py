"""The UDP socket that gossip and QUIC share: drained reads, sends in few system calls.

A first byte below 0x40 is gossip: QUIC's own packets start at 0x40 (its fixed bit), so one bit tells them
apart.
"""

from __future__ import annotations

import asyncio
import errno
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

Address = tuple[str, int]
SocketAddress: TypeAlias = tuple[str, int] | tuple[str, int, int, int]

GOSSIP_BELOW = 0x40
_DATAGRAM_MAX = 65535
_DRAIN_MAX = 64
_UDP_SEGMENT = 103
_GSO_BYTES_MAX = 64000
_GSO_SEGMENTS_MAX = 64
_MAPPED = "::ffff:"
_EVERY_PATH_BYTES = 1200
_PATH_ERRORS = {errno.EINVAL, errno.EMSGSIZE}
_SEGMENTATION_ERRORS = _PATH_ERRORS | {errno.EIO, errno.EOPNOTSUPP, errno.ENOPROTOOPT}


class UdpSocket:
    """A bound, non-blocking UDP socket on the event loop.

    The loop's own datagram transport reads one datagram per turn (26 us each against 5 here), hence the
    reader.

    Args:
        bound: The socket; it belongs to this object from now on.
        buffer_bytes: Asked of the kernel for each direction: a process that is off the CPU for a few
            milliseconds loses packets with the usual 208 KiB.
        on_gossip: Takes datagrams below 0x40.
        on_quic: Takes the others.
        on_drained: Is called once after each burst of reads.
    """

    def __init__(
        self,
        bound: socket.socket,
        buffer_bytes: int,
        on_gossip: Callable[[bytes, Address], None],
        on_quic: Callable[[bytes, Address], None],
        on_drained: Callable[[], None],
    ) -> None:
        self._socket = bound
        self._on_gossip = on_gossip
        self._on_quic = on_quic
        self._on_drained = on_drained
        self._gso = True
        self._is_dual = (
            bound.family is socket.AF_INET6
        )  # it shows IPv4 peers as mapped addresses, and wants them so
        self.dropped = 0
        bound.setblocking(False)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer_bytes)
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, buffer_bytes)
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(bound.fileno(), self._readable)

    def send(self, data: bytes, address: Address) -> None:
        """Send one datagram; what the kernel does not take is dropped and counted, as UDP may do anywhere."""
        try:
            self._socket.sendto(data, self._outward(address))
        except OSError:
            self.dropped += 1

    def send_many(self, datagrams: Sequence[tuple[bytes, Address]]) -> None:
        """Send datagrams in order, runs of equal size to one address in a single system call."""
        if len(datagrams) < 3 or not self._gso:
            for data, address in datagrams:
                self.send(data, address)
            return
        start = 0
        while start < len(datagrams):
            stop = _run_end(datagrams, start)
            self._send_run(datagrams[start:stop])
            start = stop

    def close(self) -> None:
        """Close the socket."""
        if self._socket.fileno() >= 0:
            self._loop.remove_reader(self._socket.fileno())
            self._socket.close()

    def _send_run(self, run: Sequence[tuple[bytes, Address]]) -> None:
        if len(run) == 1:
            self.send(*run[0])
            return
        segment = [(socket.IPPROTO_UDP, _UDP_SEGMENT, struct.pack("=H", len(run[0][0])))]
        try:
            self._socket.sendmsg([data for data, _ in run], segment, 0, self._outward(run[0][1]))
        except OSError as err:
            if err.errno not in _SEGMENTATION_ERRORS:
                self.dropped += len(run)
                return
            # a kernel or a device without segmentation offload; or this one path became narrower
            self._gso = err.errno in _PATH_ERRORS and len(run[0][0]) > _EVERY_PATH_BYTES
            for data, address in run:
                self.send(data, address)

    def _outward(self, address: Address) -> SocketAddress:
        host, port = address
        return (_MAPPED + host, port) if self._is_dual and ":" not in host else socket_address(address)

    def _inward(self, source: tuple[Any, ...]) -> Address:
        """Return a peer's address as everybody else writes it, whatever the family of this socket."""
        host, port = str(source[0]), int(source[1])
        if not self._is_dual:
            return host, port
        if host.startswith(_MAPPED) and "." in host:
            return host[len(_MAPPED) :], port
        # a link-local address means nothing without the interface on which it was heard
        return (f"{host}%{source[3]}" if source[3] and "%" not in host else host), port

    def _readable(self) -> None:
        receive = self._socket.recvfrom
        for _ in range(_DRAIN_MAX):
            try:
                data, source = receive(_DATAGRAM_MAX)
            except (BlockingIOError, InterruptedError):
                break
            except OSError:  # an ICMP error about some earlier datagram; the socket is still good
                continue
            address = self._inward(source)
            if not data or data[0] < GOSSIP_BELOW:
                self._on_gossip(data, address)
            else:
                self._on_quic(data, address)
            if self._socket.fileno() < 0:
                return  # closed from inside a handler
        self._on_drained()


def numbered(address: Address) -> Address:
    """Return an address with the interface of a link-local one by its number, as answers will show it.

    Raises:
        OSError: There is no such interface.
    """
    host, _, scope = address[0].partition("%")
    return (f"{host}%{_number_of(scope)}", address[1]) if scope else address


def socket_address(address: Address) -> SocketAddress:
    """Return an address as the socket module wants it: the interface of a link-local one by its number."""
    host, _, scope = address[0].partition("%")
    if not scope:
        return address
    return host, address[1], 0, _number_of(scope)


def _number_of(interface: str) -> int:
    return int(interface) if interface.isdigit() else socket.if_nametoindex(interface)


def _run_end(datagrams: Sequence[tuple[bytes, Address]], start: int) -> int:
    """Return where the run of datagrams ends that one segmented send can carry.

    Only its last may be shorter.
    """
    first, address = datagrams[start]
    size = total = len(first)
    stop = start + 1
    while stop < len(datagrams) and stop - start < _GSO_SEGMENTS_MAX:
        data, target = datagrams[stop]
        if target != address or len(data) > size or total + len(data) > _GSO_BYTES_MAX:
            break
        total += len(data)
        stop += 1
        if len(data) < size:
            break
    return stop
