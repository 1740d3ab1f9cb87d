"""When the parts are looked at: all at once, none for long, and whoever listens hears of changes."""

import asyncio
import time

import pytest

from caxton_node.core.errors import CorruptStore
from caxton_node.operations import Finding, HealthService, Phase, State, service
from caxton_node.operations.service import CHECK_S, HANGS_S, SILENT_S, _silent, measure_lag

pytestmark = pytest.mark.story("017")


async def good() -> Finding:
    return Finding("good", State.OK)


def states(report):
    return {finding.name: finding.state for finding in report.findings}


async def test_a_part_that_is_not_open_yet_is_starting():
    service = HealthService(["good", "agents"])
    service.add({"good": good})
    assert states(await service.enter(Phase.SERVING)) == {"good": State.OK, "agents": State.STARTING}
    assert not service.health.report().is_ready


async def test_a_look_waits_for_nobody_longer_than_is_set_and_asks_nobody_twice(monkeypatch):
    assert CHECK_S < 1.0, "a look takes less than a second"
    monkeypatch.setattr(service, "CHECK_S", 0.01)
    asked = 0
    both_asked = asyncio.Event()
    let_go = asyncio.Event()

    async def hang() -> Finding:
        nonlocal asked
        asked += 1
        if asked == 2:
            both_asked.set()
        await let_go.wait()
        return Finding("stuck", State.OK)

    async def meet() -> Finding:
        await both_asked.wait()  # answers only if all are asked at once
        return Finding("meets", State.OK)

    looking = HealthService()
    looking.add({"stuck": hang, "meets": meet, "stuck as well": hang})
    report = await looking.look()  # would never end if it waited for those that hang
    assert states(report) == {"stuck": State.DEGRADED, "meets": State.OK, "stuck as well": State.DEGRADED}
    assert "no answer for 0.0 s" in report.reasons
    await looking.look()
    assert asked == 2
    let_go.set()
    report = await looking.look()
    assert set(states(report).values()) == {State.OK}


async def test_a_check_that_raises_is_a_finding():
    async def corrupt() -> Finding:
        raise CorruptStore("the page is damaged")

    async def buggy() -> Finding:
        raise KeyError("x")

    service = HealthService()
    service.add({"store": corrupt, "bug": buggy, "good": good})
    report = await service.look()
    assert states(report) == {"store": State.FAILED, "bug": State.FAILED, "good": State.OK}
    assert "the page is damaged" in report.reasons
    assert "KeyError" in report.reasons


async def test_listeners_hear_of_changes_only_and_of_leaving_at_once(monkeypatch):
    monkeypatch.setattr(service, "LOOK_EVERY_S", 1e6)  # so that only leaving can bring the next look
    heard: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()
    looks: asyncio.Queue[None] = asyncio.Queue()

    async def listen(report):
        heard.put_nowait((report.is_ready, report.status))

    async def note() -> Finding:
        looks.put_nowait(None)
        return Finding("noted", State.OK)

    looking = HealthService()
    looking.add({"noted": note})
    looking.listen(listen)
    await looking.enter(Phase.SERVING)
    assert await heard.get() == (True, "ok")
    running = asyncio.create_task(looking.run())
    for _ in range(2):  # that of entering, and the first of running
        await looks.get()
    looking.leave()
    assert looking.health.page("ready")[0] == 503
    assert await heard.get() == (False, "leaving")
    assert heard.empty()
    running.cancel()


async def test_the_lateness_of_the_loop_is_measured():
    late: asyncio.Queue[float] = asyncio.Queue()
    measuring = asyncio.create_task(measure_lag(late.put_nowait))
    await late.get()
    time.sleep(0.3)  # noqa: ASYNC251  it is to block the loop
    assert await late.get() > 0.1
    measuring.cancel()


def test_silence_is_a_trouble_then_a_failure_and_at_last_a_reason_for_a_new_start():
    found = [_silent("storage", seconds) for seconds in (0.7, SILENT_S, HANGS_S)]
    assert [one.state for one in found] == [State.DEGRADED, State.FAILED, State.FAILED]
    assert [one.is_fatal for one in found] == [False, False, True]
