"""Group B, scenario 32: datagrams that do not leave this machine cost the probe, and nothing else."""

from __future__ import annotations

import socket

import pytest

from swim.errors import InvalidIdentity
from swim.member import Identity
from swim.statistics import Drop
from swim.timers import ProbePeriod
from tests.conformance.swim.scenes import settled
from tests.support.swim_pair import Peer, events
from transport.links.udp import UdpSocket

pytestmark = pytest.mark.story("018")


@pytest.mark.scenario(32)
def test_a_node_that_can_send_nothing_fails_its_probes() -> None:
    """The core never learns whether a datagram was sent: to send and hear nothing is a failed probe.

    Nobody is accused for it at once, since the fault is most likely this node's own.
    """
    stage, _ = settled(6)
    effects = stage.run_until(ProbePeriod) + stage.run_until(ProbePeriod)
    assert stage.membership.statistics.probes_failed == 1
    assert stage.membership.health == 1
    assert events(effects) == []


@pytest.mark.scenario(32)
async def test_a_datagram_that_the_kernel_refuses_is_counted() -> None:
    bound = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    bound.bind(("127.0.0.1", 0))
    udp = UdpSocket(bound, 65_536, lambda *_: None, lambda *_: None, lambda: None)
    udp.send(b"x", ("255.255.255.255", 9))  # not allowed on a socket that did not ask for it
    udp.close()
    assert udp.dropped == 1


@pytest.mark.scenario(32)
@pytest.mark.parametrize("host", ["\0", "10.0.0.1\0", "fe80::1%a\0b", "db.example"])
def test_an_address_that_no_socket_takes_is_refused(host: str) -> None:
    """With a NUL a send is no failure of the network but a mistake; a name would be looked up for each."""
    with pytest.raises(InvalidIdentity):
        Identity("a", (host, 7946), 1)
    stage, others = settled(2)
    stage.hear(others[0], Peer("newcomer", 9).record()._replace(host=host))
    assert stage.membership.find("newcomer") is None
    assert stage.membership.statistics.dropped[Drop.MALFORMED] == 1
