import asyncio

import pytest

from caxton_node.core.errors import DeliveryFailed
from caxton_node.messaging import Outbound
from tests.support.data_plane import until

pytestmark = pytest.mark.story("002")


async def test_a_bug_on_the_way_to_the_mesh_costs_its_own_frames_and_stops_nothing() -> None:
    loop, taken, complaints = asyncio.get_running_loop(), [], []
    loop.set_exception_handler(lambda _loop, context: complaints.append(context["exception"]))

    def send(node: str, lane_key: int, frames: object) -> None:
        if node == "broken":
            raise LookupError(node)
        if node == "gone":
            raise DeliveryFailed(node)
        taken.append((node, lane_key, frames))

    def refused(*_: object) -> None:
        raise ArithmeticError

    out = Outbound(loop, send)
    out.connect(refused)
    for node in ("n1", "broken", "n2", "gone", "n3"):
        assert out.send(node, 0, [b"a", b"b"])
    await until(lambda: len(taken) == 3)
    assert taken == [(node, 0, [b"a", b"b"]) for node in ("n1", "n2", "n3")]
    assert [type(found) for found in complaints] == [LookupError, ArithmeticError]
    assert (out.forwarded, out.pending, out._bytes) == (6, 0, 0)
    assert out.send("n1", 0, [b"c"])
    await until(lambda: out.forwarded == 7)
