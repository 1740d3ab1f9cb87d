import pytest

from caxton_node.messaging import RouteTable
from caxton_node.messaging.destinations import NODES_MAX, Destinations
from tests.support.post_office import ListPort

pytestmark = pytest.mark.story("002")


def test_a_sender_that_names_endless_nodes_does_not_grow_the_table_of_lanes() -> None:
    destinations = Destinations("node-1", RouteTable(), ListPort())
    for number in range(NODES_MAX + 1):
        assert destinations.find(f"x@n{number}", "talk-1").node == f"n{number}"
    assert len(destinations._lanes) == 1
    assert destinations.find("x@n0", "talk-1").destination is destinations.find("y@n0", "talk-1").destination
