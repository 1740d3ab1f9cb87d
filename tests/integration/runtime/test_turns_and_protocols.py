"""How an agent's turns are filled and its protocols are kept to, as an operator sets them."""

from __future__ import annotations

import asyncio

import pytest

from caxton_node.agents.change import Change
from caxton_node.agents.manifest import Manifest
from caxton_node.core.errors import InvalidArgument
from caxton_node.fipa.policy import ProtocolPolicy
from caxton_node.runtime.batching import RULES, Batching
from tests.support.agents import House, open_house
from tests.support.guests import wat

pytestmark = pytest.mark.story("031")
ECHO = wat("echo").encode()
# The same agent in another module.
ECHO_2 = ECHO.replace(b"(module\n", b'(module\n  (data (i32.const 900) "two")\n', 1)
MANIFEST = Manifest("agent", batching=Batching.LATENCY, protocols=ProtocolPolicy.WARN)


def in_force(house: House, name: str = "agent") -> tuple[Batching, ProtocolPolicy]:
    """Return what the workers and the router hold an agent to."""
    instance = house.service._roster.get(f"default/{name}").instance
    assert instance._slot is not None
    return instance._slot.batching, house.router._destinations.agents[instance.id].policy


async def test_what_is_deployed_is_in_force_at_once_and_after_a_restart(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(MANIFEST, ECHO)
        await house.service.deploy(Manifest("plain"), ECHO)
        assert in_force(house) == (Batching.LATENCY, ProtocolPolicy.WARN)
        assert in_force(house, "plain") == (Batching.ADAPTIVE, ProtocolPolicy.ENFORCE)
        assert house.service.get("agent").batch_now == RULES[Batching.LATENCY].first_batch
    async with open_house(tmp_path) as house:
        assert in_force(house) == (Batching.LATENCY, ProtocolPolicy.WARN)
        assert house.service.get("agent").manifest == MANIFEST


async def test_both_change_while_the_agent_works_and_nothing_is_lost(tmp_path):
    async with open_house(tmp_path) as house:
        before = await house.service.deploy(MANIFEST, ECHO)
        done = asyncio.Event()

        async def ask() -> int:
            answers = 0
            while not done.is_set():
                assert (await house.ask("agent", b"1")).content == b"1"
                answers += 1
            return answers

        askers = [asyncio.create_task(ask()) for _ in range(4)]
        for batching in (*Batching, *Batching):
            for protocols in ProtocolPolicy:
                await house.service.update("agent", Change(batching=batching, protocols=protocols))
                assert in_force(house) == (batching, protocols)
        done.set()
        assert all(await asyncio.gather(*askers))
        after = house.service.get("agent")
        assert (after.instance, after.restarts) == (before.instance, 0)
        assert (after.manifest.batching, after.manifest.protocols) == (Batching.SINGLE, ProtocolPolicy.OFF)


async def test_one_changes_without_the_other_and_both_outlive_another_module(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(MANIFEST, ECHO)
        await house.service.update("agent", Change(protocols=ProtocolPolicy.OFF))
        assert in_force(house) == (Batching.LATENCY, ProtocolPolicy.OFF)
        view = await house.service.update("agent", Change(module=ECHO_2))
        assert view.number == 2
        assert in_force(house) == (Batching.LATENCY, ProtocolPolicy.OFF)
        await house.service.update("agent", Change(module=ECHO, batching=Batching.SINGLE))
        assert in_force(house) == (Batching.SINGLE, ProtocolPolicy.OFF)


async def test_an_agent_that_is_stopped_starts_with_what_was_set_meanwhile(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(MANIFEST, ECHO)
        await house.service.stop("agent")
        assert house.service.get("agent").batch_now == 0
        await house.service.update("agent", Change(batching=Batching.SINGLE))
        await house.service.start("agent")
        assert in_force(house) == (Batching.SINGLE, ProtocolPolicy.WARN)


async def test_a_change_of_nothing_is_still_refused(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(MANIFEST, ECHO)
        with pytest.raises(InvalidArgument, match="nothing is to be changed"):
            await house.service.update("agent", Change())
