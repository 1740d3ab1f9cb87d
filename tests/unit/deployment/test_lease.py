import pytest

from caxton_node.core.errors import Unavailable
from caxton_node.deployment.beating import METHOD, Beating
from caxton_node.deployment.lease import LEASE_S, Lease, lease_s
from tests.support.deployment_world.loop import VirtualClock

pytestmark = pytest.mark.story("026")

FIVE = ("n1", "n2", "n3", "n4", "n5")


def test_a_lease_lasts_from_the_asking_and_not_from_the_answer():
    lease = Lease("n1")
    lease.handle_answers(100.0, ["n2", "n3"], FIVE)
    assert lease.holds(100 + LEASE_S - 0.01, FIVE)
    assert not lease.holds(100 + LEASE_S, FIVE)


def test_fewer_answers_than_a_majority_needs_give_none():
    lease = Lease("n1")
    lease.handle_answers(100.0, ["n2"], FIVE)
    assert not lease.holds(100.0, FIVE)


def test_of_two_halves_the_one_with_the_smallest_id_gets_it():
    four = FIVE[:4]
    first, last = Lease("n1"), Lease("n4")
    first.handle_answers(0.0, ["n2"], four)
    last.handle_answers(0.0, ["n3"], four)
    assert (first.holds(1.0, four), last.holds(1.0, four)) == (True, False)


def test_an_answer_that_comes_late_takes_nothing_away():
    lease = Lease("n1")
    lease.handle_answers(100.0, FIVE, FIVE)
    lease.handle_answers(99.0, FIVE, FIVE)
    assert lease.holds(100 + LEASE_S - 0.01, FIVE)


def test_whoever_is_all_of_the_cluster_needs_nobody():
    assert Lease("n1").holds(0.0, ["n1"])
    assert not Lease("n1").holds(0.0, ["n1", "n2"])


def test_large_clusters_have_longer_leases_instead_of_more_requests():
    assert lease_s(3) == lease_s(50) == LEASE_S
    assert lease_s(1000) == pytest.approx(80)


class Others:
    """A cluster that registers what is served and says who is alive."""

    node_id = "n1"

    def __init__(self, *alive):
        self._alive = alive
        self.methods = {}

    def is_alive(self, node):
        return node in self._alive

    def serve(self, method, handler):
        self.methods[method] = handler


async def test_whoever_is_held_for_dead_gets_no_answer():
    cluster = Others("n2")
    Beating(cluster, VirtualClock())
    assert await cluster.methods[METHOD]("n2", b"") == b""
    with pytest.raises(Unavailable, match="n3 is held for dead"):
        await cluster.methods[METHOD]("n3", b"")
