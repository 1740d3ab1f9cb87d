from types import SimpleNamespace

import pytest

from caxton_node.api.rest.idempotency import Kept, fingerprint, is_kept, read_key, replay_of
from caxton_node.api.rest.refusals import KeyReused, PreconditionFailed, Refusal, StillRunning
from caxton_node.api.rest.repeats import Repeats
from caxton_node.api.rest.store import ReplyKey, ReplyStore
from caxton_node.core.errors import (
    AlreadyExists,
    DeadlineExceeded,
    Forbidden,
    InternalError,
    InvalidArgument,
    ResourceLimit,
    Unavailable,
)
from caxton_node.storage import Database

pytestmark = pytest.mark.story("007")

MARK = fingerprint("POST", "/a", "", b"{}")


def test_requests_differ_when_any_part_does():
    others = [
        ("PUT", "/a", "", b"{}"),
        ("POST", "/b", "", b"{}"),
        ("POST", "/a", "x", b"{}"),
        ("POST", "/a", "", b""),
    ]
    assert len({MARK, *(fingerprint(*other) for other in others), fingerprint("POST", "/", "a", b"{}")}) == 6


def test_keys_are_text_of_some_length():
    assert read_key('"8e03978e-40d5-43dd-bc93-6894a57f9324"') == read_key(
        "8e03978e-40d5-43dd-bc93-6894a57f9324"
    )
    for key in ("", '""', "a b", "x" * 256, "é"):
        with pytest.raises(Refusal):
            read_key(key)


def test_the_same_request_gets_the_same_answer_and_another_none():
    kept = Kept(MARK, 200, "application/json", b"{}")
    assert replay_of(kept, MARK) is kept
    with pytest.raises(KeyReused):
        replay_of(kept, fingerprint("POST", "/b", "", b"{}"))
    with pytest.raises(StillRunning):
        replay_of(Kept(MARK), MARK)
    with pytest.raises(StillRunning, match="answered with 200"):
        replay_of(Kept(MARK, 200, "application/json", b""), MARK)


def test_what_may_be_otherwise_in_a_moment_is_not_kept():
    for error in (
        InvalidArgument("x"),
        AlreadyExists("x"),
        InternalError("x"),
        DeadlineExceeded("x"),
        PreconditionFailed("x"),
    ):
        assert is_kept(error)
    for error in (Unavailable("x"), ResourceLimit("x"), Forbidden("x")):
        assert not is_kept(error)


async def test_answers_are_kept_for_a_day_and_for_each_caller(tmp_path):
    async with await Database.open(tmp_path / "caxton.db") as database:
        store, mine = ReplyStore(database), ReplyKey("ann", "k")
        await store.begin(mine, MARK, 1000)
        assert await store.find(mine, 1000) == Kept(MARK)
        assert await store.find(ReplyKey("bob", "k"), 1000) is None
        answer = Kept(MARK, 200, "application/json", b"{}")
        await store.finish(mine, answer)
        assert await store.find(mine, 1000 + 24 * 3600 - 1) == answer
        assert await store.find(mine, 1000 + 24 * 3600) is None
        await store.begin(ReplyKey("bob", "k"), MARK, 1000 + 24 * 3600)
        assert await database.read("SELECT principal FROM rest_reply") == [("bob",)]
        await store.forget(ReplyKey("bob", "k"))
        assert await database.read("SELECT 1 FROM rest_reply") == []


async def test_the_oldest_answers_go_when_there_are_too_many(tmp_path, monkeypatch):
    monkeypatch.setattr("caxton_node.api.rest.store.KEPT_MAX", 3)
    monkeypatch.setattr("caxton_node.api.rest.store.SWEPT_AFTER", 1)
    async with await Database.open(tmp_path / "caxton.db") as database:
        store = ReplyStore(database)
        for number in range(5):
            await store.begin(ReplyKey("ann", str(number)), MARK, 1000 + number)
        assert await database.read("SELECT key FROM rest_reply ORDER BY key") == [("2",), ("3",), ("4",)]


async def test_who_asks_much_loses_answers_of_its_own_and_of_nobody_else(tmp_path, monkeypatch):
    monkeypatch.setattr("caxton_node.api.rest.store.OF_ONE_MAX", 2)
    monkeypatch.setattr("caxton_node.api.rest.store.SWEPT_AFTER", 1)
    async with await Database.open(tmp_path / "caxton.db") as database:
        store = ReplyStore(database)
        await store.begin(ReplyKey("ann", "first of all"), MARK, 1000)
        for number in range(5):
            await store.begin(ReplyKey("bob", str(number)), MARK, 1001 + number)
        assert await kept_in(database) == [("ann", "first of all"), ("bob", "3"), ("bob", "4")]


async def test_answers_that_are_large_together_make_room_the_callers_own_first(tmp_path, monkeypatch):
    monkeypatch.setattr("caxton_node.api.rest.store.OF_ONE_BYTES_MAX", 30)
    monkeypatch.setattr("caxton_node.api.rest.store.KEPT_BYTES_MAX", 50)
    monkeypatch.setattr("caxton_node.api.rest.store.SWEPT_AFTER_BYTES", 10)
    async with await Database.open(tmp_path / "caxton.db") as database:
        store = ReplyStore(database)
        await answer(store, "ann", "0", 1000)
        for number in range(5):
            await answer(store, "bob", str(number), 1001 + number)
        assert await kept_in(database) == [("ann", "0"), ("bob", "2"), ("bob", "3"), ("bob", "4")]
        for number in range(3):
            await answer(store, "cat", str(number), 1010 + number)
        assert await kept_in(database) == [("bob", "3"), ("bob", "4"), *(("cat", str(n)) for n in range(3))]


async def test_what_is_too_much_is_looked_for_at_the_first_request_and_then_now_and_then(
    tmp_path, monkeypatch
):
    monkeypatch.setattr("caxton_node.api.rest.store.OF_ONE_MAX", 2)
    monkeypatch.setattr("caxton_node.api.rest.store.SWEPT_AFTER", 3)
    async with await Database.open(tmp_path / "caxton.db") as database:
        store, sizes = ReplyStore(database), []
        for number in range(6):
            await store.begin(ReplyKey("ann", str(number)), MARK, 1000 + number)
            sizes.append(len(await kept_in(database)))
        assert sizes == [1, 2, 3, 2, 3, 4]
        await ReplyStore(database).begin(ReplyKey("ann", "after a start"), MARK, 1006)
        assert await kept_in(database) == [("ann", "5"), ("ann", "after a start")]


async def test_who_is_refused_at_the_door_leaves_no_trace(tmp_path):
    async with await Database.open(tmp_path / "caxton.db") as database:
        seen = []

        async def refuse(_begin):
            raise Forbidden("no")

        async def fail(begin):
            await begin()
            seen.append(await kept_in(database))
            raise AlreadyExists("it is there")

        async def readmit():
            seen.append("readmitted")

        repeats = Repeats(ReplyStore(database), "n1")
        exchange = SimpleNamespace(caller=SimpleNamespace(trace_id="t"))
        before = await database.read("SELECT total_changes()")
        reply = await repeats.run(ReplyKey("ann", "k"), MARK, exchange, refuse, readmit)
        assert (reply.status, await kept_in(database)) == (403, [])
        assert await database.read("SELECT total_changes()") == before
        for status in (409, 409):
            assert (await repeats.run(ReplyKey("ann", "k"), MARK, exchange, fail, readmit)).status == status
        assert seen == [[("ann", "k")], "readmitted"]


async def answer(store, principal, key, now_unix_s):
    """Keep an answer of ten bytes."""
    await store.begin(ReplyKey(principal, key), MARK, now_unix_s)
    await store.finish(ReplyKey(principal, key), Kept(MARK, 200, "text/plain", b"0123456789"))


async def kept_in(database):
    return await database.read("SELECT principal, key FROM rest_reply ORDER BY principal, key")
