"""The proxies that tests put in front of links do what they say, or the tests behind them prove nothing."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator

import pytest

from tests.support.rough_line import PERFECT, Conditions, Kind
from tests.support.tcp_proxy import TcpProxy
from tests.support.toxics import Toxic, ToxicProxy
from tests.support.toxiproxy import ToxiproxyServer, can_be_had
from tests.support.udp_proxy import UdpProxy

pytestmark = pytest.mark.story("019")

HOST = "127.0.0.1"
PATIENCE_S = 10.0
SOON_S = 0.3
GOSSIP, QUIC = b"\x01gossip", b"\x41quic"


# -- UDP ----------------------------------------------------------------------------------------------------


def udp_socket() -> socket.socket:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind((HOST, 0))
    bound.settimeout(PATIENCE_S)
    return bound


@pytest.fixture
def datagrams() -> Iterator[tuple[socket.socket, socket.socket, UdpProxy]]:
    """A client that is connected to a proxy, a server behind it, and the proxy."""
    with udp_socket() as client, udp_socket() as server, UdpProxy(server.getsockname()) as proxy:
        client.connect((HOST, proxy.port))
        yield client, server, proxy


def test_datagrams_go_there_and_back(datagrams) -> None:
    client, server, proxy = datagrams
    client.send(QUIC)
    data, source = server.recvfrom(100)
    server.sendto(b"\x42answer", source)
    assert (data, client.recv(100)) == (QUIC, b"\x42answer")
    assert (proxy.there.passed, proxy.back.passed) == (1, 1)


def test_a_delay_holds_datagrams_back_and_keeps_their_order(datagrams) -> None:
    client, server, proxy = datagrams
    proxy.change(Conditions(delay_s=0.05, jitter_s=0.02))
    began = time.monotonic()
    for number in range(50):
        client.send(QUIC + bytes([number]))
    assert [server.recv(100)[-1] for _ in range(50)] == list(range(50))
    assert time.monotonic() - began >= 0.05


def test_loss_takes_its_share_and_only_in_its_direction(datagrams) -> None:
    client, server, proxy = datagrams
    proxy.change(Conditions(loss=1.0), PERFECT)
    client.send(QUIC)
    proxy.change(PERFECT, Conditions(loss=1.0))
    client.send(b"\x41second")
    data, source = server.recvfrom(100)
    server.sendto(b"\x41answer", source)
    client.settimeout(SOON_S)
    with pytest.raises(TimeoutError):
        client.recv(100)
    assert data == b"\x41second"
    assert (proxy.there.lost, proxy.back.lost) == (1, 1)


def test_one_kind_can_be_silenced_and_all_datagrams_doubled(datagrams) -> None:
    client, server, proxy = datagrams
    proxy.change(Conditions(duplicate=1.0, blocks=frozenset({Kind.QUIC})))
    client.send(QUIC)
    client.send(GOSSIP)
    assert [server.recv(100) for _ in range(2)] == [GOSSIP, GOSSIP]


def test_a_rebinding_shows_another_port_and_the_way_back_still_leads_to_the_client(datagrams) -> None:
    client, server, proxy = datagrams
    client.send(b"\x41one")
    _, before = server.recvfrom(100)
    proxy.rebind()
    client.send(b"\x41two")
    _, after = server.recvfrom(100)
    server.sendto(b"\x41late", before)
    server.sendto(b"\x41good", after)
    assert before != after
    assert client.recv(100) == b"\x41good"
    assert proxy.flows_made == 2


def test_a_reset_forgets_what_is_on_its_way(datagrams) -> None:
    client, server, proxy = datagrams
    proxy.change(Conditions(delay_s=0.2))
    client.send(b"\x41lost")
    proxy.reset()
    proxy.change(PERFECT)
    client.send(b"\x41second")
    assert server.recv(100) == b"\x41second"


# -- TCP, by both proxies -----------------------------------------------------------------------------------


class Echo:
    """A server that says back what it hears."""

    def __init__(self) -> None:
        self._listening = socket.create_server((HOST, 0))
        self.port: int = self._listening.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listening.close()

    def _accept(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                accepted, _ = self._listening.accept()
                threading.Thread(target=self._serve, args=(accepted,), daemon=True).start()

    def _serve(self, accepted: socket.socket) -> None:
        with contextlib.suppress(OSError), accepted:
            while data := accepted.recv(65536):
                accepted.sendall(data)


@pytest.fixture(params=["stand-in", *(["toxiproxy"] if can_be_had() else [])])
def connected(request) -> Iterator[tuple[socket.socket, ToxicProxy]]:
    """A client that is connected to an echo through a proxy: ours, and toxiproxy where Go is."""
    with contextlib.ExitStack() as stack:
        echo = stack.enter_context(contextlib.closing(Echo()))
        if request.param == "toxiproxy":
            proxy: ToxicProxy = stack.enter_context(ToxiproxyServer()).proxy(echo.port)
        else:
            proxy = stack.enter_context(TcpProxy(echo.port))
        client = stack.enter_context(socket.create_connection((HOST, proxy.port), timeout=PATIENCE_S))
        assert say(client, b"hello") == b"hello"
        yield client, proxy


def say(client: socket.socket, data: bytes) -> bytes:
    """Say something and return as much of the answer, or what came before the end."""
    client.sendall(data)
    heard = b""
    while len(heard) < len(data) and (piece := client.recv(65536)):
        heard += piece
    return heard


def say_until_it_ends(client: socket.socket) -> None:
    """Say something again and again until the other side has closed."""
    while say(client, b"hello?"):
        pass


@pytest.mark.parametrize(
    ("toxic", "size", "at_least_s"),
    [
        (Toxic("latency", {"latency": 50}), 100, 0.1),
        (Toxic("bandwidth", {"rate": 100}), 20_000, 0.2),
        (Toxic("slicer", {"average_size": 100, "delay": 2000}), 5_000, 0.05),
    ],
    ids=lambda value: getattr(value, "type", ""),
)
def test_a_toxic_slows_what_passes_and_loses_nothing(connected, toxic, size, at_least_s) -> None:
    client, proxy = connected
    proxy.add(toxic)
    data = bytes(number % 251 for number in range(size))
    began = time.monotonic()
    assert say(client, data) == data
    assert time.monotonic() - began >= at_least_s
    proxy.clear()
    assert say(client, data) == data


def test_connections_can_be_reset(connected) -> None:
    client, proxy = connected
    proxy.add(Toxic("reset_peer", {"timeout": 0}))
    # toxiproxy ends a connection that it had before the toxic without RST
    with contextlib.suppress(ConnectionError):
        say_until_it_ends(client)
    other = socket.create_connection((HOST, proxy.port), timeout=PATIENCE_S)
    with other, pytest.raises(ConnectionError):
        say_until_it_ends(other)


def test_a_connection_can_fall_silent_and_then_end(connected) -> None:
    client, proxy = connected
    proxy.add(Toxic("timeout", {"timeout": 200}))
    assert say(client, b"hello?") == b""


def test_a_silence_without_end_swallows_and_a_new_connection_is_good_after_it(connected) -> None:
    client, proxy = connected
    proxy.add(Toxic("timeout", {"timeout": 0}))
    client.settimeout(SOON_S)
    with pytest.raises(TimeoutError):
        say(client, b"hello?")
    proxy.clear()
    with socket.create_connection((HOST, proxy.port), timeout=PATIENCE_S) as other:
        assert say(other, b"again") == b"again"
