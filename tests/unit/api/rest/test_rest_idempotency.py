import pytest

from caxton_node.api.rest.idempotency import Kept, fingerprint, is_kept, read_key, replay_of
from caxton_node.api.rest.refusals import KeyReused, PreconditionFailed, Refusal, StillRunning
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
    async with await Database.open(tmp_path / "caxton.db") as database:
        store = ReplyStore(database)
        for number in range(5):
            await store.begin(ReplyKey("ann", str(number)), MARK, 1000 + number)
        assert await database.read("SELECT key FROM rest_reply ORDER BY key") == [("2",), ("3",), ("4",)]
