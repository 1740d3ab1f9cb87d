"""Every link proves both sides anew: nothing is resumed, no ticket is given or taken, nothing goes early."""

from __future__ import annotations

import asyncio
import ssl
from typing import Any

import pytest
from aioquic.quic.connection import QuicConnection
from aioquic.tls import SessionTicket

from tests.support.meshes import Node, open_cluster
from transport import Credentials
from transport.links import quic
from transport.links.quic_link import QuicLink
from transport.tls import ALPN, build

pytestmark = pytest.mark.story("022")


def link_of(node: Node) -> QuicLink:
    connections = node.mesh._connections
    assert connections is not None
    line = connections.peers["node-b"].line
    assert line is not None
    assert isinstance(line.link, QuicLink)
    return line.link


async def test_quic_gives_no_ticket_and_judges_every_link_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    tickets: list[SessionTicket] = []

    def greedy(**options: Any) -> QuicConnection:
        """Make connections whose client would keep every ticket that it is given."""
        if options["configuration"].is_client:
            options["session_ticket_handler"] = tickets.append
        return QuicConnection(**options)

    monkeypatch.setattr(quic, "QuicConnection", greedy)
    async with open_cluster("quic") as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b")
        a.knows(b)
        for number in range(1, 4):
            assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
            tls: Any = link_of(a).connection.tls
            assert not tls.session_resumed
            assert not tls.early_data_accepted
            assert tls._peer_certificate is not None
            assert a.mesh.stats.links_up == number
            a.cut_links()
        assert tickets == []


async def test_tcp_gives_no_ticket_and_resumes_nothing() -> None:
    async with open_cluster("tcp") as cluster:
        b = await cluster.add("node-b")
        context = build(cluster.pki.credentials("node-a")).client
        first = await shake_hands(context, b, None)
        assert first.version() == "TLSv1.3"
        assert first.session is not None
        assert not first.session.has_ticket
        again = await shake_hands(context, b, first.session)
        assert not again.session_reused


async def test_no_connection_is_begun_with_a_ticket() -> None:
    """Neither side's configuration carries what early data would need."""
    credentials: Credentials
    async with open_cluster("quic") as cluster:
        credentials = cluster.pki.credentials("node-a")
        for expected in ("node-b", None):
            made = quic.quic_configuration(build(credentials), quic.Settings(), 1200, expected=expected)
            assert made.session_ticket is None


async def shake_hands(context: ssl.SSLContext, node: Node, session: ssl.SSLSession | None) -> ssl.SSLObject:
    """Do a whole handshake, and read what comes after it until the node ends the connection."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = context.wrap_bio(incoming, outgoing, server_hostname="node-b.mesh", session=session)
    reader, writer = await asyncio.open_connection(*node.address)
    async with asyncio.timeout(10):
        while True:
            try:
                tls.do_handshake()
                break
            except ssl.SSLWantReadError:
                writer.write(outgoing.read())
                incoming.write(await reader.read(65536))
        tls.write(b"\xff" * 64)  # no frame: the node refuses it
        writer.write(outgoing.read())
        while data := await reader.read(65536):
            incoming.write(data)
            try:
                tls.read()
            except ssl.SSLError:
                continue
    writer.close()
    assert tls.selected_alpn_protocol() == ALPN
    return tls
