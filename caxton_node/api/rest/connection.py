"""One connection: who is at its other end, and that it is gone."""

from __future__ import annotations

import asyncio
import socket
import struct
from dataclasses import dataclass, field

from caxton_node.security import UnixPeer

_PEER = struct.Struct("3i")


@dataclass(slots=True)
class Connection:
    """What is known of a connection before any request.

    Attributes:
        peer: Who opened the Unix socket; None on the TLS port.
        certificate_der: The client's certificate, if it showed one that TLS has verified.
        address: `host:port`, or `socket`.
        source: The host of it, or the user on a Unix socket.
        is_lost: The client has gone.
    """

    peer: UnixPeer | None = None
    certificate_der: bytes = field(default=b"", repr=False)
    address: str = ""
    source: str = ""
    is_lost: bool = False
    _task: asyncio.Task[None] | None = None

    @classmethod
    def of(cls, transport: asyncio.Transport) -> Connection:
        """Read what a transport knows."""
        peer = _unix_peer(transport)
        if peer is not None:
            return cls(peer=peer, address="socket", source=peer.source)
        host, port = (transport.get_extra_info("peername") or ("", 0))[:2]
        tls = transport.get_extra_info("ssl_object")
        certificate = tls.getpeercert(binary_form=True) if tls is not None else None
        return cls(certificate_der=certificate or b"", address=f"{host}:{port}", source=str(host))

    def serve(self, task: asyncio.Task[None] | None) -> None:
        """Note which task answers now; it is cancelled when the client goes."""
        self._task = task

    def lose(self) -> None:
        """The client has gone: nobody waits for the answer any more."""
        self.is_lost = True
        if self._task is not None and not self._task.done():
            self._task.cancel()


def _unix_peer(transport: asyncio.Transport) -> UnixPeer | None:
    plug = transport.get_extra_info("socket")
    if plug is None or plug.family != socket.AF_UNIX:
        return None
    with socket.socket(fileno=socket.dup(plug.fileno())) as own:  # uvloop's stand-in has no getsockopt
        return UnixPeer(*_PEER.unpack(own.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _PEER.size)))
