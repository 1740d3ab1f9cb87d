"""How large datagrams are, and how addresses keep their interface."""

from __future__ import annotations

import socket

import pytest

from transport import Profile, Settings
from transport.links.path_mtu import LARGEST_BYTES, SMALLEST_BYTES, datagram_bytes_for, find_payload_bytes
from transport.links.udp import numbered, socket_address

pytestmark = pytest.mark.story("022")


def test_loopback_carries_the_largest() -> None:
    assert datagram_bytes_for(Settings(), ("127.0.0.1", 7946)) == LARGEST_BYTES
    assert datagram_bytes_for(Settings(), ("::1", 7946)) == LARGEST_BYTES


def test_a_path_shared_with_others_is_not_trusted() -> None:
    assert datagram_bytes_for(Settings(profile=Profile.WAN), ("127.0.0.1", 7946)) == SMALLEST_BYTES


def test_a_size_that_is_set_is_taken() -> None:
    assert datagram_bytes_for(Settings(datagram_bytes=2000), ("127.0.0.1", 7946)) == 2000


def test_without_a_route_the_smallest_is_taken() -> None:
    nowhere = ("fe80::1%4294967294", 7946)  # no interface has this number
    assert find_payload_bytes(nowhere) is None
    assert datagram_bytes_for(Settings(), nowhere) == SMALLEST_BYTES


def test_a_link_local_address_keeps_its_interface() -> None:
    loopback = socket.if_nametoindex("lo")
    assert socket_address(("fe80::1%lo", 1)) == ("fe80::1", 1, 0, loopback)
    assert socket_address((f"fe80::1%{loopback}", 1)) == ("fe80::1", 1, 0, loopback)
    assert socket_address(("2001:db8::1", 1)) == ("2001:db8::1", 1)
    assert socket_address(("192.0.2.1", 1)) == ("192.0.2.1", 1)


def test_an_interface_is_written_as_answers_from_there_will_show_it() -> None:
    loopback = socket.if_nametoindex("lo")
    assert numbered(("fe80::1%lo", 1)) == numbered((f"fe80::1%{loopback}", 1)) == (f"fe80::1%{loopback}", 1)
    assert numbered(("192.0.2.1", 1)) == ("192.0.2.1", 1)
    with pytest.raises(OSError, match="interface"):
        numbered(("fe80::1%no-such", 1))
