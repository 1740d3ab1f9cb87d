"""Which congestion control a TCP link gets: the one that endures loss, where the kernel has it."""

from __future__ import annotations

import socket
from collections.abc import Iterator

import pytest

from transport.links import tcp_congestion

pytestmark = pytest.mark.story("019")


@pytest.fixture
def bare() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as made:
        yield made


def control_of(made: socket.socket) -> bytes:
    return made.getsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, 16).rstrip(b"\0")


def test_one_that_every_kernel_has_is_used(bare: socket.socket) -> None:
    tcp_congestion.prefer(bare, b"reno")
    assert control_of(bare) == b"reno"


def test_the_default_stays_where_the_kernel_has_not_heard_of_it(bare: socket.socket) -> None:
    before = control_of(bare)
    tcp_congestion.prefer(bare, b"nobody-has-it")
    assert control_of(bare) == before


def test_a_socket_that_is_closed_already_does_no_harm(bare: socket.socket) -> None:
    bare.close()
    tcp_congestion.prefer(bare)
