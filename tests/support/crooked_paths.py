"""One port with a bad path behind it for UDP and another for TCP, as peers of a mesh dial it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.support.meshes import HOST, Node
from tests.support.rough_line import PERFECT, UDP, Kind, RoughLine
from tests.support.tcp_proxy import TcpProxy
from tests.support.toxics import Toxic
from tests.support.udp_proxy import UdpProxy


class _NarrowLine(RoughLine):
    """A line that swallows what is too large for it."""

    def __init__(self, bytes_max: int, seed: int) -> None:
        super().__init__(PERFECT, seed)
        self._bytes_max = bytes_max

    def admit(self, size_bytes: int, kind: Kind, now: float) -> tuple[float, ...]:
        return super().admit(size_bytes, kind, now) if size_bytes <= self._bytes_max else ()


@dataclass(frozen=True, slots=True)
class CrookedPath:
    """The way to one node.

    Attributes:
        udp: For gossip and QUIC.
        tcp: For TLS.
    """

    udp: UdpProxy
    tcp: TcpProxy

    @property
    def address(self) -> tuple[str, int]:
        """Return what to dial instead of the node's own address."""
        return HOST, self.udp.port

    def block_udp(self) -> None:
        """Swallow datagrams, as a firewall does."""
        self.udp.change(PERFECT.blocking(UDP))

    def pass_udp(self) -> None:
        """Let them pass again."""
        self.udp.change(PERFECT)

    def narrow_udp(self, bytes_max: int) -> None:
        """Swallow datagrams that are larger than this, without a word about it."""
        self.udp.there, self.udp.back = _NarrowLine(bytes_max, 1), _NarrowLine(bytes_max, 2)

    def swallow_tcp(self) -> None:
        """Carry nothing any more on connections, without ending them."""
        self.tcp.add(Toxic("timeout", {"timeout": 0}))


@contextmanager
def crooked_path(target: Node, seed: int = 1) -> Iterator[CrookedPath]:
    """Open a path to a node that is good until something is done to it."""
    with UdpProxy(target.address, seed=seed) as udp, TcpProxy(target.address[1], port=udp.port) as tcp:
        yield CrookedPath(udp, tcp)
