import asyncio
import json
import sqlite3

import pytest

from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Manifest
from caxton_node.agents.store import AgentStore
from caxton_node.core.errors import (
    AlreadyExists,
    DeploymentFailed,
    InvalidModule,
    LocalError,
    NotFound,
    ResourceLimit,
    StateError,
)
from caxton_node.core.machine import IllegalTransition
from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.runtime import Limits
from tests.support.agents import open_house
from tests.support.data_plane import until
from tests.support.guests import RUST, faulty, tiny, wat

pytestmark = pytest.mark.story("003")
ECHO = wat("echo").encode()
FAULTY = faulty().encode()


def reason(reply: Envelope) -> str:
    assert reply.performative is Performative.FAILURE
    return json.loads(reply.content or b"")["reason"]


async def test_a_deployed_agent_answers_and_is_known_to_the_cluster(tmp_path):
    async with open_house(tmp_path) as house:
        view = await house.service.deploy(Manifest("echo", version="1.2.0"), ECHO)
        assert (view.state, view.instance) == (State.RUNNING, "default/echo#1.2.0.1@n1")
        assert (await house.ask("echo", b"hello")).content == b"hello"
        assert [found.key for found in house.registry.instances("default/echo")] == [view.instance]
        assert [target.instance for target in house.routes.targets("default/echo")] == [view.instance]


async def test_a_name_can_be_deployed_once(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), ECHO)
        with pytest.raises(AlreadyExists, match="already deployed on node n1"):
            await house.service.deploy(Manifest("echo"), ECHO)


@pytest.mark.parametrize(
    ("module", "error"),
    [
        (b"no wasm", InvalidModule),
        (b"(module)", InvalidModule),
        (tiny(init="(i32.const 7)").encode(), DeploymentFailed),
        (tiny(init="(unreachable)").encode(), DeploymentFailed),
    ],
)
async def test_nothing_is_left_of_a_deployment_that_fails(tmp_path, module, error):
    async with open_house(tmp_path) as house:
        with pytest.raises(error):
            await house.service.deploy(Manifest("echo"), module)
        assert house.service.views() == []
        assert house.registry.instances() == []
        assert reason(await house.ask("echo", b"x")) == "no-such-agent"
        await house.service.deploy(Manifest("echo"), ECHO)


async def test_an_agent_whose_memory_does_not_fit_is_refused(tmp_path):
    async with open_house(tmp_path, memory_bytes_max=15 * 2**20) as house:
        await house.service.deploy(Manifest("one"), ECHO)
        with pytest.raises(ResourceLimit, match="does not fit"):
            await house.service.deploy(Manifest("two"), ECHO)
        await house.service.deploy(Manifest("two", limits=Limits(memory_bytes=2**20)), ECHO)


async def test_a_trap_costs_one_message_and_the_rest_of_the_mailbox_is_answered(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), FAULTY)
        with house.clients.open() as client:
            for number, content in enumerate([b"a", b"trap", b"b", b"c"]):
                client.send(
                    Envelope(
                        Performative.REQUEST,
                        receivers="echo",
                        content=content,
                        language="text",
                        reply_with=str(number),
                        conversation_id="talk",
                    )
                )
            replies = {(await client.receive(10)).in_reply_to: None for _ in range(4)}
        assert sorted(replies) == ["0", "1", "2", "3"]
        view = house.service.get("echo")
        assert (view.restarts, view.last_error.partition(":")[0]) == (1, "unreachable")
        assert house.registry.instances("default/echo")[0].state == State.RUNNING


async def test_a_crash_loop_ends_in_failed_and_its_mail_goes_back(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), FAULTY)
        for _ in range(4):
            assert reason(await house.ask("echo", b"trap")) == "trapped"
        await until(lambda: "left alone" in house.service.get("echo").last_error)
        assert house.service.get("echo").state is State.FAILED
        assert reason(await house.ask("echo", b"x")) in {"no-such-agent", "agent-stopped"}
        assert (await house.service.start("echo")).state is State.RUNNING
        assert (await house.ask("echo", b"again")).content == b"again"
        assert house.service.get("echo").restarts == 0


async def test_a_failing_agent_does_not_disturb_another(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("bad"), FAULTY)
        await house.service.deploy(Manifest("good"), ECHO)
        assert reason(await house.ask("bad", b"trap")) == "trapped"
        assert (await house.ask("good", b"fine")).content == b"fine"
        assert house.service.get("good").restarts == 0


async def test_a_stopped_agent_takes_nothing_and_can_be_started_again(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), ECHO)
        view, returned = await house.service.stop("echo")
        assert (view.state, view.memory_bytes, returned) == (State.STOPPED, 0, 0)
        assert reason(await house.ask("echo", b"x")) == "no-such-agent"
        with pytest.raises(IllegalTransition, match="drain is not possible while Stopped"):
            await house.service.stop("echo")
        await house.service.start("echo")
        with pytest.raises(StateError, match="start is not possible while Running"):
            await house.service.start("echo")
        assert (await house.ask("echo", b"back")).content == b"back"


async def test_draining_works_off_the_mailbox_first(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo", limits=Limits(batch_max=1)), ECHO)
        with house.clients.open() as client:
            for number in range(500):
                client.send(
                    Envelope(Performative.REQUEST, receivers="echo", content=b"1", reply_with=str(number))
                )
            _, returned = await house.service.stop("echo")
            kinds = {(await client.receive(10)).performative for _ in range(500)}
        assert (returned, kinds) == (0, {Performative.INFORM})


async def test_a_drain_that_takes_too_long_returns_the_rest_to_the_senders(tmp_path):
    slow = tiny(handle="(loop $again (br $again)) (unreachable)").encode()
    async with open_house(tmp_path) as house:
        limits = Limits(batch_max=1, wall_time_s=0.3, fuel_per_message=2**40)
        await house.service.deploy(Manifest("slow", limits=limits), slow)
        with house.clients.open() as client:
            for number in range(3):
                client.send(
                    Envelope(Performative.REQUEST, receivers="slow", content=b"1", reply_with=str(number))
                )
            await until(lambda: house.service.get("slow").waiting == 2)
            view, returned = await house.service.stop("slow", drain_s=0.01)
            reasons = sorted([reason(await client.receive(10)) for _ in range(3)])
        assert (view.state, returned) == (State.FAILED, 2)
        assert reasons == ["agent-stopped", "agent-stopped", "trapped"]


async def test_a_command_runs_to_its_end_when_its_caller_hangs_up(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo", limits=Limits(batch_max=1)), ECHO)
        with house.clients.open() as client:
            for _ in range(50):
                client.send(Envelope(Performative.REQUEST, receivers="echo", content=b"1", reply_with="q"))
            caller = asyncio.create_task(house.service.stop("echo"))
            await until(lambda: house.service.get("echo").state is not State.RUNNING)
            caller.cancel()
            await until(lambda: house.service.get("echo").state is State.STOPPED)
        assert (await house.service.start("echo")).state is State.RUNNING


async def test_a_caller_that_hangs_up_on_a_command_that_fails_leaves_no_complaint(tmp_path):
    complaints = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: complaints.append(context))
    async with open_house(tmp_path) as house:
        caller = asyncio.create_task(house.service.deploy(Manifest("echo"), b"no wasm"))
        await asyncio.sleep(0)
        caller.cancel()
        with pytest.raises(asyncio.CancelledError):
            await caller
        await house.service.deploy(Manifest("other"), ECHO)
    assert complaints == []


async def test_a_deployment_that_cannot_be_kept_leaves_no_module(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("other"), FAULTY)
        kept = set((tmp_path / "modules").iterdir())
        await house.database.write("ALTER TABLE agents RENAME TO away", ())
        for module in (ECHO, FAULTY):
            with pytest.raises(LocalError):
                await house.service.deploy(Manifest("echo"), module)
        await house.database.write("ALTER TABLE away RENAME TO agents", ())
        assert set((tmp_path / "modules").iterdir()) == kept
        await house.service.deploy(Manifest("echo"), ECHO)


async def test_an_agent_that_could_not_be_forgotten_can_be_removed_later(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), ECHO)
        await house.database.write("ALTER TABLE agents RENAME TO away", ())
        with pytest.raises(LocalError):
            await house.service.undeploy("echo")
        await house.database.write("ALTER TABLE away RENAME TO agents", ())
        await house.service.undeploy("echo")
        assert house.service.views() == []


async def test_a_restart_by_hand_gives_a_fresh_sandbox(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), ECHO)
        assert (await house.service.restart("echo")).state is State.RUNNING
        assert (await house.ask("echo", b"fresh")).content == b"fresh"
        assert house.service.get("echo").restarts == 0


async def test_a_removed_agent_leaves_no_trace(tmp_path):
    async with open_house(tmp_path) as house:
        view = await house.service.deploy(Manifest("echo"), ECHO)
        file = tmp_path / "modules" / f"{view.module_sha256}.wasm"
        assert file.exists()
        assert await house.service.undeploy("echo") == 0
        assert not file.exists()
        assert await house.database.read("SELECT count(*) FROM agents") == [(0,)]
        assert await house.database.read("SELECT count(*) FROM modules") == [(0,)]
        assert house.registry.instances() == []
        assert house.routes.names() == []
        with pytest.raises(NotFound, match="no agent echo on node n1"):
            house.service.get("echo")


async def test_a_module_that_another_agent_uses_is_kept(tmp_path):
    async with open_house(tmp_path) as house:
        view = await house.service.deploy(Manifest("one"), ECHO)
        await house.service.deploy(Manifest("two"), ECHO)
        await house.service.undeploy("one")
        assert (tmp_path / "modules" / f"{view.module_sha256}.wasm").exists()


async def test_agents_come_back_as_they_were_when_the_node_starts_again(tmp_path):
    manifest = Manifest(
        "runs", version="3.1", limits=Limits(batch_max=7), config={"depth": 3}, capabilities=("a.b",)
    )
    async with open_house(tmp_path) as house:
        before = await house.service.deploy(manifest, ECHO)
        await house.service.deploy(Manifest("rests"), ECHO)
        await house.service.stop("rests")
        await house.service.deploy(Manifest("waits"), ECHO, start=False)
    async with open_house(tmp_path) as house:
        states = {view.manifest.name: view.state for view in house.service.views()}
        assert states == {"default/runs": "Running", "default/rests": "Stopped", "default/waits": "Loaded"}
        after = house.service.get("runs")
        assert (after.manifest, after.instance, after.deployed_unix_ms) == (
            manifest,
            before.instance,
            before.deployed_unix_ms,
        )
        assert (await house.ask("runs", b"here")).content == b"here"
        assert (await house.service.start("rests")).state is State.RUNNING


async def test_mail_that_waited_at_shutdown_is_answered_after_the_next_start(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), ECHO, start=False)
        frame = Envelope(Performative.REQUEST, "default/ghost@n1", "echo", b"kept", message_id=bytes(16))
        await AgentStore(house.database).spool("default/echo", [encode(frame)], 1)
        await house.service.start("echo")
    async with open_house(tmp_path) as house:
        await until(lambda: house.router.counts().delivered == 2)
        assert await house.database.read("SELECT count(*) FROM spooled_messages") == [(0,)]


async def test_a_lost_module_fails_one_agent_and_not_the_node(tmp_path):
    async with open_house(tmp_path) as house:
        view = await house.service.deploy(Manifest("broken"), ECHO)
        await house.service.deploy(Manifest("sound"), FAULTY)
    (tmp_path / "modules" / f"{view.module_sha256}.wasm").write_bytes(b"\0asm garbage")
    async with open_house(tmp_path) as house:
        broken = house.service.get("broken")
        assert broken.state is State.FAILED
        assert "digest" in broken.last_error
        assert house.service.get("sound").state is State.RUNNING
        await house.service.undeploy("broken")


async def test_what_an_earlier_run_announced_and_is_gone_is_withdrawn(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), ECHO)
    with sqlite3.connect(tmp_path / "caxton.db") as database:
        database.execute("DELETE FROM agents")
    database.close()
    async with open_house(tmp_path) as house:
        assert house.registry.instances() == []


async def test_numbers_of_agents_are_shown(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("echo"), FAULTY)
        await house.ask("echo", b"trap")
        await until(lambda: house.service.get("echo").restarts == 1)
        await until(lambda: house.service.get("echo").state is State.RUNNING)
        readings = {(found.name, found.labels): found.value for found in house.board.read()}
        assert readings["caxton_agents", ("Running",)] == 1
        assert readings["caxton_agent_restarts_total", ()] == 1
        assert readings["caxton_wasm_traps_total", ("unreachable",)] == 1
        assert readings["caxton_agent_memory_bytes", ()] >= 65_536


@pytest.mark.parametrize(
    ("granted", "offered"), [((), ["masonry"]), (("masonry", "plaster"), ["masonry"]), (("plaster",), [])]
)
async def test_an_agent_offers_only_what_its_manifest_grants_and_nothing_once_it_is_stopped(
    tmp_path, granted, offered
):
    contractor = (RUST / "contractor.wasm").read_bytes()
    manifest = Manifest("mason", config={"capability": "masonry", "price": 3}, capabilities=granted)
    async with open_house(tmp_path) as house:
        await house.service.deploy(manifest, contractor)
        await until(lambda: house.router.counts().delivered >= 2)  # its REQUEST, and what df says
        assert [found.name for found in house.registry.capabilities()] == offered
        assert list(house.service.get("mason").capabilities) == offered
        await house.service.stop("mason")
        assert house.registry.capabilities() == []
