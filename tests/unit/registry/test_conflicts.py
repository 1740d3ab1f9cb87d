"""The partition report of one node: what is told is written down once, and bounded."""

import random

import msgspec
import pytest

from caxton_node.core.clock import SystemClock
from caxton_node.registry import conflict_book, conflict_store
from caxton_node.registry.conflict_book import ConflictBook
from caxton_node.registry.conflicts import WITHDRAWN, Conflict, Describer, Said, Version, said_in_general
from caxton_node.registry.entry import Entry
from caxton_node.registry.hlc import stamp_at
from caxton_node.registry.overruled import Overruled
from caxton_node.registry.values import ValueReader
from caxton_node.registry.vector_clock import VectorClock
from caxton_node.storage import Database

pytestmark = pytest.mark.story("026")
pack = msgspec.msgpack.encode


def entry(value, origin, stamp, *, key="default/web", kind="name", deleted=False):
    return Entry(kind, key, b"" if deleted else value, VectorClock({origin: 1}), stamp, origin, deleted)


def overruled(number, *, key="default/web", **loser):
    return Overruled(
        entry(pack({"x": number}), "n1", stamp_at(number * 1000), key=key, **loser),
        entry(pack({"x": "winner"}), "n2", stamp_at(10**9), key=key),
    )


@pytest.fixture
async def database(tmp_path):
    async with await Database.open(tmp_path / "caxton.db") as opened:
        yield opened


@pytest.fixture
async def book(database):
    opened = ConflictBook(database, SystemClock())
    yield opened
    await opened.close()


async def test_what_was_overruled_is_told_with_both_versions(book):
    book.note(overruled(7))
    (row,) = await book.read()
    assert (row.kind, row.key, row.action) == ("name", "default/web", "")
    assert (row.loser.origin, row.loser.unix_ms, row.loser.summary) == ("n1", 7, "x=7")
    assert (row.winner.origin, row.winner.summary) == ("n2", "x=winner")
    assert row.loser.digest != row.winner.digest


async def test_the_same_news_from_many_neighbours_is_one_row(book):
    for _ in range(5):
        book.note(overruled(7))
    assert (len(await book.read()), book.count()) == (1, 1)


async def test_versions_that_say_the_same_are_no_loss(book):
    book.describer.teach("name", lambda _value: Said("same", "same"))
    book.note(overruled(7))
    assert (await book.read(), book.count()) == ([], 0)


async def test_a_withdrawal_that_lost_is_told_as_one(book):
    book.note(overruled(7, deleted=True))
    (row,) = await book.read()
    assert (row.loser.summary, row.loser.digest) == (WITHDRAWN, "")


async def test_the_report_survives_the_node_and_tells_nothing_twice(database, book):
    book.note(overruled(7))
    await book.close()
    again = ConflictBook(database, SystemClock())
    again.note(overruled(7))
    assert len(await again.read()) == 1


async def test_rows_are_read_in_pages_the_latest_write_first(book):
    numbers = list(range(1, 8))
    random.Random(1).shuffle(numbers)
    for number in numbers:
        book.note(overruled(number))
    first = await book.read(limit=4)
    second = await book.read(limit=4, after=first[-1].place)
    assert [row.loser.unix_ms for row in (*first, *second)] == [7, 6, 5, 4, 3, 2, 1]


async def test_writes_of_one_instant_have_an_order_as_well(book):
    for key in ("b", "c", "a"):
        book.note(overruled(5, key=key))
    first = await book.read(limit=1)
    rest = await book.read(after=first[0].place)
    assert [row.key for row in (*first, *rest)] == ["a", "b", "c"]


async def test_what_was_done_is_added_to_the_row_that_tells_of_it(book):
    book.note(overruled(7))
    (row,) = await book.read()
    book.note_action(done(row, "stopped"))
    assert [(one.action, one.loser.stamp) for one in await book.read()] == [("stopped", row.loser.stamp)]
    assert await book.read_done("name", "stopped") == [("default/web", row.loser.digest, row.noticed_unix_ms)]


async def test_what_was_done_without_news_of_it_has_a_row_of_its_own(book):
    book.note_action(done(Describer().conflict_of(overruled(7), 1), "kept"))
    assert [row.action for row in await book.read()] == ["kept"]


async def test_the_report_is_bounded(book, monkeypatch):
    monkeypatch.setattr(
        conflict_store, "_TRIM", conflict_store._TRIM.replace(str(conflict_store.CONFLICTS_KEPT), "3")
    )
    monkeypatch.setattr(conflict_book, "CONFLICTS_KEPT", 3)
    for number in range(1, 10):
        book.note(overruled(number))
    assert [row.loser.unix_ms for row in await book.read()] == [9, 8, 7]
    assert (len(book._known), book.count()) == (3, 9)


def test_values_of_unknown_kinds_are_told_by_their_fields_or_their_length():
    assert said_in_general(pack({"weight": 3, "to": "x"})).summary == "weight=3, to=x"
    assert said_in_general(pack([1, 2])).summary == "3 bytes"
    assert said_in_general(b"\xc1").summary == "1 bytes"
    assert len(said_in_general(pack({"x": "y" * 1000})).summary) == 200


def test_a_value_that_its_reader_cannot_read_is_told_in_general():
    describer = Describer()
    describer.teach("name", ValueReader(Said).read)
    assert describer.version_of(entry(pack({"x": 1}), "n1", 5)).summary == "x=1"


def done(row, action):
    loser = Version(row.loser.stamp, "n9", row.loser.digest, row.loser.summary)
    return Conflict(row.kind, row.key, loser, row.winner, row.noticed_unix_ms, action)


def test_what_another_node_wrote_has_no_power_over_the_screen_that_shows_it():
    said = said_in_general(pack({"x": "\x1b[31mred\n"}))
    assert said.summary == "x=\\x1b[31mred\\n"
