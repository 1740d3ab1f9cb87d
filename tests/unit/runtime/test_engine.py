from __future__ import annotations

import asyncio
import gc
import threading
import weakref
from concurrent.futures import ThreadPoolExecutor

import pytest

from caxton_node.runtime import Engine, EngineSettings, Limits
from tests.support.guests import faulty, request, start, tiny, wat


@pytest.mark.story("001")
def test_the_same_module_is_compiled_once_whatever_form_it_came_in(engine: Engine) -> None:
    first = engine.compile(wat("echo"))
    assert engine.compile(wat("echo").encode()) is first
    assert engine.compile(";; other words\n" + wat("echo")) is first
    assert (len(first.sha256), first.imports) == (64, ())
    assert {"memory", "caxton_handle"} <= set(first.exports)


@pytest.mark.story("001")
def test_a_module_nobody_runs_is_forgotten(engine: Engine) -> None:
    gone = weakref.ref(engine.compile(tiny(init="(i32.const 77)")))
    gc.collect()
    assert gone() is None


@pytest.mark.story("001")
def test_an_engine_that_is_dropped_takes_its_thread_along() -> None:
    known = set(threading.enumerate())
    engine = Engine(EngineSettings(tick_s=0.001))
    (ticker,) = set(threading.enumerate()) - known
    del engine
    gc.collect()
    ticker.join(timeout=5)
    assert not ticker.is_alive()


@pytest.mark.story("001")
async def test_a_busy_guest_leaves_the_rest_of_python_running(engine: Engine) -> None:
    limits = Limits(wall_time_s=0.1, fuel_per_message=2**50)
    sandbox, _ = start(engine, faulty(), limits=limits)
    spinning = asyncio.create_task(asyncio.to_thread(sandbox.handle, [request("spin")]))
    turns = 0
    while not spinning.done():
        await asyncio.sleep(0)
        turns += 1
    assert (await spinning).trap is not None
    assert turns > 100


@pytest.mark.story("001")
def test_agents_run_in_several_threads_at_once(engine: Engine) -> None:
    module = engine.compile(wat("echo"))

    def work(name: str) -> int:
        sandbox, _ = start(engine, module, name=name)
        frames = [request(f"{name} {n}") for n in range(64)]
        return sum(sandbox.handle(frames).handled for _ in range(50))

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, "abcd")) == [3200] * 4


@pytest.mark.story("001")
def test_growing_memory_stays_where_space_was_reserved_for_it() -> None:
    engine = Engine(EngineSettings(growth_reservation_bytes=1 << 20))
    body = "(drop (memory.grow (i32.const 8))) (call $handled (i32.const 1)) (i32.const 0)"
    sandbox, _ = start(engine, tiny(handle=body))
    assert sandbox.handle([b"m"]).trap is None
    assert sandbox.memory_bytes == 9 * 65_536
    engine.close()


@pytest.mark.story("001")
def test_a_thousand_idle_agents_cost_little_memory(engine: Engine) -> None:
    import psutil  # noqa: PLC0415 - only this test measures

    module = engine.compile(wat("echo"))
    kept = [start(engine, module)[0] for _ in range(50)]
    before = psutil.Process().memory_info().rss
    kept += [start(engine, module)[0] for _ in range(1_000)]
    used = psutil.Process().memory_info().rss - before
    assert used / 1_000 < 60_000
    for sandbox in kept:
        sandbox.close()
