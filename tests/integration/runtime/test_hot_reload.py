"""Hot reload under load: every message arrives once, in its order, and state goes along."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Callable

import pytest

from caxton_node.agents.change import Change
from caxton_node.agents.chronicle import AgentMoved
from caxton_node.agents.lifecycle import State
from caxton_node.agents.manifest import Keeping, Manifest
from caxton_node.core.errors import DeploymentFailed, InvalidArgument, InvalidModule, ResourceLimit
from caxton_node.fipa import Envelope, Performative, encode
from caxton_node.runtime import Limits
from tests.support.agents import NODE, House, open_house
from tests.support.data_plane import until
from tests.support.guests import tiny
from tests.support.versions import keeper, passer

pytestmark = pytest.mark.story("003")
RATE = 20_000
TALKS = 50
SECONDS = 1.5


class Recorder:
    """A platform agent that notes what it is sent, by conversation."""

    def __init__(self, house: House, name: str = "recorder") -> None:
        self.seen: dict[str, list[int]] = defaultdict(list)
        self.count = 0
        house.router.add_platform_agent(name, self.note, depth_max=1_000_000)

    def note(self, envelope: Envelope) -> None:
        if envelope.performative is Performative.INFORM:
            self.seen[envelope.conversation_id or ""].append(int(envelope.content or b"-1"))
            self.count += 1


class Load(threading.Thread):
    """Sends numbered messages from a local agent's place at a steady rate, in many conversations."""

    def __init__(self, house: House, receiver: str, seconds: float) -> None:
        super().__init__(name="load")
        self._house, self._receiver, self._total = house, receiver, int(seconds * RATE)
        self.sent = 0

    def run(self) -> None:
        started, burst = time.monotonic(), RATE // 200
        while self.sent < self._total:
            ahead = started + self.sent / RATE - time.monotonic()
            if ahead > 0:
                time.sleep(ahead)  # the pace of the load, nothing is waited for
            frames = [self._frame(self.sent + number) for number in range(burst)]
            self._house.router.accept(f"default/load#1.1@{NODE}", frames)
            self.sent += burst

    def _frame(self, number: int) -> bytes:
        talk, content = f"talk-{number % TALKS}", str(number // TALKS).encode()
        return encode(Envelope(Performative.INFORM, None, self._receiver, content, talk))


async def run_load(
    house: House, recorder: Recorder, act: Callable[[], object], *, times: int, seconds: float = SECONDS
) -> None:
    """Send messages for a while, act several times meanwhile, and look at what arrived."""
    load = Load(house, "worker", seconds)
    load.start()
    for turn in range(times):
        await until(lambda turn=turn: load.sent > (turn + 1) * seconds * RATE / (times + 1), every_s=0.005)
        await act()  # type: ignore[misc]  # a coroutine
    await asyncio.to_thread(load.join)
    await until(lambda: recorder.count == load.sent, 20.0)
    for talk, numbers in recorder.seen.items():
        assert numbers == list(range(len(numbers))), f"{talk} is out of order"
    counts = house.router.counts()
    assert counts.refused == counts.dead_lettered == 0, counts


@pytest.mark.parametrize(
    "versions", [(passer("a"), passer("b")), (keeper("a"), keeper("b"))], ids=["split", "state moves"]
)
async def test_nothing_is_lost_or_reordered_while_versions_change_under_load(tmp_path, versions):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        manifest = Manifest("worker", config={"next": "recorder"}, limits=Limits(mailbox_depth=200_000))
        await house.service.deploy(manifest, versions[0])
        turn = 0

        async def reload() -> None:
            nonlocal turn
            turn += 1
            await house.service.update("worker", Change(module=versions[turn % 2], version=f"2.{turn}"))

        await run_load(house, recorder, reload, times=5)
        view = house.service.get("worker")
        assert (view.state, view.instance) == (State.RUNNING, f"default/worker#2.5.1@{NODE}")
        assert [target.instance for target in house.routes.targets("default/worker")] == [view.instance]


async def test_limits_change_under_load_without_a_pause_that_anybody_notices(tmp_path):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        manifest = Manifest("worker", config={"next": "recorder"}, limits=Limits(mailbox_depth=200_000))
        await house.service.deploy(manifest, passer())
        sizes = iter([1, 64, 7, 256, 3])

        async def change() -> None:
            await house.service.update("worker", Change(limits={"batch_max": next(sizes)}))

        await run_load(house, recorder, change, times=5)
        assert house.service.get("worker").manifest.limits.batch_max == 3


async def test_the_state_of_one_version_goes_on_in_the_next(tmp_path):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        await house.service.deploy(Manifest("worker", config={"next": "recorder"}), keeper("a"))
        await _send(house, 10)
        await until(lambda: recorder.count == 10)
        await house.service.update("worker", Change(module=keeper("b"), version="2.0.0"))
        await _send(house, 5)
        await until(lambda: recorder.count == 15)
        assert _counted(house) == 15


async def test_the_state_outlives_a_stop_a_restart_of_the_node_and_a_trap(tmp_path):
    dies = keeper("a", before_checkpoint="")
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        await house.service.deploy(Manifest("worker", config={"next": "recorder"}), dies)
        await _send(house, 3)
        await until(lambda: recorder.count == 3)
        await house.service.stop("worker")
        await house.service.start("worker")
        assert _counted(house) == 3
        await _send(house, 2)
        await until(lambda: recorder.count == 5)
    async with open_house(tmp_path) as house:
        assert _counted(house) == 5
        await house.service.restart("worker")
        assert _counted(house) == 0


async def test_an_image_keeps_what_no_export_would_tell(tmp_path):
    plain = keeper().replace(b'(export "caxton_checkpoint")', b"").replace(b'(export "caxton_restore")', b"")
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        manifest = Manifest("worker", config={"next": "recorder"}, keeping=Keeping.IMAGE)
        await house.service.deploy(manifest, plain)
        await _send(house, 4)
        await until(lambda: recorder.count == 4)
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        assert _counted(house) == 4
        await _send(house, 1)
        await until(lambda: recorder.count == 1)
        assert _counted(house) == 5


@pytest.mark.parametrize(
    ("module", "error"),
    [
        (b"(module)", InvalidModule),
        (tiny(init="(i32.const 7)").encode(), DeploymentFailed),
        (tiny(init="unreachable").encode(), DeploymentFailed),
        (keeper("b", restore_code=5), DeploymentFailed),
        (keeper("b", before_restore="unreachable"), DeploymentFailed),
    ],
    ids=["invalid", "refuses to start", "traps at start", "refuses the state", "traps on the state"],
)
async def test_a_version_that_cannot_take_over_leaves_everything_as_it_was(tmp_path, module, error):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        await house.service.deploy(Manifest("worker", config={"next": "recorder"}), keeper("a"))
        await _send(house, 2)
        with pytest.raises(error):
            await house.service.update("worker", Change(module=module, version="2.0.0"))
        await _send(house, 2)
        await until(lambda: recorder.count == 4)
        assert _counted(house) == 4
        view = house.service.get("worker")
        assert (view.state, view.manifest.version) == (State.RUNNING, "1.0.0")
        assert len(list((tmp_path / "modules").iterdir())) == 1
    async with open_house(tmp_path) as house:
        assert house.service.get("worker").manifest.version == "1.0.0"


async def test_an_old_version_that_cannot_leave_its_state_is_replaced_by_nobody(tmp_path):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        await house.service.deploy(Manifest("worker", config={"next": "recorder"}), keeper(checkpoint_code=3))
        with pytest.raises(DeploymentFailed, match="refused with 3"):
            await house.service.update("worker", Change(module=keeper("b"), version="2.0.0"))
        await _send(house, 1)
        await until(lambda: recorder.count == 1)


async def test_an_old_version_finishes_the_conversation_it_is_in(tmp_path):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        asks = Manifest("worker", config={"next": "recorder"})
        await house.service.deploy(asks, passer("a"))
        open_talk = Envelope(
            Performative.REQUEST, "client@n1", "worker", b"1", "open", "r1", protocol="fipa-request"
        )
        house.router.submit(open_talk)
        await until(lambda: recorder.count == 1)
        await house.service.update("worker", Change(module=passer("b"), version="2.0.0"), drain_s=30)
        moves = [(move.instance, move.target) for move in await house.service.history("worker")]
        assert moves[0] == (f"default/worker#1.0.0.1@{NODE}", State.DRAINING)
        answer = Envelope(
            Performative.INFORM, f"worker@{NODE}", "client", b"2", "open", None, "r1", protocol="fipa-request"
        )
        house.router.add_platform_agent("client", lambda _envelope: None)
        house.router.submit(answer)
        await _buried(house)


async def test_a_drain_ends_in_time_and_what_is_left_goes_to_the_new_version(tmp_path):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        await house.service.deploy(Manifest("worker", config={"next": "recorder"}), passer("a"))
        house.router.submit(
            Envelope(Performative.REQUEST, "client@n1", "worker", b"0", "open", "r1", protocol="fipa-request")
        )
        await until(lambda: recorder.count == 1)
        await house.service.update("worker", Change(module=passer("b"), version="2.0.0"), drain_s=0.2)
        await _buried(house)
        house.router.submit(Envelope(Performative.INFORM, "client@n1", "worker", b"1", "open"))
        await until(lambda: recorder.count == 2)


async def test_a_failed_agent_runs_again_with_a_better_version_and_its_mail(tmp_path):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        bad = passer().replace(
            b'(func (export "caxton_handle") (param $len i32) (result i32)',
            b'(func (export "caxton_handle") (param $len i32) (result i32) unreachable) '
            b"(func $unused (param $len i32) (result i32)",
        )
        await house.service.deploy(Manifest("worker", config={"next": "recorder"}), bad)
        await _send(house, 6)
        await until(lambda: house.service.get("worker").state is State.FAILED)
        await house.service.update("worker", Change(module=passer("b")))
        view = house.service.get("worker")
        assert (view.state, view.number) == (State.RUNNING, 2)
        before = recorder.count
        await _send(house, 1)
        await until(lambda: recorder.count > before)


async def test_a_reload_that_does_not_fit_beside_the_old_one_is_refused_with_the_sum(tmp_path):
    async with open_house(tmp_path, memory_bytes_max=12 * 2**20) as house:
        await house.service.deploy(Manifest("worker"), passer("a"))
        with pytest.raises(ResourceLimit, match="10,485,760 of 12,582,912 bytes are promised, it asks for"):
            await house.service.update("worker", Change(module=passer("b")))
        await house.service.update("worker", Change(limits={"memory_bytes": 2**20}))
        await house.service.update("worker", Change(module=passer("b")))


async def test_a_change_of_nothing_or_of_an_unknown_limit_is_refused(tmp_path):
    async with open_house(tmp_path) as house:
        await house.service.deploy(Manifest("worker"), passer("a"))
        with pytest.raises(InvalidArgument, match="nothing is to be changed"):
            await house.service.update("worker", Change())
        with pytest.raises(InvalidArgument, match="there is no limit speed"):
            await house.service.update("worker", Change(limits={"speed": 3}))
        with pytest.raises(InvalidArgument, match="memory_bytes = 1 is out of range"):
            await house.service.update("worker", Change(limits={"memory_bytes": 1}))


async def test_a_stopped_agent_is_changed_where_it_stands(tmp_path):
    async with open_house(tmp_path) as house:
        recorder = Recorder(house)
        await house.service.deploy(Manifest("worker", config={"next": "recorder"}), passer("a"))
        await house.service.stop("worker")
        await house.service.update("worker", Change(module=passer("b"), version="2.0.0"))
        assert house.service.get("worker").state is State.STOPPED
        await house.service.start("worker")
        await _send(house, 1)
        await until(lambda: recorder.count == 1)


async def _send(house: House, count: int) -> None:
    for number in range(count):
        house.router.submit(
            Envelope(Performative.INFORM, f"client@{NODE}", "worker", str(number).encode(), f"talk-{number}")
        )
    await until(lambda: house.router.counts().in_flight == 0)


async def _buried(house: House) -> None:
    """Wait until the old instance has gone."""
    gone = asyncio.Event()
    house.bus.subscribe(AgentMoved, lambda moved: gone.set() if moved.target is State.UNLOADED else None)
    if (await house.service.history("worker"))[0].target is not State.UNLOADED:
        await asyncio.wait_for(gone.wait(), 10)


def _counted(house: House) -> int:
    """Read the guest's own count by its export."""
    instance = house.service._roster.get("default/worker").instance
    assert instance._sandbox is not None
    return instance._sandbox._function("counted")(0)
