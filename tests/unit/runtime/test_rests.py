"""A rest, and what ends it before its time."""

from __future__ import annotations

import pytest

from caxton_node.runtime import Limits
from caxton_node.runtime.batching import Batching
from caxton_node.runtime.slot import FULL_PACE, Pace
from tests.support.data_plane import Agent, DataPlane, until
from tests.support.guests import request, tiny

pytestmark = pytest.mark.story("016")
SLOW = tiny(
    handle="""(local $n i32) (local.set $n (i32.const 20000000))
      (loop $spin (br_if $spin (local.tee $n (i32.sub (local.get $n) (i32.const 1)))))
      (call $handled (i32.const 1)) (i32.const 0)"""
)
LIMITS = Limits(fuel_per_message=10**9, batch_max=1)
SLEEPY = Pace(batch_max=1, share=0.0001)


def send(agent: Agent, count: int) -> None:
    for _ in range(count):
        agent.mailbox.put(request("hello"))


def change(plane: DataPlane, agent: Agent, pace: Pace) -> None:
    plane.scheduler.detach(agent.slot)
    agent.slot.apply(LIMITS, pace, Batching.ADAPTIVE)
    plane.scheduler.attach(agent.slot)


async def test_other_bounds_end_a_rest() -> None:
    with DataPlane() as plane:
        agent = plane.add("agent", SLOW, limits=LIMITS)
        change(plane, agent, SLEEPY)
        send(agent, 3)
        await until(lambda: agent.slot.resting)
        change(plane, agent, FULL_PACE)
        await until(lambda: agent.handled == 3)


async def test_a_pause_does_not_end_a_rest() -> None:
    with DataPlane() as plane:
        agent = plane.add("agent", SLOW, limits=LIMITS)
        change(plane, agent, SLEEPY)
        send(agent, 3)
        await until(lambda: agent.slot.resting)
        plane.scheduler.detach(agent.slot)
        plane.scheduler.attach(agent.slot)
        assert agent.slot.resting
        assert not agent.slot.queued


async def test_the_end_of_an_earlier_rest_does_not_end_a_later_one() -> None:
    with DataPlane() as plane:
        agent = plane.add("agent", SLOW, limits=LIMITS)
        change(plane, agent, SLEEPY)
        send(agent, 3)
        await until(lambda: agent.slot.resting)
        earlier = agent.slot.rest_number
        change(plane, agent, SLEEPY)
        await until(lambda: agent.slot.resting)
        plane.scheduler._end_rest((agent.slot, earlier))
        assert agent.slot.resting
        plane.scheduler._end_rest((agent.slot, agent.slot.rest_number))
        await until(lambda: agent.handled == 3)
