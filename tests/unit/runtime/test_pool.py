from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar

import pytest
from structlog.testing import capture_logs

from caxton_node.runtime import CompiledModule, Engine, Limits, Sandbox
from caxton_node.runtime.limits import PAGE_BYTES
from caxton_node.runtime.pool import WARMING, Pool, PoolSettings
from caxton_node.runtime.pool_size import HALF_LIFE_S, PoolSize
from tests.support.clock import HandClock
from tests.support.data_plane import until
from tests.support.guests import LogLines, contents, request, tiny, wat

pytestmark = pytest.mark.story("032")
# Counts how often `_initialize` ran in this instance, and says that it may be copied.
CLONEABLE = tiny(
    extra="""(global $n (mut i32) (i32.const 0))
      (func (export "_initialize")
        (i32.store (i32.const 80) (i32.const 2)) (global.set $n (i32.add (global.get $n) (i32.const 1))))
      (func (export "initialised") (result i32) (global.get $n))""",
    handle="(call $handled (i32.const 1)) (i32.const 0)",
)


@pytest.fixture
def pool(engine: Engine) -> Iterator[Pool]:
    pool = Pool(engine)
    yield pool
    pool.close()


def start_often(pool: Pool, module: CompiledModule, times: int) -> None:
    for _ in range(times):
        taken = pool.take(module, Limits())
        if taken is not None:
            taken.close()


def test_a_module_that_is_started_once_keeps_nobody_warm() -> None:
    size = PoolSize(16)
    size.note_start(0.0)
    assert size.wanted(0.0) == 0


def test_a_burst_is_remembered_and_fades() -> None:
    size = PoolSize(16)
    for _ in range(10):
        size.note_start(100.0)
    assert size.wanted(100.0) == 10
    assert size.wanted(100.0 + HALF_LIFE_S) == 5
    assert size.wanted(100.0 + 4 * HALF_LIFE_S) == 0
    assert size.is_forgotten(100.0 + 20 * HALF_LIFE_S)


def test_a_flood_of_starts_stays_within_the_most() -> None:
    size = PoolSize(4)
    for _ in range(1000):
        size.note_start(0.0)
    assert size.wanted(0.0) == 4


def test_what_is_in_demand_is_warm_for_the_next_agent(engine: Engine, pool: Pool) -> None:
    module = engine.compile(wat("echo"))
    assert pool.take(module, Limits()) is None
    assert pool.take(module, Limits()) is None
    pool.tend()
    sandbox = pool.take(module, Limits())
    assert sandbox is not None
    lines = LogLines()
    sandbox.adopt(Limits(), lines)
    sandbox.start({"agent": "one"})
    assert contents(sandbox.handle([request("hello")])) == [b"hello"]
    numbers = pool.numbers()
    assert (numbers.hits, numbers.misses) == (1, 2)
    sandbox.close()


def test_the_pool_follows_demand_up_and_down(engine: Engine) -> None:
    clock = HandClock()
    pool = Pool(engine, clock=clock)
    module = engine.compile(wat("echo"))
    start_often(pool, module, 6)
    pool.tend()
    warm = pool.numbers().warm
    assert warm >= 4
    clock.advance(HALF_LIFE_S * 10)
    pool.tend()
    numbers = pool.numbers()
    assert (numbers.warm, numbers.memory_bytes) == (0, 0)
    assert numbers.recycled >= warm
    pool.close()


def test_stale_instances_are_replaced(engine: Engine) -> None:
    pool = Pool(engine, PoolSettings(age_max_s=0.0))
    module = engine.compile(wat("echo"))
    start_often(pool, module, 3)
    pool.tend()
    pool.tend()
    assert pool.numbers().recycled >= 2
    pool.close()


def test_memory_bounds_the_pool(engine: Engine) -> None:
    pool = Pool(engine, PoolSettings(memory_bytes_max=3 * 64 * 1024))
    module = engine.compile(wat("echo"))
    start_often(pool, module, 16)
    pool.tend()
    numbers = pool.numbers()
    assert numbers.memory_bytes <= 3 * 64 * 1024
    pool.close()
    assert pool.numbers().warm == 0


def test_a_pool_of_no_memory_keeps_nothing(engine: Engine) -> None:
    pool = Pool(engine, PoolSettings(memory_bytes_max=0))
    start_often(pool, engine.compile(wat("echo")), 5)
    assert pool.numbers().misses == 0
    pool.close()


def test_an_instance_that_went_bad_is_not_given_to_anybody(engine: Engine, pool: Pool) -> None:
    module = engine.compile(wat("echo"))
    start_often(pool, module, 4)
    pool.tend()
    (shelf,) = pool._shelves.values()
    for _, sandbox in list(shelf.warm):
        assert sandbox._memory is not None
        sandbox._memory.view[64:68] = b"\xff\xff\xff\xff"
    assert pool.take(module, Limits()) is None
    assert pool.numbers().recycled >= 2


def test_a_module_that_does_not_warm_costs_one_try(engine: Engine, pool: Pool) -> None:
    module = engine.compile(tiny(abi="unreachable"))
    start_often(pool, module, 4)
    pool.tend()
    assert pool.numbers().warm == 0


def test_a_guest_that_may_be_copied_is_initialised_once(engine: Engine, pool: Pool) -> None:
    module = engine.compile(CLONEABLE)
    start_often(pool, module, 5)
    pool.tend()
    (shelf,) = pool._shelves.values()
    assert shelf.image is not None
    assert {sandbox._function("initialised")(0) for _, sandbox in list(shelf.warm)} == {1}
    sandbox = pool.take(module, Limits())
    assert sandbox is not None
    sandbox.adopt(Limits(), LogLines())
    sandbox.start({})
    assert sandbox.handle([b"x"]).handled == 1
    sandbox.close()


def test_a_guest_that_does_not_say_so_runs_its_own_start_each_time(engine: Engine, pool: Pool) -> None:
    module = engine.compile(CLONEABLE.replace("(i32.store (i32.const 80) (i32.const 2))", ""))
    start_often(pool, module, 5)
    pool.tend()
    (shelf,) = pool._shelves.values()
    assert shelf.image is None


def test_an_agent_that_may_have_less_than_a_warm_instance_has_gets_none(engine: Engine, pool: Pool) -> None:
    module = engine.compile(tiny(memory="20"))
    start_often(pool, module, 4)
    pool.tend()
    assert pool.take(module, Limits(memory_bytes=64 * 1024)) is None
    assert pool.take(module, Limits(table_elements=10)) is None
    found = pool.take(module, Limits())
    assert found is not None
    found.close()


class Noted(Sandbox):
    """A sandbox of a pool that is noted while it is open."""

    __slots__ = ()
    born: ClassVar[list[Sandbox]] = []
    opened: ClassVar[set[Sandbox]] = set()

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self.born.append(self)
        self.opened.add(self)

    def close(self) -> None:
        super().close()
        self.opened.discard(self)


@pytest.fixture
def noted(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Noted]]:
    monkeypatch.setattr("caxton_node.runtime.pool.Sandbox", Noted)
    yield Noted
    Noted.born.clear()
    Noted.opened.clear()


def quiet(engine: Engine, settings: PoolSettings | None = None) -> Pool:
    """Return a pool that only works when it is told to."""
    pool = Pool(engine, settings)
    pool._wake = lambda: None  # type: ignore[method-assign]
    return pool


def test_what_was_warm_of_a_module_that_fails_is_freed_and_off_the_books(
    engine: Engine, noted: type[Noted]
) -> None:
    pool = quiet(engine)
    module = engine.compile(CLONEABLE)
    start_often(pool, module, 4)
    pool.tend()
    assert pool.numbers().warm >= 3
    (shelf,) = pool._shelves.values()
    shelf.image = b"no image"
    start_often(pool, module, 2)
    pool.tend()
    assert (pool.numbers().warm, pool.numbers().memory_bytes) == (0, 0)
    assert not noted.opened
    pool.close()


def test_what_does_not_fit_is_asked_for_again_once_there_is_room(engine: Engine, noted: type[Noted]) -> None:
    pool = quiet(engine, PoolSettings(memory_bytes_max=4 * PAGE_BYTES))
    large, small = engine.compile(tiny(memory="3")), engine.compile(tiny())
    start_often(pool, small, 3)
    pool.tend()
    assert pool.numbers().memory_bytes == 3 * PAGE_BYTES
    start_often(pool, large, 2)
    pool.tend()
    tried = len(noted.born)
    pool.tend()
    assert len(noted.born) == tried, "it is known that there is no room"
    assert len(noted.opened) == pool.numbers().warm == 3
    for _ in range(2):
        taken = pool.take(small, Limits())
        assert taken is not None
        taken.close()
        pool._shelves[small].size = PoolSize(0)
    pool.tend()
    pool.tend()
    found = pool.take(large, Limits())
    assert found is not None
    found.close()
    pool.close()
    assert not noted.opened


def test_warm_instances_stay_on_the_books_when_there_is_no_room_for_more(engine: Engine) -> None:
    pool = quiet(engine, PoolSettings(memory_bytes_max=5 * PAGE_BYTES))
    module = engine.compile(tiny(memory="2"))
    for _ in range(3):
        start_often(pool, module, 6)
        pool.tend()
        assert (pool.numbers().warm, pool.numbers().memory_bytes) == (2, 4 * PAGE_BYTES)
    pool.close()


def test_an_image_that_is_too_large_leaves_nothing_open(
    engine: Engine, noted: type[Noted], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caxton_node.runtime.pool.WARMING", replace(WARMING, checkpoint_bytes_max=10))
    pool, module = quiet(engine), engine.compile(CLONEABLE)
    start_often(pool, module, 4)
    pool.tend()
    assert noted.born
    assert not noted.opened
    pool.close()


@pytest.mark.filterwarnings("error::pytest.PytestUnhandledThreadExceptionWarning")
async def test_a_bug_while_warming_is_logged_and_costs_its_module_only(
    engine: Engine, noted: type[Noted], monkeypatch: pytest.MonkeyPatch
) -> None:
    bad, good = engine.compile(tiny(memory="2")), engine.compile(tiny())
    warm = Sandbox.warm

    def break_bad(sandbox: Sandbox) -> None:
        if sandbox._module is bad:
            raise ZeroDivisionError
        warm(sandbox)

    monkeypatch.setattr(Sandbox, "warm", break_bad)
    pool = Pool(engine)
    with capture_logs() as logs:
        start_often(pool, bad, 2)
        await until(lambda: bool(logs))
        start_often(pool, good, 2)
        await until(lambda: pool.numbers().warm == 2 == len(noted.opened))
        assert bad not in pool._shelves
        pool.close()
    assert [line["event"] for line in logs] == ["the pool failed"]
