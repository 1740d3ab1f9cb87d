"""Commands that meet at bad moments, stores that fail, nodes that end in the middle."""

from __future__ import annotations

import asyncio

import pytest

from caxton_node.agents.change import Change
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.supervision import RestartPolicy
from caxton_node.core.errors import CaxtonError, DeploymentFailed, StateError
from caxton_node.fipa import Envelope, Performative
from caxton_node.runtime import Limits
from tests.support.agents import NODE, House, open_house
from tests.support.data_plane import until
from tests.support.guests import faulty, wat
from tests.support.versions import keeper, passer

pytestmark = pytest.mark.story("003")
ECHO, FAULTY = wat("echo").encode(), faulty().encode()
SLOW = """(local $i i32)
  (loop $again
    (local.set $i (i32.add (local.get $i) (i32.const 1)))
    (br_if $again (i32.lt_u (local.get $i) (i32.const {n}))))"""


def ask_openly(house: House, talk: str = "open") -> None:
    """Begin a conversation that stays open until the agent answers, which a passer never does."""
    house.router.submit(
        Envelope(Performative.REQUEST, f"client@{NODE}", "worker", b"1", talk, "r1", protocol="fipa-request")
    )


async def retiring(house: House) -> None:
    """Bring the agent `worker` to where its first version retires beside the second."""
    house.router.add_platform_agent("recorder", lambda _envelope: None)
    await house.service.deploy(Manifest("worker", config={"next": "recorder"}), passer("a"))
    ask_openly(house)
    await until(lambda: house.router.counts().in_flight == 0)
    await house.service.update("worker", Change(module=passer("b"), version="2.0.0"), drain_s=60)
    assert house.service._roster.get("default/worker").retiring is not None


@pytest.mark.parametrize("then", [State.STOPPED, State.RUNNING, State.FAILED])
async def test_a_change_does_not_undo_what_was_commanded_before(tmp_path, then):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("agent"), FAULTY, start=False)
        await house.service.start("agent")
        if then is State.STOPPED:
            await house.service.stop("agent")
        if then is State.FAILED:
            for _ in range(4):
                await house.ask("agent", b"trap")
            await until(lambda: "left alone" in house.service.get("agent").last_error)
        await house.service.update("agent", Change(limits={"batch_max": 7}))
        failure = house.service.get("agent").failure
    async with open_house(tmp_path) as house:
        view = house.service.get("agent")
        assert (view.state, view.manifest.limits.batch_max, view.failure) == (then, 7, failure)


async def test_a_failure_is_forgotten_once_an_operator_has_started_the_agent(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("agent"), FAULTY)
        for _ in range(4):
            await house.ask("agent", b"trap")
        await until(lambda: "left alone" in house.service.get("agent").last_error)
        await house.service.start("agent")
        assert house.service.get("agent").failure is None
    async with open_house(tmp_path) as house:
        view = house.service.get("agent")
        assert (view.state, view.failure) == (State.RUNNING, None)


async def test_a_node_that_ends_while_a_checkpoint_is_taken_waits_for_its_guest(tmp_path):
    slow = keeper(before_checkpoint=SLOW.format(n=400_000_000))
    limits = Limits(fuel_per_message=2**40)
    for _ in range(2):
        async with open_house(tmp_path) as house:
            if not house.service.views():
                await house.service.deploy(Manifest("agent", checkpoint_every_s=0.1, limits=limits), slow)
            charge = house.service._roster.get("default/agent")
            await until(lambda charge=charge: charge.asked_at > 0)
        # it was asked, and the node ended in the middle of that


async def test_stopping_an_agent_whose_old_version_retires_ends_both(tmp_path):
    async with open_house(tmp_path) as house:
        await retiring(house)
        view, _ = await asyncio.wait_for(house.service.stop("worker", drain_s=0), 10)
        assert view.state is State.STOPPED
        assert house.router._destinations.handovers == {}
        assert house.router._destinations.agents == {}
        await house.service.start("worker")
        house.router.submit(Envelope(Performative.INFORM, f"x@{NODE}", "worker", b"2", "fresh"))
        await until(lambda: house.router.counts().in_flight == 0)
        assert house.router.counts().refused == 0


async def test_a_refused_command_leaves_a_retirement_alone(tmp_path):
    async with open_house(tmp_path) as house:
        await retiring(house)
        charge = house.service._roster.get("default/worker")
        with pytest.raises(StateError):
            await house.service.start("worker")
        with pytest.raises(CaxtonError):
            await house.service.update("worker", Change(limits={"batch_max": 0}))
        await house.service.update("worker", Change(limits={"batch_max": 9}))
        assert charge.retiring is not None
        assert charge.retiring.instance.state is State.DRAINING


async def test_versions_may_follow_one_another_before_the_first_has_gone(tmp_path):
    async with open_house(tmp_path) as house:
        await retiring(house)
        for number in (3, 1, 4):
            change = Change(module=passer("c"), version=f"{number}.0.0")
            await house.service.update("worker", change, drain_s=60)
            ask_openly(house, f"talk-{number}")
            await until(lambda: house.router.counts().in_flight == 0)
        counts = house.router.counts()
        assert (counts.refused, counts.dead_lettered) == (0, 0)
        assert house.service.get("worker").manifest.version == "4.0.0"


async def test_both_versions_are_promised_their_memory_as_long_as_both_live(tmp_path):
    async with open_house(tmp_path) as house:
        await retiring(house)
        admission = house.service._admission
        assert admission._bytes.total() == 2 * Limits().memory_bytes
        await house.service.stop("worker", drain_s=0)
        assert admission._bytes.total() == Limits().memory_bytes
        await house.service.undeploy("worker")
        assert admission._bytes.total() == 0


async def test_a_trap_of_the_version_that_retires_is_not_held_against_the_new_one(tmp_path):
    async with open_house(tmp_path) as house:
        house.router.add_platform_agent("recorder", lambda _envelope: None)
        await house.service.deploy(Manifest("worker"), FAULTY)
        cfp = Envelope(
            Performative.CFP, f"client@{NODE}", "worker", b"1", "open", "r1", protocol="fipa-contract-net"
        )
        house.router.submit(cfp)
        await until(lambda: house.router.counts().in_flight == 0)
        await house.service.update("worker", Change(module=passer("b"), version="2.0.0"), drain_s=60)
        poison = Envelope(
            Performative.REQUEST, f"client@{NODE}", "worker", b"trap", "open", "r2", language="text"
        )
        house.router.submit(poison)
        charge = house.service._roster.get("default/worker")
        await until(lambda: charge.retiring is None)
        view = house.service.get("worker")
        assert (view.state, view.failure, view.restarts) == (State.RUNNING, None, 0)


async def test_an_agent_that_waits_for_its_restart_can_be_stopped(tmp_path):
    slow = RestartPolicy(first_wait_s=60.0, jitter=0.0)
    async with open_house(tmp_path, policy=slow) as house:
        await house.service.deploy(Manifest("agent"), FAULTY)
        await house.ask("agent", b"trap")
        charge = house.service._roster.get("default/agent")
        await until(lambda: charge.timer is not None)
        view, _ = await house.service.stop("agent")
        assert (view.state, charge.timer) == (State.FAILED, None)
    async with open_house(tmp_path) as house:
        assert house.service.get("agent").state is State.FAILED


async def test_a_checkpoint_that_cannot_be_read_costs_only_itself(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("agent"), keeper())
        await house.service.stop("agent")
        await house.database.write("UPDATE checkpoints SET data = x'00ff00'", ())
        assert (await house.service.start("agent")).state is State.RUNNING


async def test_a_mended_version_of_a_failed_agent_goes_on_with_what_was_kept(tmp_path):
    never = keeper().replace(
        b'(func (export "caxton_init") (param $len i32) (result i32)',
        b'(func (export "caxton_init") (param $len i32) (result i32) (return (i32.const 7))'
        b") (func $init (param $len i32) (result i32)",
    )
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("worker"), keeper("a", start=5))
        await house.service.stop("worker")  # leaves 5
        await house.service.update("worker", Change(module=never))
        with pytest.raises(DeploymentFailed):
            await house.service.start("worker")
        assert house.service.get("worker").state is State.FAILED
        await house.service.update("worker", Change(module=keeper("b")))
        instance = house.service._roster.get("default/worker").instance
        assert instance._sandbox is not None
        assert instance._sandbox._function("counted")(0) == 5


async def test_an_agent_that_was_removed_leaves_no_history_to_the_next_of_its_name(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("agent"), ECHO)
        await house.service.undeploy("agent")
        await house.service.deploy(Manifest("agent"), ECHO)
        assert [move.event for move in await house.service.history("agent")] == ["start", "load"]


async def test_what_a_node_that_died_in_a_change_left_behind_is_swept(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("agent"), ECHO)
    (tmp_path / "modules" / f"{'0' * 64}.wasm").write_bytes(b"left")
    (tmp_path / "modules" / f"{'1' * 64}.123.new").write_bytes(b"half")
    async with open_house(tmp_path) as house:
        assert (await house.ask("agent", b"x")).content == b"x"
        assert len(list((tmp_path / "modules").iterdir())) == 1
