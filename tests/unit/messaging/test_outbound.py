import asyncio

import pytest

from caxton_node.core.errors import DeliveryFailed
from caxton_node.messaging import Mailbox, Outbound
from caxton_node.messaging.pausing import Gate
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


async def test_a_turn_larger_than_the_buffer_goes_into_an_empty_one_and_its_sender_goes_on() -> None:
    taken: list[int] = []
    out = Outbound(asyncio.get_running_loop(), lambda _node, _lane, frames: bool(taken.append(len(frames))))
    agent = Mailbox(1)
    out._frames_max = 4
    assert out.send("n1", 0, [b"a"] * 20, agent)
    assert not out.send("n1", 0, [b"b"] * 20, agent)  # it is full, and will be emptied
    assert agent.waits_for is not None
    await until(lambda: agent.waits_for is None)
    assert taken == [20]
    assert out.send("n1", 0, [b"b"] * 20, agent)


async def test_nobody_waits_at_a_gate_that_was_opened_between_the_look_and_the_hold() -> None:
    out = Outbound(asyncio.get_running_loop(), lambda _node, _lane, _frames: False)
    out.hold("a@n1")
    gate = out.held["a@n1"]  # a worker has looked
    out.go_on("a@n1")
    agent = Mailbox(1)
    assert gate.hold(agent)
    assert agent.waits_for is None


def test_a_sender_without_patience_is_held_by_a_gate_no_more_unless_it_is_open() -> None:
    gate, agent = Gate(is_shut=True), Mailbox(1)
    assert gate.hold(agent)
    agent.resume_impatient()
    assert not gate.hold(agent)
    gate.is_shut = False
    assert gate.hold(agent)
