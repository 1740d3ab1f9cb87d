"""How addresses are read and found."""

import pytest

from caxton_node.cluster.addresses import advertised_address, resolve, split_host_port
from caxton_node.core.errors import InvalidConfig


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("host", ("host", 7946)),
        ("host:1", ("host", 1)),
        ("10.0.0.1:2", ("10.0.0.1", 2)),
        ("[::1]:3", ("::1", 3)),
        ("[::1]", ("::1", 7946)),
        ("::1", ("::1", 7946)),
    ],
)
def test_hosts_and_ports_are_read_in_every_form(text, address):
    assert split_host_port(text, 7946) == address


def test_a_port_that_is_no_number_is_refused():
    with pytest.raises(InvalidConfig, match="host:port"):
        split_host_port("host:mesh", 1)


def test_what_is_advertised_wins_over_what_is_listened_on():
    assert advertised_address("0.0.0.0", 7946, "192.0.2.7:80") == ("192.0.2.7", 80)
    assert advertised_address("127.0.0.1", 7946, "") == ("127.0.0.1", 7946)


def test_a_name_that_is_advertised_is_looked_up_once():
    assert advertised_address("0.0.0.0", 7946, "localhost:80") in {("127.0.0.1", 80), ("::1", 80)}
    with pytest.raises(InvalidConfig, match="cannot be looked up"):
        advertised_address("0.0.0.0", 7946, "no-such-host.invalid")


def test_an_unspecified_host_is_advertised_as_an_address_of_this_machine():
    host, port = advertised_address("0.0.0.0", 7946, "")
    assert host not in {"0.0.0.0", ""}
    assert port == 7946


async def test_a_seed_that_cannot_be_looked_up_does_not_hide_the_others():
    assert await resolve(["no-such-host.invalid:1", "127.0.0.1:2"]) == [("127.0.0.1", 2)]
