"""Group J, scenario 103: members at IPv4 and IPv6 addresses, over real sockets where that says something."""

from __future__ import annotations

import asyncio
import random
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import Protocol

import pytest

from caxton_node.cluster.gossip import Gossip
from caxton_node.core.clock import SystemClock
from swim import Identity, Keyring, Membership, Settings
from swim.errors import InvalidIdentity
from swim.member import Address
from swim.messages import Ack, Ping
from swim.statistics import Drop
from tests.conformance.swim.tables import moved
from tests.support.swim_pair import Peer, Subject, only
from transport.links.udp import UdpSocket

pytestmark = pytest.mark.story("018")

# Fast, but patient with a busy machine.
BRISK = replace(Settings.local(), suspicion_multiplier=8.0)


class Bound:
    """A membership on a real socket, driven by the pump of the daemon."""

    def __init__(self, node_id: str, host: str, advertised: str, happened: asyncio.Event) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        bound = socket.socket(family, socket.SOCK_DGRAM)
        bound.bind((host, 0))
        self.address: Address = (advertised or host, bound.getsockname()[1])
        core = Identity(node_id, self.address, 1)
        self.membership = Membership(core, BRISK, Keyring("test", [bytes(32)]), random.Random(node_id))
        self.socket = UdpSocket(bound, 65_536, self._receive, lambda *_: None, lambda: None)
        self.sources: set[Address] = set()
        self._pump = Gossip(self.membership, self.socket.send, lambda _: happened.set(), SystemClock())

    def start(self, *seeds: Address) -> None:
        self._pump.start(seeds)

    def close(self) -> None:
        self._pump.close()
        self.socket.close()

    def live(self) -> set[str]:
        return {member.node_id for member in self.membership.members() if member.is_live}

    def _receive(self, data: bytes, source: Address) -> None:
        self.sources.add(source)
        self._pump.receive(data, source)


class Open(Protocol):
    """Opens a member on a socket; `advertised` is the address that others use, by default its own."""

    def __call__(self, node_id: str, host: str, advertised: str = "") -> Bound:
        """Open one; it is closed after the test."""


@pytest.fixture
async def happened() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def open_at(happened: asyncio.Event) -> AsyncIterator[Open]:
    opened: list[Bound] = []

    def open_one(node_id: str, host: str, advertised: str = "") -> Bound:
        opened.append(Bound(node_id, host, advertised, happened))
        return opened[-1]

    yield open_one
    for node in opened:
        node.close()


async def until(condition: Callable[[], bool], happened: asyncio.Event) -> None:
    async with asyncio.timeout(20):
        while not condition():
            happened.clear()
            await happened.wait()


@pytest.mark.scenario(103)
async def test_three_nodes_meet_over_ipv6(open_at: Open, happened: asyncio.Event) -> None:
    nodes = [open_at(name, "::1") for name in ("one", "two", "three")]
    nodes[0].start()
    for node in nodes[1:]:
        node.start(nodes[0].address)
    await until(lambda: all(node.live() == {"one", "two", "three"} for node in nodes), happened)
    assert {host for node in nodes for host, _ in node.sources} == {"::1"}
    assert [node.socket.dropped for node in nodes] == [0, 0, 0]


@pytest.mark.scenario(103)
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
async def test_a_socket_for_both_families_speaks_to_members_of_both(
    open_at: Open, happened: asyncio.Event, host: str
) -> None:
    """Whoever listens on all addresses must reach an IPv4 member first, not only answer it."""
    both, other = open_at("both", "::", host), open_at("other", host)
    other.start()
    both.start(other.address)
    await until(lambda: both.live() == other.live() == {"both", "other"}, happened)
    assert both.socket.dropped == 0


# ---- the core, to which an address is a text and a number


HOSTS = ["10.0.0.7", "127.0.0.1", "::1", "2001:db8::7", "::ffff:10.0.0.7", "fe80::7%eth0", "fe80::7%2"]


@pytest.mark.scenario(103)
@pytest.mark.parametrize("host", HOSTS)
def test_any_address_of_one_host_is_taken_told_and_answered_as_it_is(host: str) -> None:
    assert Identity("bob", (host, 7946), 1).address == (host, 7946)
    subject = Subject()
    bob = moved(Peer("bob", 1), (host, 7946))
    subject.hear(bob, bob.record())
    member = subject.membership.find("bob")
    assert member is not None
    assert member.address == (host, 7946)
    assert only(bob.hears(subject.hear(bob, Ping(1, subject.key[:4], bytes(8)))), Ack)
    assert subject.membership.snapshot() == [("bob", (host, 7946), 1)]


@pytest.mark.scenario(103)
@pytest.mark.parametrize(
    "host", ["", "node.example", "10.0.0.256", "0.0.0.0", "::", "ff02::1", "224.0.0.1", "fe80::7%", "1%2%3"]
)
def test_what_is_not_the_address_of_one_host_is_refused(host: str) -> None:
    with pytest.raises(InvalidIdentity):
        Identity("bob", (host, 7946), 1)
    subject = Subject()
    bob = Peer("bob", 1)
    subject.hear(bob, bob.record()._replace(host=host))
    assert subject.membership.find("bob") is None
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1


@pytest.mark.scenario(103)
def test_a_member_that_answers_from_its_mapped_address_is_the_same_member() -> None:
    """Members are told apart by the key of their seal, so one host in two notations is one member.

    Memberlist has lists of networks that may join, for each family; here the group key decides.
    """
    subject = Subject()
    bob = Peer("bob", 1)
    subject.meet(bob)
    mapped = moved(bob, ("::ffff:10.0.0.1", 7946))
    assert only(mapped.hears(subject.hear(mapped, Ping(1, subject.key[:4], bytes(8)))), Ack)
    member = subject.membership.find("bob")
    assert member is not None
    assert member.address == bob.address
    assert len(subject.membership.members()) == 2
