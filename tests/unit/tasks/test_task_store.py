import pytest

from caxton_node.storage import Database
from caxton_node.tasks import TaskStore
from caxton_node.tasks.lifecycle import Event, Outcome, State
from caxton_node.tasks.order import Order
from caxton_node.tasks.record import Bid, Note, Record, Result, Round, What, begin

pytestmark = pytest.mark.story("011")


def record(number: int, *, over: bool = True) -> Record:
    made = begin(f"{number:016x}", "n1", Order(content=b"{}", capability="masonry"), 1_000 + number)
    if over:
        made.finish(Event.FAIL, Outcome.NO_CONTRACTORS, "nobody", 2_000)
    return made


@pytest.fixture
async def database(tmp_path):
    async with await Database.open(tmp_path / "caxton.db") as opened:
        yield opened


async def test_a_record_comes_back_as_it_was(database):
    store, full = TaskStore(database, 10), record(1, over=False)
    full.called = ["mason@n1"]
    full.bids = [
        Bid(
            contractor="mason@n1",
            round=1,
            at_unix_ms=3,
            answered_ms=1.5,
            content=b'{"price": 3}',
            terms={"price": 3, "colour": "red"},
            normalised={"price": 1.0},
            score=1.0,
            rank=1,
        )
    ]
    full.rounds = [Round(number=1, at_unix_ms=2, called=1, bids=1, best="mason@n1", best_score=1.0)]
    full.notes = [Note(at_unix_ms=4, contractor="mason@n1", round=1, what=What.LATE, detail="x")]
    full.results = [Result(contractor="mason@n1", at_unix_ms=5, content=b"\xff\x00", size_bytes=2)]
    await store.put(full)
    assert await store.find(full.id) == full
    full.advance(Event.CALL)
    await store.put(full)
    assert (await store.find(full.id)).state is State.CALLING
    assert await store.find("0" * 16) is None


async def test_the_latest_come_first_and_can_be_had_by_state(database):
    store = TaskStore(database, 10)
    for number in range(4):
        await store.put(record(number, over=number != 2))
    assert [each.submitted_unix_ms for each in await store.newest(3)] == [1_003, 1_002, 1_001]
    assert [each.submitted_unix_ms for each in await store.newest(9, "Submitted")] == [1_002]


async def test_of_many_the_oldest_go_but_never_one_that_is_not_over(database):
    store = TaskStore(database, 3)
    await store.put(record(0, over=False))
    for number in range(1, 8):
        await store.put(record(number))
    kept = [each.submitted_unix_ms for each in await store.newest(99)]
    assert kept == [1_007, 1_006, 1_005, 1_000]
    assert [each.id for each in await store.unfinished()] == [f"{0:016x}"]


async def test_a_record_that_cannot_be_read_does_not_hide_the_others(database):
    store = TaskStore(database, 3)
    await store.put(record(1, over=False))
    await store.put(record(2, over=False))
    await database.write("UPDATE tasks SET record = x'00' WHERE id = ?", (f"{1:016x}",))
    assert [each.id for each in await store.unfinished()] == [f"{2:016x}"]
