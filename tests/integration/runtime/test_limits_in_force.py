"""Limits as an operator sees them: what is degraded, what is restarted, what is told, what is left alone."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from caxton_node.agents.change import Change
from caxton_node.agents.degradation import PACES
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.supervision import RestartPolicy
from caxton_node.agents.violations import LimitPassed
from caxton_node.core.errors import DeploymentFailed
from caxton_node.fipa import Envelope, Performative
from caxton_node.runtime import Cpu, Limits
from caxton_node.runtime.host.determinism import Determinism
from caxton_node.runtime.violations import Action, Bound
from tests.support.agents import House, open_house
from tests.support.data_plane import until
from tests.support.guests import faulty, tiny, wat
from tests.support.versions import keeper

pytestmark = pytest.mark.story("016")
FAULTY, ECHO = faulty().encode(), wat("echo").encode()
PATIENT = RestartPolicy(first_wait_s=0.001, failures_max=50, jitter=0.0)
CALLER = """(local $n i32)
  (loop $next (drop (call $now)) (local.set $n (i32.add (local.get $n) (i32.const 1)))
    (br_if $next (i32.lt_u (local.get $n) (i32.const 400))))
  (call $handled (i32.const 1)) (i32.const 0)"""
NOW = '(import "caxton" "now_ns" (func $now (result i64)))'


class Told(list[LimitPassed]):
    """What was published of limits."""

    def __init__(self, house: House) -> None:
        super().__init__()
        house.bus.subscribe(LimitPassed, self.append)

    def of(self, bound: Bound) -> list[LimitPassed]:
        return [passed for passed in self if passed.violation.bound is bound]


def send(house: House, content: bytes, times: int = 1, receiver: str = "agent") -> None:
    for number in range(times):
        house.router.submit(
            Envelope(Performative.REQUEST, "someone@n1", receiver, content, f"talk-{number}", f"r{number}")
        )


async def test_an_agent_that_goes_too_far_is_shrunk_then_throttled_then_given_up(tmp_path):
    async with open_house(tmp_path) as house:
        told = Told(house)
        await house.service.deploy(Manifest("agent", limits=Limits(fuel_per_message=100_000)), FAULTY)
        charge = house.service._roster.get("default/agent")
        paces = []
        for run in range(4):
            answer = await house.ask("agent", b"spin")
            assert b"fuel" in (answer.content or b"")
            if run < 3:
                await until(lambda run=run: charge.instance.run == run + 2)
                assert charge.instance._slot is not None
                paces.append((charge.instance._slot.batch.now, charge.instance._slot.share))
        await until(lambda: "left alone" in house.service.get("agent").last_error)
        assert paces[0] == (PACES[1].batch_max, PACES[1].share)
        assert paces[1] == (PACES[2].batch_max, PACES[2].share)
        await until(lambda: sum(passed.times for passed in told.of(Bound.FUEL)) == 4)
        violation = told.of(Bound.FUEL)[-1].violation
        assert (violation.action, violation.limit) == (Action.TRAPPED, 100_000)
        assert violation.used == 100_000
        counted = {
            (reading.labels): reading.value
            for reading in house.board.read()
            if reading.name == "caxton_limit_violations_total"
        }
        assert counted["fuel", "trapped"] == 4


async def test_a_crash_loop_ends_with_the_trap_its_frames_and_the_message(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("agent"), FAULTY)
        ids = []
        for _ in range(4):
            answer = await house.ask("agent", b"trap")
            ids.append(answer)
        await until(lambda: "left alone" in house.service.get("agent").last_error)
        failure = house.service.get("agent").failure
        assert failure is not None
        assert (failure.kind, failure.verdict) == ("unreachable", "it failed 4 times within 60 s")
        assert failure.backtrace[0].startswith("misbehave at 0x")
        assert failure.backtrace[-1].startswith("caxton_handle at 0x")
        assert len(bytes.fromhex(failure.message_id)) == 16
        assert failure.message_id in (ids[-1].content or b"").decode()
        assert house.service.get("agent").state is State.FAILED
        moves = Counter(move.event.value for move in await house.service.history("agent"))
        assert moves["fail"] == 4
    async with open_house(tmp_path) as house:
        view = house.service.get("agent")
        assert (view.state, view.failure) == (State.FAILED, failure)
        assert (await house.service.start("agent")).state is State.RUNNING
        assert (await house.ask("agent", b"well")).content == b"well"


async def test_every_agent_comes_back_in_the_state_it_was_in(tmp_path):
    async with open_house(tmp_path) as house:
        for name in ("running", "stopped", "loaded", "failed"):
            await house.service.deploy(Manifest(name), FAULTY, start=name != "loaded")
        await house.service.stop("stopped")
        for _ in range(4):
            await house.ask("failed", b"trap")
        await until(lambda: "left alone" in house.service.get("failed").last_error)
        before = {view.manifest.name: view.state for view in house.service.views()}
    async with open_house(tmp_path) as house:
        assert {view.manifest.name: view.state for view in house.service.views()} == before
    assert sorted(before.values()) == [State.FAILED, State.LOADED, State.RUNNING, State.STOPPED]


async def test_a_batch_never_costs_an_agent_whose_messages_stay_within_their_limits(tmp_path):
    heavy = tiny(
        handle="""(local $i i32) (local $n i32)
          (loop $next
            (local.set $i (i32.const 8000))
            (loop $work (local.set $i (i32.sub (local.get $i) (i32.const 1))) (br_if $work (local.get $i)))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (call $handled (local.get $n))
            (br_if $next (i32.lt_u (local.get $n) (call $count (local.get 0)))))
          (i32.const 0)""",
        extra="""(func $count (param i32) (result i32) (local $at i32) (local $n i32)
          (local.set $at (i32.const 1024))
          (loop $next
            (local.set $at (i32.add (local.get $at) (i32.add (i32.const 4) (i32.load (local.get $at)))))
            (local.set $n (i32.add (local.get $n) (i32.const 1)))
            (br_if $next (i32.lt_u (local.get $at) (i32.add (i32.const 1024) (local.get 0)))))
          (local.get $n))""",
        memory="8",
    ).encode()
    async with open_house(tmp_path) as house:
        limits = Limits(fuel_per_message=60_000, batch_max=256)
        view = await house.service.deploy(Manifest("agent", limits=limits), heavy)
        send(house, b"1", 1_000)
        await until(lambda: house.router.counts().in_flight == 0)
        view = house.service.get("agent")
        assert (view.restarts, view.last_error) == (0, "")
        assert house.service._roster.get("default/agent").instance.handled == 1_000


async def test_too_many_host_calls_throttle_and_do_not_kill(tmp_path):
    async with open_house(tmp_path) as house:
        told = Told(house)
        limits = Limits(host_calls_per_s=1_000, batch_max=1)
        await house.service.deploy(
            Manifest("agent", limits=limits), tiny(imports=NOW, handle=CALLER).encode()
        )
        loop = asyncio.get_running_loop()
        began_at = loop.time()
        send(house, b"1", 6)
        await until(lambda: house.router.counts().in_flight == 0)
        # 2,400 calls at 1,000 a second with a second's worth free: it cannot be faster
        assert loop.time() - began_at > 1.0
        view = house.service.get("agent")
        assert (view.restarts, view.state) == (0, State.RUNNING)
        await until(lambda: bool(told.of(Bound.HOST_CALLS)))
        assert told.of(Bound.HOST_CALLS)[0].violation.action is Action.THROTTLED


async def test_a_resting_agent_can_be_changed_and_stopped_at_once(tmp_path):
    async with open_house(tmp_path) as house:
        limits = Limits(host_calls_per_s=10, batch_max=1)
        module = tiny(imports=NOW, handle=CALLER.replace("400", "9")).encode()
        await house.service.deploy(Manifest("agent", limits=limits), module)
        send(house, b"1", 20)
        charge = house.service._roster.get("default/agent")
        await until(lambda: charge.instance._slot is not None and charge.instance._slot.resting)
        view = await house.service.update("agent", Change(limits={"host_calls_per_s": 1_000_000}))
        assert view.manifest.limits.host_calls_per_s == 1_000_000
        await until(lambda: house.router.counts().in_flight == 0)  # at ten a second it would take 18 s
        await house.service.update("agent", Change(limits={"host_calls_per_s": 10}))
        send(house, b"1", 20)
        await until(lambda: charge.instance._slot is not None and charge.instance._slot.resting)
        _, returned = await asyncio.wait_for(house.service.stop("agent", drain_s=0.0), 5)
        assert returned > 0


async def test_a_message_that_is_too_large_is_told_of(tmp_path):
    async with open_house(tmp_path) as house:
        told = Told(house)
        await house.service.deploy(Manifest("agent", limits=Limits(message_bytes_max=10)), ECHO)
        send(house, b"7" * 100)
        await until(lambda: bool(told.of(Bound.MESSAGE_BYTES)))
        violation = told.of(Bound.MESSAGE_BYTES)[0].violation
        assert (violation.used, violation.limit, violation.action) == (100, 10, Action.REFUSED)


async def test_a_full_mailbox_is_told_of_with_its_depth(tmp_path):
    async with open_house(tmp_path) as house:
        told = Told(house)
        spin = tiny(handle="(loop $again (br $again)) (i32.const 0)").encode()
        limits = Limits(mailbox_depth=5, batch_max=1, wall_time_s=0.5, fuel_per_message=2**40)
        await house.service.deploy(Manifest("agent", limits=limits), spin)
        send(house, b"1", 20)
        await until(lambda: bool(told.of(Bound.MAILBOX)))
        assert told.of(Bound.MAILBOX)[0].violation.limit == 5


@pytest.mark.parametrize("cpu", list(Cpu))
async def test_an_agent_runs_with_the_cpu_mode_it_was_given_also_after_a_restart(tmp_path, cpu):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("agent", cpu=cpu), ECHO)
        assert (await house.ask("agent", b"one")).content == b"one"
    async with open_house(tmp_path) as house:
        assert house.service.get("agent").manifest.cpu is cpu
        assert (await house.ask("agent", b"two")).content == b"two"


async def test_features_and_a_deterministic_world_are_kept_with_the_agent(tmp_path):
    module = tiny(
        handle="(memory.fill (i32.const 4096) (i32.const 0) (i32.const 8))"
        "(call $handled (i32.const 1)) (i32.const 0)"
    ).encode()
    manifest = Manifest("agent", wasm_features=("bulk-memory",), world=Determinism(seed=5))
    assert manifest.limits.batch_max == 1
    async with open_house(tmp_path) as house:
        await house.service.deploy(manifest, module)
    async with open_house(tmp_path) as house:
        view = house.service.get("agent")
        assert (view.state, view.manifest) == (State.RUNNING, manifest)


async def test_checkpoints_are_taken_while_an_agent_runs(tmp_path):
    async with open_house(tmp_path, policy=PATIENT) as house:
        manifest = Manifest("agent", checkpoint_every_s=0.1)
        await house.service.deploy(manifest, keeper())
        send(house, b"1", 5)
        await until(lambda: house.router.counts().in_flight == 0)

        def kept() -> float:
            cell = house.board.counter("caxton_agent_checkpoints_total", outcome="kept")
            return cell.value

        await until(lambda: kept() >= 2)
        assert house.service.get("agent").state is State.RUNNING
        rows = await house.database.read("SELECT kind FROM checkpoints WHERE agent = 'default/agent'")
        assert rows == [("guest",)]


async def test_a_start_that_goes_too_far_is_told_of_as_well(tmp_path):
    never = tiny(init="(loop $again (br $again)) (i32.const 0)").encode()
    async with open_house(tmp_path) as house:
        told = Told(house)
        with pytest.raises(DeploymentFailed, match="used up its fuel"):
            await house.service.deploy(Manifest("agent", limits=Limits(fuel_per_message=1_000)), never)
        await until(lambda: bool(told.of(Bound.FUEL)))
        violation = told.of(Bound.FUEL)[0].violation
        assert (violation.used, violation.limit) == (50_000, 50_000)
