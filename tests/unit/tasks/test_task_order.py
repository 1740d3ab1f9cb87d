import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.tasks.order import Order, check, check_size

pytestmark = pytest.mark.story("011")

WALL = b'{"task": "wall"}'


def order(**given: object) -> Order:
    return Order(**{"content": WALL, "capability": "masonry", **given})


def test_a_plain_order_passes():
    check(order())
    check(Order(content=b'"just text"', contractors=("mason-1", "mason-2@n2")))


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"capability": ""}, "nobody is to be called"),
        ({"content": b""}, "the task is not JSON"),
        ({"content": b"wall"}, "the task is not JSON"),
        ({"content": b"[" * 100_000}, "the task is not JSON"),
        ({"capability": "x" * 64}, "is no name of a capability"),
        ({"contractors": ("Not A Name",)}, "is not an agent name"),
        ({"contractors": tuple(f"m{n}" for n in range(1_001))}, "1,001 contractors"),
        ({"winners": 0}, "0 winners"),
        ({"winners": 101}, "101 winners"),
        ({"rounds_max": 21}, "21 rounds"),
        ({"participants_max": 1_001}, "1001 participants"),
        ({"reserves": 2_000}, "2000 reserves"),
        ({"proposals_within_s": 0.001}, "seconds for proposals"),
        ({"results_within_s": 1e6}, "seconds for results"),
        ({"prefer": ("cheap",)}, "is not a preference"),
        ({"require": ("cheap",)}, "is not a requirement"),
        ({"steps": ("price=1",)}, "has no meaning"),
        ({"protocol": "fipa-request"}, "fipa-request does not fit"),
        ({"protocol": "fipa-contract-net", "rounds_max": 2}, "does not fit"),
    ],
)
def test_an_order_that_cannot_be_carried_out_says_why(given, says):
    with pytest.raises(InvalidArgument, match=says):
        check(order(**given))


def test_the_protocol_follows_from_the_rounds():
    assert order().protocol_name == "fipa-contract-net"
    assert order(rounds_max=3).protocol_name == "fipa-iterated-contract-net"


def test_what_is_sent_and_what_is_written_down_is_bounded_altogether():
    large = order(content=b'"' + b"x" * 100_000 + b'"')
    check_size(large, 600)
    with pytest.raises(InvalidArgument, match="too much at once"):
        check_size(large, 1_000)
    check_size(order(rounds_max=10), 500)
    with pytest.raises(InvalidArgument, match="10 rounds with 501 contractors"):
        check_size(order(rounds_max=10), 501)
