"""Real nodes that reach one another through proxies only: what each advertises is a proxy's port."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from caxton_node.devkit.demo.nodes import HOST, DemoNode, free_ports
from tests.support.tcp_proxy import TcpProxy
from tests.support.toxics import ToxicProxy
from tests.support.toxiproxy import ToxiproxyServer
from tests.support.udp_proxy import UdpProxy

STAND_IN, TOXIPROXY = "stand-in", "toxiproxy"


@dataclass(slots=True)
class ProxiedNode(DemoNode):
    """One node, and the proxies in front of its port.

    Attributes:
        transport: `mesh.transport`.
        profile: `swim.profile`.
        udp: In front of gossip and QUIC.
        tcp: In front of TCP.
    """

    transport: str = field(kw_only=True)
    profile: str = "lan"
    udp: UdpProxy = field(kw_only=True)
    tcp: ToxicProxy = field(kw_only=True)

    @property
    def settings(self) -> list[str]:
        """Return the flags that set this node apart from the defaults."""
        values = {
            "mesh.host": HOST,
            "mesh.port": self.mesh_port,
            "mesh.advertise": f"{HOST}:{self.udp.port}",
            "mesh.transport": self.transport,
            "grpc.port": self.grpc_port,
            "metrics.enabled": "false",
            "rest.enabled": "false",
            "swim.profile": self.profile,
        }
        return [word for key, value in values.items() for word in ("--set", f"{key}={value}")]

    def clear(self) -> None:
        """Let the paths to this node be good again."""
        self.udp.change(type(self.udp.there.conditions)())
        self.tcp.clear()


@contextmanager
def open_proxied(
    root: Path, names: Sequence[str], *, transport: str, tcp: str = STAND_IN
) -> Iterator[list[ProxiedNode]]:
    """Give nodes that are not started, behind proxies that run.

    Args:
        root: Of their data.
        names: Their ids.
        transport: `mesh.transport` of all.
        tcp: What stands in front of TCP: `STAND_IN` or `TOXIPROXY`.
    """
    with ExitStack() as stack:
        make = _make_tcp(stack, tcp)
        nodes: list[ProxiedNode] = []
        for name in names:
            mesh_port, grpc_port, outside = free_ports(3)
            udp = stack.enter_context(UdpProxy((HOST, mesh_port), port=outside, seed=len(nodes) + 1))
            paths = {"udp": udp, "tcp": make(mesh_port, outside)}
            nodes.append(ProxiedNode(name, root / name, mesh_port, grpc_port, transport=transport, **paths))
        try:
            yield nodes
        finally:
            for node in nodes:
                node.clear()
            for node in nodes:
                node.stop()


def _make_tcp(stack: ExitStack, kind: str) -> Callable[[int, int], ToxicProxy]:
    if kind == TOXIPROXY:
        server = stack.enter_context(ToxiproxyServer())
        return lambda target, port: server.proxy(target, port=port)
    return lambda target, port: stack.enter_context(TcpProxy(target, port=port))
