"""Who is not let in, on real sockets: every bad certificate, on QUIC and on TCP, seen from both sides."""

from __future__ import annotations

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import pytest
from aioquic.quic.configuration import QuicConfiguration
from aioquic.quic.connection import QuicConnection
from aioquic.quic.events import ConnectionTerminated
from cryptography.x509.oid import ExtendedKeyUsageOID

from tests.support.certificates import Pki, serial_of
from tests.support.meshes import HOST, KINDS, SOCKET_KINDS, Cluster, Keeper, Node, open_cluster, until
from transport import (
    Credentials,
    EndReason,
    InvalidCredentials,
    LinkFailed,
    Mesh,
    PortInUse,
    Settings,
    UnsupportedQuic,
    tls,
)
from transport.frames import CONTROL_LANE, HEADER, FrameType
from transport.links import quic_hook
from transport.links.contract import Link
from transport.tls import ALPN

pytestmark = [pytest.mark.story("022"), pytest.mark.filterwarnings("error")]


@dataclass(frozen=True)
class Case:
    """Someone who must not get in, and the word for it."""

    name: str
    reason: EndReason
    make: Callable[[Pki], Credentials]


BAD_DIALLERS = [
    Case(
        "no certificate",
        EndReason.NO_CERTIFICATE,
        lambda pki: replace(pki.credentials("node-x"), certificate_pem=b""),
    ),
    Case("another authority", EndReason.UNKNOWN_AUTHORITY, lambda pki: pki.foreign_credentials("node-x")),
    Case("expired", EndReason.EXPIRED, lambda pki: pki.expired_credentials("node-x")),
    Case("not yet valid", EndReason.NOT_YET_VALID, lambda pki: pki.future_credentials("node-x")),
    Case("another cluster", EndReason.OTHER_CLUSTER, lambda pki: pki.other_cluster_credentials("node-x")),
    Case(
        "a name of another node",
        EndReason.BAD_IDENTITY,
        lambda pki: pki.odd_credentials("node-x", uri="spiffe://home/node/node-a"),
    ),
    Case(
        "a DNS name of another node",
        EndReason.BAD_IDENTITY,
        lambda pki: pki.odd_credentials("node-x", dns="node-a.mesh"),
    ),
    Case(
        "for servers only",
        EndReason.WRONG_USAGE,
        lambda pki: pki.odd_credentials("node-x", usages=[ExtendedKeyUsageOID.SERVER_AUTH]),
    ),
]

BAD_SERVERS = [
    Case("another authority", EndReason.UNKNOWN_AUTHORITY, lambda pki: pki.foreign_credentials("node-b")),
    Case("expired", EndReason.EXPIRED, lambda pki: pki.expired_credentials("node-b")),
    Case("not yet valid", EndReason.NOT_YET_VALID, lambda pki: pki.future_credentials("node-b")),
    Case("another cluster", EndReason.OTHER_CLUSTER, lambda pki: pki.other_cluster_credentials("node-b")),
    Case(
        "for clients only",
        EndReason.WRONG_USAGE,
        lambda pki: pki.odd_credentials("node-b", usages=[ExtendedKeyUsageOID.CLIENT_AUTH]),
    ),
]


@pytest.fixture(params=KINDS)
async def cluster(request: pytest.FixtureRequest) -> AsyncIterator[Cluster]:
    async with open_cluster(request.param) as opened:
        yield opened


async def refuse(dialler: Node, server: Node, node_id: str = "node-b") -> LinkFailed:
    """Dial, expect to fail, and return how."""
    dialler.mesh.learn_peer(node_id, server.address)
    with pytest.raises(LinkFailed) as caught:
        await dialler.mesh.request(node_id, "echo", b"", 5)
    await until(lambda: server.mesh.stats.refused.total() >= 1)
    assert dialler.keeper.links == server.keeper.links == []
    return caught.value


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.message for record in caplog.records if record.name == "transport"]


@pytest.mark.parametrize("case", BAD_DIALLERS, ids=lambda case: case.name)
async def test_a_bad_dialler_is_refused_and_both_sides_know_why(
    cluster: Cluster, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    server = await cluster.add("node-b")
    dialler = await cluster.add(case.make(cluster.pki))
    error = await refuse(dialler, server)
    assert error.reason is case.reason
    assert dict(server.mesh.stats.refused) == {case.reason: 1}
    assert dict(dialler.mesh.stats.dials_refused) == {case.reason: 1}
    at_server, at_dialler = lines(caplog)
    assert at_server.startswith(f"refused peer from {dialler.address[0]}:")
    assert case.reason.sentence in at_server
    assert at_dialler.startswith("was refused by node-b at ")
    assert case.reason.sentence in at_dialler


@pytest.mark.parametrize("case", BAD_SERVERS, ids=lambda case: case.name)
async def test_a_bad_server_is_refused_by_who_dials_it(
    cluster: Cluster, case: Case, caplog: pytest.LogCaptureFixture
) -> None:
    server = await cluster.add(case.make(cluster.pki))
    dialler = await cluster.add("node-a")
    error = await refuse(dialler, server)
    assert error.reason is case.reason
    assert server.mesh.stats.refused.total() == 1
    assert any(line.startswith("refused to talk to node-b at ") for line in lines(caplog))
    assert len(lines(caplog)) == 2


async def test_a_node_that_is_not_who_was_dialled_is_refused(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    server, dialler = await cluster.add("node-b"), await cluster.add("node-a")
    error = await refuse(dialler, server, "node-z")
    assert error.reason is EndReason.WRONG_NODE
    assert "wrong node id (found node-b, expected node-z)" in str(error)
    assert dict(server.mesh.stats.refused) == {EndReason.WRONG_NODE: 1}
    assert any("was refused by peer at" in line and "wrong node id" in line for line in lines(caplog))


async def test_a_denied_serial_is_refused_at_the_door_and_on_live_links(
    cluster: Cluster, caplog: pytest.LogCaptureFixture
) -> None:
    good, bad = cluster.pki.credentials("node-b"), cluster.pki.credentials("node-x")
    server, dialler = await cluster.add(good), await cluster.add(bad)
    dialler.knows(server)
    assert await dialler.mesh.request("node-b", "echo", b"", 5) == b"node-x:"
    server.mesh.use_credentials(replace(good, denied_serials=frozenset({serial_of(bad)})))
    await until(lambda: ("node-b", "down", cluster.kind, "certificate-revoked") in dialler.keeper.links)
    assert ("node-x", "down", cluster.kind, "certificate-revoked") in server.keeper.links
    with pytest.raises(LinkFailed) as caught:
        await dialler.mesh.request("node-b", "echo", b"", 5)
    assert caught.value.reason is EndReason.REVOKED
    assert dict(server.mesh.stats.refused) == {EndReason.REVOKED: 1}
    assert len([line for line in lines(caplog) if line.startswith("refused peer from")]) == 1


async def test_after_a_refusal_the_other_transport_is_not_tried(caplog: pytest.LogCaptureFixture) -> None:
    async with open_cluster("auto") as cluster:
        server = await cluster.add("node-b")
        dialler = await cluster.add(cluster.pki.expired_credentials("node-x"), race_delay_s=1.0)
        await refuse(dialler, server)
        assert server.mesh.stats.refused.total() == 1
        assert len(lines(caplog)) == 2


async def test_a_greeting_of_another_node_than_the_certificate_is_refused(cluster: Cluster) -> None:
    server, dialler = await cluster.add("node-b"), await cluster.add("node-a")
    connections = dialler.mesh._connections
    assert connections is not None
    connections._greetings.node_id = "node-c"
    error = await refuse(dialler, server)
    assert error.reason is EndReason.WRONG_NODE


async def test_credentials_can_be_renewed_while_links_go_on(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a"), await cluster.add("node-b")
    a.knows(b)
    assert await a.mesh.request("node-b", "echo", b"1", 5) == b"node-a:1"
    other = Pki("home")
    both = cluster.pki.authority.certificate_pem + other.authority.certificate_pem
    for node in (a, b):
        node.mesh.use_credentials(replace(other.credentials(node.node_id), ca_pem=both))
    assert await a.mesh.request("node-b", "echo", b"2", 5) == b"node-a:2"
    assert (a.mesh.stats.links_up, b.mesh.stats.links_up) == (1, 1)
    a.cut_links()
    b.cut_links()
    assert await a.mesh.request("node-b", "echo", b"3", 5) == b"node-a:3"


async def test_credentials_that_do_not_fit_leave_the_old_ones_in_use(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a"), await cluster.add("node-b")
    a.knows(b)
    good = cluster.pki.credentials("node-a")
    for bad in (
        replace(good, key_pem=cluster.pki.credentials("node-a").key_pem),
        replace(good, certificate_pem=b"garbage"),
        replace(good, ca_pem=b"garbage"),
        cluster.pki.credentials("node-c"),
    ):
        with pytest.raises(InvalidCredentials):
            a.mesh.use_credentials(bad)
    assert await a.mesh.request("node-b", "echo", b"", 5) == b"node-a:"


async def test_a_link_ends_when_the_certificate_of_its_peer_does(cluster: Cluster) -> None:
    a, b = await cluster.add("node-a"), await cluster.add("node-b")
    a.knows(b)
    await a.mesh.request("node-b", "echo", b"", 5)
    connections = a.mesh._connections
    assert connections is not None
    peer = connections.peers["node-b"]
    peer.tick(asyncio.get_running_loop().time(), datetime.now(UTC) + timedelta(days=400))
    assert a.keeper.links[-1] == ("node-b", "down", cluster.kind, "certificate-expired")


@pytest.mark.parametrize("kind", SOCKET_KINDS)
async def test_garbage_at_the_port_does_no_harm(kind: str, caplog: pytest.LogCaptureFixture) -> None:
    async with open_cluster(kind) as cluster:
        server, dialler = await cluster.add("node-b"), await cluster.add("node-a")
        loop = asyncio.get_running_loop()
        udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for first in range(256):
            for size in (1, 7, 20, 1300):
                udp.sendto(bytes([first]) + bytes(range(1, 200)) * 7 + bytes(size), server.address)
                udp.sendto((bytes([first]) * size), server.address)
        udp.close()
        for garbage in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\xff\xff" + bytes(3000), b"\xff" * 100):
            reader, writer = await asyncio.open_connection(*server.address)
            writer.write(garbage)
            await asyncio.wait_for(reader.read(), 5)
            writer.close()
        assert server.mesh.stats.refused[EndReason.NOT_TLS] == 3
        assert all("it does not speak TLS 1.3" in line for line in lines(caplog))
        dialler.knows(server)
        before = loop.time()
        assert await dialler.mesh.request("node-b", "echo", b"", 5) == b"node-a:"
        assert loop.time() - before < 2
        assert not [record for record in caplog.records if record.exc_info]


@pytest.mark.parametrize("kind", SOCKET_KINDS)
async def test_a_frame_over_the_limit_ends_the_link(kind: str) -> None:
    async with open_cluster(kind) as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b", frame_bytes_max=128 * 1024)
        a.knows(b)
        await a.mesh.request("node-b", "echo", b"", 5)
        link = link_of(a)
        link.write(0, HEADER.pack(128 * 1024 + 1, FrameType.PING, CONTROL_LANE))
        await until(lambda: b.keeper.links[-1][3] == "protocol-error")
        await until(lambda: a.keeper.links[-1][3] == "protocol-error")
        assert "131073 bytes" in b.mesh.peers()[0].last_failure if b.mesh.peers() else True


@pytest.mark.parametrize("kind", SOCKET_KINDS)
@pytest.mark.parametrize(
    "frame",
    [
        HEADER.pack(0, 99, 0),
        HEADER.pack(0, FrameType.BATCH, 0),
        HEADER.pack(12, FrameType.BATCH, 0) + (1000).to_bytes(8, "big") + bytes(4),
        HEADER.pack(12, FrameType.BATCH, 77) + (1).to_bytes(8, "big") + bytes(4),
        HEADER.pack(3, FrameType.CREDIT, CONTROL_LANE) + bytes(3),
        HEADER.pack(0, FrameType.HELLO, CONTROL_LANE),
        HEADER.pack(2, FrameType.REQUEST, 254) + bytes(2),
        HEADER.pack(2, FrameType.PONG, CONTROL_LANE) + bytes(2),
    ],
    ids=[
        "unknown type",
        "short batch",
        "gap",
        "lane",
        "short credit",
        "hello again",
        "short request",
        "pong",
    ],
)
async def test_a_peer_that_breaks_the_protocol_loses_its_link_and_nothing_else(
    kind: str, frame: bytes
) -> None:
    async with open_cluster(kind) as cluster:
        a, b = await cluster.add("node-a"), await cluster.add("node-b")
        a.knows(b)
        b.knows(a)
        await a.mesh.request("node-b", "echo", b"", 5)
        link_of(a).write(0, frame)
        await until(lambda: a.keeper.links[-1][1] == "down" and b.keeper.links[-1][1] == "down")
        assert a.keeper.links[-1][3] == b.keeper.links[-1][3] == "protocol-error"
        a.mesh.send("node-b", 1, [b"still here"])
        await until(lambda: b.keeper.count == 1)


async def test_a_client_of_stock_aioquic_without_a_certificate_sees_the_alert() -> None:
    async with open_cluster("quic") as cluster:
        server = await cluster.add("node-b")
        configuration = QuicConfiguration(
            is_client=True,
            alpn_protocols=[ALPN],
            server_name="node-b.mesh",
            cadata=cluster.pki.authority.certificate_pem,
        )
        end = await run_quic_client(QuicConnection(configuration=configuration), server.address)
        assert end.error_code == 0x174
        assert server.mesh.stats.refused[EndReason.NO_CERTIFICATE] == 1
        assert server.keeper.links == []


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
async def test_a_plain_tls_client_is_refused(version: ssl.TLSVersion) -> None:
    async with open_cluster("tcp") as cluster:
        server = await cluster.add("node-b")
        context = ssl.create_default_context(cadata=cluster.pki.authority.certificate_pem.decode())
        context.maximum_version = version
        with pytest.raises((ssl.SSLError, ConnectionError)):
            await say_hello(server.address, context)
        await until(lambda: server.mesh.stats.refused.total() == 1)
        expected = EndReason.NO_CERTIFICATE if version is ssl.TLSVersion.TLSv1_3 else EndReason.NOT_TLS
        assert dict(server.mesh.stats.refused) == {expected: 1}


@pytest.mark.parametrize("kind", SOCKET_KINDS)
async def test_a_stranger_that_never_greets_is_let_go(kind: str) -> None:
    async with open_cluster(kind) as cluster:
        server = await cluster.add("node-b", handshake_timeout_s=0.1)
        dialler = await cluster.add("node-a")
        port = dialler.mesh._port
        assert port is not None
        link = await port.carriers[kind].dial("node-b", server.address)
        await until(lambda: link.closed)
        assert dict(server.mesh.stats.refused) == {EndReason.TIMEOUT: 1}


async def test_a_tcp_connection_that_says_nothing_is_let_go_without_a_line(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with open_cluster("tcp") as cluster:
        server = await cluster.add("node-b", handshake_timeout_s=0.05)
        reader, writer = await asyncio.open_connection(*server.address)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        writer.close()
        assert lines(caplog) == []


async def test_only_so_many_strangers_may_be_in_their_handshake() -> None:
    async with open_cluster("tcp") as cluster:
        server = await cluster.add("node-b", handshakes_max=2)
        silent = [await asyncio.open_connection(*server.address) for _ in range(2)]
        reader, writer = await asyncio.open_connection(*server.address)
        with pytest.raises((ConnectionResetError, asyncio.IncompleteReadError)):
            await asyncio.wait_for(reader.readexactly(1), 5)
        for _, each in [*silent, (reader, writer)]:
            each.transport.abort()
        await asyncio.sleep(0)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
async def test_a_port_in_use_is_named(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as holder:
        holder.bind((HOST, 0))
        if kind is socket.SOCK_STREAM:
            holder.listen()
        port = holder.getsockname()[1]
        async with open_cluster("auto") as cluster:
            with pytest.raises(PortInUse, match=f"port {port} on 127.0.0.1 is held"):
                await cluster.add("node-a", port=port)
            assert (await cluster.add("node-a")).address[1] != port


def test_credentials_of_another_node_do_not_make_a_mesh() -> None:
    good = Pki().credentials("node-a")
    with pytest.raises(InvalidCredentials, match="node-b"):
        tls.build(replace(good, node_id="node-b"))
    assert "PRIVATE" not in repr(good)


async def test_another_aioquic_than_the_checked_one_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(quic_hook, "CHECKED_VERSION", "9.9.")
    mesh = Mesh(Pki().credentials("node-a"), Settings(), Keeper(), epoch=1)
    with pytest.raises(UnsupportedQuic, match=r"checked with 9\.9\.x only"):
        await mesh.open(HOST, 0)


def link_of(node: Node) -> Link:
    connections = node.mesh._connections
    assert connections is not None
    line = next(iter(connections.peers.values())).line
    assert line is not None
    return line.link


async def run_quic_client(client: QuicConnection, address: tuple[str, int]) -> ConnectionTerminated:
    """Drive a connection of aioquic over a socket until it ends."""
    loop = asyncio.get_running_loop()
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.setblocking(False)
    udp.bind((HOST, 0))
    try:
        client.connect(address, now=loop.time())
        async with asyncio.timeout(5):
            while True:
                for data, target in client.datagrams_to_send(now=loop.time()):
                    udp.sendto(data, target)
                while (event := client.next_event()) is not None:
                    if isinstance(event, ConnectionTerminated):
                        return event
                due = client.get_timer()
                wait_s = 0.05 if due is None else max(0.001, due - loop.time())
                try:
                    async with asyncio.timeout(wait_s):
                        client.receive_datagram(await loop.sock_recv(udp, 65535), address, now=loop.time())
                except TimeoutError:
                    client.handle_timer(now=loop.time())
    finally:
        udp.close()


async def say_hello(address: tuple[str, int], context: ssl.SSLContext) -> None:
    """Speak TLS to a node like any client, and raise when it hangs up."""
    reader, writer = await asyncio.open_connection(*address, ssl=context, server_hostname="node-b.mesh")
    try:
        writer.write(b"hello")
        data = await asyncio.wait_for(reader.read(), 5)
        raise ConnectionError(f"closed after {data!r}")
    finally:
        writer.transport.abort()
        await asyncio.sleep(0)
