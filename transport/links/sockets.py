"""Opens the node's one port: UDP for gossip and QUIC, TCP with the same number."""

from __future__ import annotations

import errno
import socket
from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Protocol

from transport.errors import PortInUse
from transport.links.contract import Acceptor, Address, Carrier
from transport.links.quic import QuicCarrier
from transport.links.tcp import TcpCarrier
from transport.links.udp import UdpSocket
from transport.settings import Settings
from transport.tls import TlsState

OnGossip = Callable[[bytes, Address], None]
_PORT_ATTEMPTS = 64


@dataclass(frozen=True, slots=True)
class OpenPort:
    """What stands behind an open port.

    Attributes:
        port: Its number, for UDP and TCP.
        carriers: Makers of links by kind.
        send_gossip: Sends one datagram.
        count_lost: Returns UDP datagrams that (were for nobody, the kernel did not take).
        close: Closes what the carriers share, after them.
    """

    port: int
    carriers: dict[str, Carrier]
    send_gossip: Callable[[bytes, Address], None]
    count_lost: Callable[[], tuple[int, int]]
    close: Callable[[], None]


class Opener(Protocol):
    """Opens a port; tests open one inside the process."""

    async def __call__(
        self,
        state: TlsState,
        settings: Settings,
        acceptor: Acceptor,
        on_gossip: OnGossip,
        *,
        host: str,
        port: int,
    ) -> OpenPort:
        """Open the port and begin to accept links.

        Raises:
            PortInUse: Another process holds it; nothing is open.
        """
        ...


async def open_sockets(
    state: TlsState, settings: Settings, acceptor: Acceptor, on_gossip: OnGossip, *, host: str, port: int
) -> OpenPort:
    """Open UDP and TCP on the same number.

    Args:
        state: Credentials.
        settings: Bounds and delays.
        acceptor: Is told of links that others dial.
        on_gossip: Takes gossip datagrams.
        host: IP address to bind.
        port: Number, or 0 for any that is free for both.

    Raises:
        PortInUse: Another process holds the number; nothing is open.
        OSError: The host is not an address of this machine.
    """
    udp, tcp = bind_both(host, port)
    number = udp.getsockname()[1]
    try:
        quic_carrier = QuicCarrier(state, settings, acceptor)
        tcp_carrier = TcpCarrier(state, settings, acceptor)
        await tcp_carrier.listen(tcp)
    except BaseException:
        udp.close()
        tcp.close()
        raise
    buffer_bytes = settings.socket_buffer_bytes
    shared = UdpSocket(udp, buffer_bytes, on_gossip, quic_carrier.handle_datagram, quic_carrier.flush)
    quic_carrier.attach(shared)
    return OpenPort(
        port=number,
        carriers={"quic": quic_carrier, "tcp": tcp_carrier},
        send_gossip=shared.send,
        count_lost=lambda: (quic_carrier.stray_datagrams, shared.dropped),
        close=shared.close,
    )


def bind_both(host: str, port: int) -> tuple[socket.socket, socket.socket]:
    """Bind a UDP and a TCP socket to one number; for port 0 try until a number is free for both.

    Raises:
        PortInUse: The number is taken, and by which protocol.
        OSError: The host is not an address of this machine.
    """
    for _ in range(1 if port else _PORT_ATTEMPTS):
        udp = _bind(socket.SOCK_DGRAM, host, port)
        try:
            return udp, _bind(socket.SOCK_STREAM, host, udp.getsockname()[1])
        except PortInUse:
            udp.close()
            if port:
                raise
        except BaseException:
            udp.close()
            raise
    raise PortInUse(f"no port on {host} is free for UDP and TCP both")


def _bind(kind: socket.SocketKind, host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ip_address(host).version == 6 else socket.AF_INET
    bound = socket.socket(family, kind)
    try:
        if kind is socket.SOCK_STREAM:
            # a restarted node must not wait for the old connections' TIME_WAIT
            bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        bound.bind((host, port))
        if kind is socket.SOCK_STREAM:
            bound.listen(128)  # with SO_REUSEADDR a second bind would succeed until one of the two listens
        bound.setblocking(False)
    except OSError as err:
        bound.close()
        if err.errno == errno.EADDRINUSE:
            name = "TCP" if kind is socket.SOCK_STREAM else "UDP"
            raise PortInUse(f"{name} port {port} on {host} is held by another process") from err
        raise
    return bound
