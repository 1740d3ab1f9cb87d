"""Whether one more call may come in: which limit counts, what a refusal costs, who is let in all the same."""

import pytest

from caxton_node.core.errors import Overloaded, RateLimited, RequestTooLarge, ResourceLimit
from caxton_node.resilience import (
    OPERATOR,
    Allowance,
    Limits,
    Rate,
    Settings,
    Visitor,
    check_size,
    stranger_at,
)
from caxton_node.resilience.limit_book import LimitBook, Scope, kind_of
from caxton_node.resilience.settings import DEFAULTS

pytestmark = pytest.mark.story("030")

LIST, DEPLOY, SEND = (
    "CaxtonManagement/ListAgents",
    "CaxtonManagement/DeployAgent",
    "CaxtonManagement/SendMessage",
)
HEALTH = "CaxtonManagement/Health"
CI, DEV = Visitor("api-key:ci"), Visitor("api-key:dev")


class Door:
    """Limits, and a clock that stands still until it is moved."""

    def __init__(self, settings: Settings | None = None) -> None:
        self.now = 1_000.0
        self.limits = Limits(settings, lambda: self.now)
        self.headers: dict[str, str] = {}

    def knock(self, visitor=CI, rate=Rate.READ, operation=LIST, *, times=1, streams=False) -> int:
        """Make calls that end at once; return how many were let in."""
        let_in = 0
        for _ in range(times):
            self.headers = {}
            try:
                self.limits.admit(visitor, rate, operation, streams=streams, headers=self.headers).leave()
                let_in += 1
            except RateLimited:
                pass
        return let_in


def test_the_defaults_are_those_of_the_names_page():
    door = Door()
    assert door.knock(times=1_100) == 1_000
    assert door.knock(rate=Rate.DEPLOY, operation=DEPLOY, times=30) == 20
    assert door.knock(rate=Rate.SEND, operation=SEND, times=2_100) == 2_000
    door.now += 60
    assert door.knock(rate=Rate.DEPLOY, operation=DEPLOY, times=30) == 10


def test_each_client_has_its_own():
    door = Door()
    assert door.knock(CI, times=1_001) == door.knock(DEV, times=1_001) == 1_000


def test_a_refusal_says_whose_limit_it_was_and_when_to_come_again():
    door = Door()
    door.knock(rate=Rate.DEPLOY, operation=DEPLOY, times=20)
    with pytest.raises(RateLimited, match="api-key:ci") as caught:
        door.limits.admit(CI, Rate.DEPLOY, DEPLOY, streams=False, headers=door.headers)
    assert caught.value.retry_after_s == pytest.approx(6.0, abs=0.1)
    assert "deploy" in caught.value.why
    assert door.headers["Retry-After"] == "6"
    assert door.headers["X-RateLimit-Remaining"] == "0"
    assert door.headers["X-RateLimit-Limit"] == "20"
    assert door.limits.meters.refused == {(Scope.CLASS, Rate.DEPLOY): 1}


def test_a_refused_call_costs_nothing_of_the_other_bucket():
    settings = Settings(allowances={"node": Allowance(1, 1.0, 10), "client": Allowance(1, 1.0, 3)})
    door = Door(settings)
    assert door.knock(CI, times=100) == 3
    assert door.knock(DEV, times=100) == 3  # the 97 refusals of the first took nothing from the node
    assert door.knock(Visitor("jwt:eve"), times=100) == 3
    assert door.knock(Visitor("jwt:last"), times=100) == 1  # ten: now the node has had enough
    door.now += 1
    assert door.knock(Visitor("jwt:last"), times=100) == 1  # and the client's bucket was not emptied by that


def test_the_most_specific_limit_takes_the_place_of_the_others():
    book = LimitBook(DEFAULTS)
    assert book.find(CI, Rate.DEPLOY, DEPLOY)[0] == "deploy"
    assert book.find(CI, Rate.READ, LIST)[0] == "client"
    slow, slower = Allowance(1, 1.0, 1), Allowance(1, 60.0, 1)
    book.use({LIST: slow, f"{LIST}@{CI.name}": slower, f"client@{DEV.name}": slower})
    assert book.find(CI, Rate.READ, LIST) == (LIST, slower)
    assert book.find(Visitor("jwt:eve"), Rate.READ, LIST) == (LIST, slow)
    assert book.find(DEV, Rate.READ, HEALTH) == ("client", slower)
    assert book.find(CI, Rate.READ, HEALTH) == ("client", DEFAULTS["client"])
    book.use({})
    assert book.find(CI, Rate.READ, LIST) == ("client", DEFAULTS["client"])


def test_a_limit_can_be_changed_while_it_is_in_use_and_what_was_used_stays_used():
    door = Door()
    door.knock(times=400)
    door.limits.use({"client": Allowance(1_000, 60.0, 500)})
    assert door.knock(times=1_000) == 100
    door.limits.use({"client": Allowance(0, 1.0, 1)})  # no limit
    assert door.knock(times=3_000) == 3_000
    assert door.headers == {}


def test_strangers_are_counted_by_address_and_apart_from_clients():
    door = Door()
    assert door.knock(stranger_at("ipv4:192.0.2.1"), Rate.WRITE, "ClusterService/Join", times=50) == 30
    assert door.knock(stranger_at("ipv4:192.0.2.2"), Rate.WRITE, "ClusterService/Join", times=50) == 30
    assert stranger_at("ipv6:[2001:db8::1]") == stranger_at("2001:db8::ffff:2")
    assert stranger_at("ipv6:[2001:db8:0:1::1]") != stranger_at("2001:db8::1")
    assert stranger_at("ipv6:%5B2001:db8::1%5D") == stranger_at("2001:db8::1")  # as gRPC writes it
    assert stranger_at("::ffff:192.0.2.1") == stranger_at("192.0.2.1")


def test_the_socket_gets_in_when_everybody_else_is_out():
    settings = Settings(
        allowances={"node": Allowance(1, 60.0, 1), "local": Allowance(100, 1.0, 100)}, calls_max=1
    )
    door = Door(settings)
    visit = door.limits.admit(CI, Rate.READ, LIST, streams=False, headers={})
    with pytest.raises(ResourceLimit, match="this node"):
        door.limits.admit(DEV, Rate.READ, LIST, streams=False, headers={})
    assert door.knock(OPERATOR, times=150) == 100
    visit.leave()
    assert door.knock(DEV) == 0  # the node's calls are used up
    door.limits.use({LIST: Allowance(1, 60.0, 1)})
    assert door.knock(OPERATOR, times=2) == 0
    door.now += 1
    assert door.knock(OPERATOR, times=200) == 100


def test_clients_that_are_remembered_are_bounded_and_strangers_push_out_none_of_them():
    door = Door(Settings(clients_max=10))
    assert door.knock(CI, times=2_000) == 1_000
    for number in range(100):
        door.knock(stranger_at(f"192.0.2.{number}"))
    assert door.knock(CI) == 0
    assert len(door.limits.meters) <= 20
    for number in range(100):
        door.knock(Visitor(f"jwt:{number}"))
    assert len(door.limits.meters) <= 20


def test_calls_and_streams_under_way_are_counted_until_they_leave():
    door = Door(Settings(client_calls_max=2, client_streams_max=1))
    first = door.limits.admit(CI, Rate.READ, LIST, streams=False, headers={})
    door.limits.admit(CI, Rate.READ, LIST, streams=False, headers={})
    stream = door.limits.admit(CI, Rate.WATCH, LIST, streams=True, headers={})
    with pytest.raises(ResourceLimit, match="2 under way already: that many calls"):
        door.limits.admit(CI, Rate.READ, LIST, streams=False, headers={})
    with pytest.raises(ResourceLimit, match="1 under way already: that many streams"):
        door.limits.admit(CI, Rate.WATCH, LIST, streams=True, headers={})
    door.knock(DEV)
    assert door.limits.occupancy.total == 3
    for _ in range(2):
        first.leave()
        stream.leave()  # twice is once
    assert door.limits.occupancy.total == 1
    door.knock()
    assert door.limits.occupancy.refused == {"calls": 1, "streams": 1}


def test_a_late_loop_refuses_reads_first_then_the_rest_but_never_health_or_the_socket():
    door = Door(Settings(shed_lag_s=0.3))
    for _ in range(20):
        door.limits.shedder.note(0.5)
    for rate in (Rate.READ, Rate.WATCH):
        with pytest.raises(Overloaded, match="too much"):
            door.limits.admit(CI, rate, LIST, streams=False, headers={})
    assert door.knock(rate=Rate.SEND, operation=SEND) == 1
    for _ in range(20):
        door.limits.shedder.note(1.5)
    for rate in Rate:
        with pytest.raises(Overloaded):
            door.limits.admit(CI, rate, LIST, streams=False, headers={})
    assert door.knock(operation=HEALTH) == door.knock(OPERATOR) == 1
    for _ in range(40):
        door.limits.shedder.note(0.0)
    assert door.knock() == 1


def test_one_late_timer_is_no_overload():
    door = Door(Settings(shed_lag_s=0.5))
    door.limits.shedder.note(600.0)  # the machine was suspended
    assert door.knock() == 1


def test_a_request_may_be_as_large_as_its_class_allows():
    check_size(Rate.DEPLOY, 50 * 2**20)
    check_size(Rate.SEND, 10 * 2**20)
    with pytest.raises(RequestTooLarge, match="bytes"):
        check_size(Rate.READ, 2**20)


@pytest.mark.parametrize(
    ("scope", "kind"), [("node", Scope.NODE), ("deploy", Scope.CLASS), (LIST, Scope.OPERATION)]
)
def test_a_scope_has_a_kind_for_the_metrics(scope, kind):
    assert kind_of(scope) is kind
