"""When the parts are looked at: all at once, none for long, and whoever listens hears of changes."""

import asyncio
import time
from time import perf_counter

import pytest

from caxton_node.core.errors import CorruptStore
from caxton_node.operations import Finding, HealthService, Phase, State
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


async def test_a_look_takes_less_than_a_second_whatever_hangs_and_asks_nobody_twice():
    asked = 0
    let_go = asyncio.Event()

    async def hang() -> Finding:
        nonlocal asked
        asked += 1
        await let_go.wait()
        return Finding("stuck", State.OK)

    service = HealthService()
    service.add({"stuck": hang, "good": good, "stuck as well": hang})
    began_at = perf_counter()
    report = await service.look()
    assert perf_counter() - began_at < 1.0
    assert states(report) == {"stuck": State.DEGRADED, "good": State.OK, "stuck as well": State.DEGRADED}
    assert f"no answer for {CHECK_S:g}" in report.reasons
    await service.look()
    assert asked == 2
    let_go.set()
    report = await service.look()
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


async def test_listeners_hear_of_changes_only_and_of_leaving_at_once():
    heard: asyncio.Queue[tuple[bool, str]] = asyncio.Queue()

    async def listen(report):
        heard.put_nowait((report.is_ready, report.status))

    service = HealthService()
    service.add({"good": good})
    service.listen(listen)
    await service.enter(Phase.SERVING)
    await service.look()
    looking = asyncio.create_task(service.run())
    assert await heard.get() == (True, "ok")
    service.leave()
    assert service.health.page("ready")[0] == 503
    async with asyncio.timeout(0.9):  # less than the time between two looks
        assert await heard.get() == (False, "leaving")
    assert heard.empty()
    looking.cancel()


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
