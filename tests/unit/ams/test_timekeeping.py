from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from caxton_node.agents.lifecycle import State
from caxton_node.ams import timer_store
from tests.support.ams_desk import Desk, open_desk
from tests.support.data_plane import until
from tests.support.platform_desk import Speaker, at_rest

pytestmark = pytest.mark.story("026")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with open_desk(tmp_path) as opened:
        yield opened


def timer(name: str = "tea", **more: object) -> dict[str, object]:
    return {"action": "set-timer", "id": name, **more}


def due(desk: Desk, seconds: float) -> int:
    return desk.office.clock.unix_us() // 1000 + round(seconds * 1000)


async def test_an_agent_is_told_when_its_time_has_come_in_the_same_conversation(desk: Desk) -> None:
    talk = desk.boss.send("ams", timer(after_ms=3_000), protocol="fipa-request")
    assert await desk.boss.hear(talk) == ("agree", {"timer": "tea", "due_unix_ms": due(desk, 3)})
    desk.pass_s(2.9)
    await at_rest(desk.office)
    assert len(desk.boss.of(talk)) == 1
    desk.pass_s(0.1)
    assert await desk.boss.hear(talk, 1) == ("inform", {"timer": "tea", "unix_ms": due(desk, 0), "count": 1})
    assert [answer.in_reply_to for answer in desk.boss.of(talk)] == [f"q-{talk}"] * 2
    assert desk.reading("caxton_ams_timers") == 0
    assert desk.office.router.conversations.faults == 0


async def test_it_is_told_at_an_hour_and_at_once_if_that_is_past(desk: Desk) -> None:
    talk = desk.boss.send("ams", timer("hour", at_unix_ms=due(desk, 60)))
    late = desk.boss.send("ams", timer("late", at_unix_ms=1))
    await desk.boss.hear(talk)
    assert (await desk.boss.hear(late, 1))[0] == "inform"  # the alarm of the loop, not this test, rings it
    desk.pass_s(60)
    assert (await desk.boss.hear(talk, 1))[1]["timer"] == "hour"


async def test_one_that_repeats_does_so_until_it_is_cancelled(desk: Desk) -> None:
    talk = desk.boss.send("ams", timer(every_ms=1_000), "SUBSCRIBE", protocol="fipa-subscribe")
    await desk.boss.hear(talk)
    for count in (1, 2):
        desk.pass_s(1)
        assert (await desk.boss.hear(talk, count))[1]["count"] == count
    desk.boss.send("ams", {}, "CANCEL", talk, protocol="fipa-subscribe")
    assert await desk.boss.hear(talk, 3) == ("inform", {"cancelled": 1})
    desk.pass_s(5)
    await at_rest(desk.office)
    assert len(desk.boss.of(talk)) == 4
    assert desk.office.router.conversations.faults == 0


async def test_one_that_repeats_is_no_fipa_request_which_ends_with_one_answer(desk: Desk) -> None:
    act, answer = await desk.boss.ask("ams", timer(every_ms=1_000), protocol="fipa-request")
    assert (act, answer["reason"]) == ("refuse", "protocol")


async def test_timers_are_listed_cancelled_and_set_anew(desk: Desk) -> None:
    await desk.boss.ask("ams", timer("late", after_ms=9_000, durable=True))
    await desk.boss.ask("ams", timer("soon", after_ms=1_000))
    await desk.boss.ask("ams", timer("soon", after_ms=2_000, every_ms=500))
    assert await desk.boss.ask("ams", {"action": "list-timers"}) == (
        "inform",
        {
            "timers": [
                {"timer": "soon", "due_unix_ms": due(desk, 2), "durable": False, "every_ms": 500},
                {"timer": "late", "due_unix_ms": due(desk, 9), "durable": True},
            ]
        },
    )
    assert (await desk.worker.ask("ams", {"action": "list-timers"}))[1] == {"timers": []}
    for name, cancelled in (("soon", 1), ("late", 1), ("late", 0)):
        answer = await desk.boss.ask("ams", {"action": "cancel-timer", "id": name})
        assert answer == ("inform", {"cancelled": cancelled})
    assert await desk.database.read("SELECT count(*) FROM agent_timers") == [(0,)]


async def test_an_agent_may_have_so_many(tmp_path: Path) -> None:
    async with open_desk(tmp_path, each_max=2) as desk:
        asked = [await desk.boss.ask("ams", timer(f"t{n}", after_ms=1_000)) for n in range(3)]
        assert [act for act, _ in asked] == ["agree", "agree", "refuse"]
        assert asked[2][1]["reason"] == "too-many"


async def test_clients_have_no_timers(desk: Desk) -> None:
    client = Speaker(desk.office.router, "client~1")
    act, answer = await client.ask("ams", timer(after_ms=1))
    assert (act, answer["reason"]) == ("refuse", "not-here")


class TestDurable:
    async def test_a_durable_timer_outlives_the_node_and_a_volatile_one_does_not(
        self, tmp_path: Path
    ) -> None:
        async with open_desk(tmp_path) as desk:
            await desk.boss.ask("ams", timer("gone", after_ms=5_000))
            act, _ = await desk.boss.ask("ams", timer("kept", after_ms=5_000, durable=True), talk="old talk")
            assert act == "agree"
        async with open_desk(tmp_path) as desk:
            assert desk.reading("caxton_ams_timers") == 1
            desk.pass_s(5)
            assert (await desk.boss.hear("old talk"))[1] == {
                "timer": "kept",
                "unix_ms": due(desk, 0),
                "count": 1,
            }
            await until(lambda: len(desk.boss.got) == 1)
        async with open_desk(tmp_path) as desk:
            assert desk.reading("caxton_ams_timers") == 0

    async def test_one_that_was_missed_while_the_node_was_down_rings_at_once(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path) as desk:
            past = due(desk, 5)
            await desk.boss.ask("ams", timer("kept", every_ms=1_000, at_unix_ms=past, durable=True))
            await desk.database.write("UPDATE agent_timers SET due_unix_ms = due_unix_ms - 105000")
        async with open_desk(tmp_path) as desk:
            await until(lambda: len(desk.boss.got) == 1)
            _, listed = await desk.boss.ask("ams", {"action": "list-timers"}, talk="list")
            assert listed["timers"][0]["due_unix_ms"] == due(desk, 1)

    async def test_a_disk_that_refuses_means_no_timer(self, desk: Desk) -> None:
        await desk.database.write(
            "CREATE TRIGGER no BEFORE INSERT ON agent_timers BEGIN SELECT RAISE(ABORT, 'no'); END"
        )
        act, answer = await desk.boss.ask("ams", timer(after_ms=1_000, durable=True))
        assert (act, answer["reason"]) == ("failure", "WRITE_REFUSED")
        assert desk.reading("caxton_ams_timers") == 0

    async def test_one_set_anew_as_volatile_does_not_come_back(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path) as desk:
            await desk.boss.ask("ams", timer(after_ms=1_000, durable=True))
            await desk.boss.ask("ams", timer(after_ms=1_000))
        async with open_desk(tmp_path) as desk:
            assert desk.reading("caxton_ams_timers") == 0

    async def test_an_agent_that_is_removed_has_no_timers_any_more(self, tmp_path: Path) -> None:
        async with open_desk(tmp_path) as desk:
            await desk.worker.ask("ams", timer(after_ms=1_000, durable=True))
            desk.crew.remove("default/worker")
            await until(lambda: desk.reading("caxton_ams_timers") == 0)
        async with open_desk(tmp_path) as desk:
            assert await desk.database.read("SELECT count(*) FROM agent_timers") == [(0,)]

    async def test_an_agent_whose_deployment_failed_leaves_no_timer(self, desk: Desk) -> None:
        await desk.worker.ask("ams", timer("once", after_ms=1_000, durable=True))
        await desk.worker.ask("ams", timer("beat", every_ms=1_000))
        del desk.crew.states["default/worker"]  # nobody has told of a move
        desk.pass_s(1)
        assert desk.reading("caxton_ams_timers") == 0
        await desk.boss.ask("ams", timer(after_ms=1_000, durable=True))  # written behind what was forgotten
        assert await desk.database.read("SELECT agent FROM agent_timers") == [("default/boss",)]

    async def test_a_stopped_agent_loses_volatile_timers_and_misses_repeated_ones(self, desk: Desk) -> None:
        await desk.worker.ask("ams", timer("volatile", after_ms=1_000))
        beat = desk.worker.send("ams", timer("beat", every_ms=1_000, durable=True))
        once = desk.worker.send("ams", timer("once", after_ms=1_000, durable=True))
        await desk.worker.hear(beat)
        await desk.worker.hear(once)
        desk.crew.move("default/worker", State.STOPPED)
        await until(lambda: desk.reading("caxton_ams_timers") == 2)
        desk.pass_s(3)
        assert (await desk.worker.hear(once, 1))[1]["timer"] == "once"
        desk.crew.move("default/worker", State.RUNNING)
        desk.pass_s(1)
        assert (await desk.worker.hear(beat, 1))[1]["timer"] == "beat"
        assert len(desk.worker.of(beat)) == 2

    async def test_of_one_that_rings_faster_than_the_disk_writes_one_ring_waits(self, desk: Desk) -> None:
        beat = desk.boss.send("ams", timer("beat", every_ms=1_000, durable=True))
        other = desk.boss.send("ams", timer("other", every_ms=1_000, durable=True))
        await desk.boss.hear(beat)
        await desk.boss.hear(other)
        store, before = desk.ams._timekeeping._store, desk.database.counts.groups
        for _ in range(100):
            desk.pass_s(1)  # the loop has no turn in between, as if the disk had stopped
        assert len(store) == 2
        assert (await desk.boss.hear(beat, 1))[1]["count"] == 1
        await until(lambda: not len(store))
        assert desk.database.counts.groups - before <= 4, "both share the commits"
        desk.pass_s(1)
        assert (await desk.boss.hear(beat, 2))[1]["count"] == 2

    async def test_rings_that_wait_keep_nobody_from_setting_timers(
        self, desk: Desk, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(timer_store, "WAITING_MAX", 3)
        for number in range(6):
            await desk.boss.ask("ams", timer(f"t{number}", every_ms=1_000, durable=True))
        desk.pass_s(1)
        act, _ = await desk.worker.ask("ams", timer(after_ms=1_000, durable=True))
        assert act == "agree"

    async def test_it_does_not_repeat_faster_than_disks_can_keep_up_with(self, desk: Desk) -> None:
        act, answer = await desk.boss.ask("ams", timer(every_ms=999, durable=True))
        assert act == "not-understood"
        assert "a durable timer repeats every 1,000 ms or less often" in answer["reason"]
