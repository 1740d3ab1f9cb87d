"""The change log: what is in it, where it goes on, and where it knows that it cannot."""

from __future__ import annotations

import asyncio
import os
import re
from array import array
from pathlib import Path

import pytest

import caxton_node
from caxton_node.core.errors import CaxtonError
from caxton_node.storage import Database, StoreFailed, WriteRefused
from caxton_node.storage.change_log import ChangeLog, ChangeLogSettings
from caxton_node.storage.change_record import (
    HEADER_BYTES,
    Change,
    SegmentHead,
    decode_changes,
    decode_head,
    encode_change,
    encode_head,
)
from caxton_node.storage.change_segments import chain_start, list_segments, prune_before, prune_to_size
from caxton_node.storage.layout import DATABASE, backups_of, changes_of
from caxton_node.storage.restore import Order, restore
from tests.support.stores import back_up, contents, logged

pytestmark = pytest.mark.story("004")

PUT = "INSERT INTO cluster (key, value) VALUES (?, ?)"
HEAD = encode_head(SegmentHead(4, 1_000, True))


def changes_in(data_dir: Path) -> list[Change]:
    segments = list_segments(changes_of(backups_of(data_dir)))
    return [change for segment in segments for change in segment.changes()]


def chains_in(data_dir: Path) -> list[int]:
    segments = list_segments(changes_of(backups_of(data_dir)))
    return [segment.head.after for segment in segments if segment.head.begins]


def newest_segment(data_dir: Path) -> Path:
    return list_segments(changes_of(backups_of(data_dir)))[-1].path


def append_to(path: Path, data: bytes) -> None:
    path.write_bytes(path.read_bytes() + data)


def cut_to(path: Path, size_bytes: int) -> None:
    path.write_bytes(path.read_bytes()[:size_bytes])


def test_a_segment_is_read_as_it_was_written() -> None:
    first = encode_change(5, 2_000, [("A", (1, None, b"x", "ä", 2.5)), ("B", {"k": -(2**63)})])
    second = encode_change(6, 2_001, [("C", ())])
    changes = list(decode_changes(HEAD + first + second))
    assert decode_head(HEAD) == SegmentHead(4, 1_000, True)
    assert [(each.sequence, each.at_unix_us, each.end) for each in changes] == [
        (5, 2_000, HEADER_BYTES + len(first)),
        (6, 2_001, HEADER_BYTES + len(first) + len(second)),
    ]
    assert [(sql, parameters) for sql, parameters in changes[0].statements()] == [
        ("A", [1, None, b"x", "ä", 2.5]),
        ("B", {"k": -(2**63)}),
    ]


def test_buffers_are_written_as_the_bytes_that_the_database_stores() -> None:
    record = encode_change(1, 0, [("A", (memoryview(b"ab"), bytearray(b"cd"), array("B", b"ef")))])
    (change,) = decode_changes(HEAD + record)
    assert list(change.statements()) == [["A", [b"ab", b"cd", b"ef"]]]


def test_a_record_that_is_not_whole_ends_its_segment_at_every_byte() -> None:
    first, second = encode_change(5, 1, [("A", ())]), encode_change(6, 2, [("B", (b"x" * 50,))])
    data = HEAD + first + second
    for cut in range(HEADER_BYTES + len(first), len(data)):
        assert [change.sequence for change in decode_changes(data[:cut])] == [5]
    for at in range(HEADER_BYTES + len(first), len(data)):
        torn = bytearray(data)
        torn[at] ^= 0xFF
        assert [change.sequence for change in decode_changes(bytes(torn))] == [5]


@pytest.mark.parametrize("damaged", [b"", HEAD[:-1], b"\0" + HEAD[1:], HEAD[:12] + b"\xff" + HEAD[13:]])
def test_a_head_that_is_not_whole_is_none(damaged: bytes) -> None:
    assert decode_head(damaged) is None


async def test_what_is_committed_is_in_the_log_and_what_is_refused_is_not(tmp_path: Path) -> None:
    async with logged(tmp_path) as database:
        await database.write(PUT, ("a", 1))
        outcomes = await asyncio.gather(
            database.write(PUT, ("b", 2)),
            database.write(PUT, ("a", 3)),
            database.write_many([(PUT, ("c", 4)), (PUT, ("a", 5))]),
            return_exceptions=True,
        )
        assert [type(each) for each in outcomes] == [int, WriteRefused, WriteRefused]
        with pytest.raises(WriteRefused):
            await database.write(PUT, ("a", 6))
    changes = changes_in(tmp_path)
    assert [change.sequence for change in changes] == [1, 2]
    assert [statement for change in changes for statement in change.statements()] == [
        [PUT, ["a", 1]],
        [PUT, ["b", 2]],
    ]


async def test_the_log_goes_on_after_a_restart(tmp_path: Path) -> None:
    for number in range(3):
        async with logged(tmp_path) as database:
            await database.write(PUT, (f"k{number}", number))
    assert [change.sequence for change in changes_in(tmp_path)] == [1, 2, 3]
    assert chains_in(tmp_path) == [0]


async def test_a_record_whose_transaction_was_not_committed_is_cut_off(tmp_path: Path) -> None:
    async with logged(tmp_path) as database:
        await database.write(PUT, ("a", 1))
    append_to(newest_segment(tmp_path), encode_change(2, 2**62, [(PUT, ("never", 1))]) + b"\x01torn")
    async with logged(tmp_path) as database:
        await database.write(PUT, ("b", 2))
    assert [list(change.statements()) for change in changes_in(tmp_path)] == [
        [[PUT, ["a", 1]]],
        [[PUT, ["b", 2]]],
    ]
    assert chains_in(tmp_path) == [0]


async def test_a_record_that_was_not_committed_does_not_pass_for_what_was_written_without_the_log(
    tmp_path: Path,
) -> None:
    async with logged(tmp_path) as database:
        await database.write(PUT, ("a", 1))
    append_to(newest_segment(tmp_path), encode_change(2, 2**62, [(PUT, ("never", 1))]))
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write(PUT, ("not logged", 1))
    async with logged(tmp_path) as database:
        await database.write(PUT, ("b", 2))
    assert chains_in(tmp_path) == [0, 3]


async def test_a_log_that_lost_its_end_in_a_power_cut_begins_a_new_chain(tmp_path: Path) -> None:
    async with logged(tmp_path) as database:
        back_up(tmp_path)
        for number in range(5):
            await database.write(PUT, (f"k{number}", number))
    path = newest_segment(tmp_path)
    cut_to(path, changes_in(tmp_path)[2].end - 1)
    async with logged(tmp_path) as database:
        back_up(tmp_path)
        await database.write(PUT, ("after", 1))
        expected = contents(tmp_path / DATABASE)
    assert chains_in(tmp_path) == [0, 5]
    with pytest.raises(CaxtonError, match="does not lead"):
        restore(
            Order(tmp_path / "old", backups_of(tmp_path), to_unix_us=changes_in(tmp_path)[1].at_unix_us + 1)
        )
    restore(Order(tmp_path / "new", backups_of(tmp_path)))
    assert contents(tmp_path / "new" / DATABASE) == expected


async def test_a_database_that_is_older_than_its_log_overwrites_nothing_of_it(tmp_path: Path) -> None:
    async with logged(tmp_path) as database:
        await database.write(PUT, ("a", 1))
    old = bytes_of(tmp_path / DATABASE)
    async with logged(tmp_path) as database:
        for number in range(4):
            await database.write(PUT, (f"k{number}", number))
    put_down(tmp_path / DATABASE, old)
    async with logged(tmp_path) as database:
        await database.write(PUT, ("b", 2))
    assert [change.sequence for change in changes_in(tmp_path)] == [1, 2, 3, 4, 5, 7]
    assert chains_in(tmp_path) == [0, 6]


def bytes_of(path: Path) -> bytes:
    return path.read_bytes()


def put_down(path: Path, data: bytes) -> None:
    path.write_bytes(data)


async def test_segments_end_at_their_size_and_the_oldest_go_when_there_are_too_many(tmp_path: Path) -> None:
    async with logged(tmp_path, segment_bytes=2_000, bytes_max=10_000) as database:
        for number in range(60):
            await database.write(PUT, (f"k{number}", b"x" * 400))
    segments = list_segments(changes_of(backups_of(tmp_path)))
    assert sum(segment.size_bytes for segment in segments) <= 12_000
    assert all(segment.size_bytes <= 2_000 for segment in segments)
    changes = changes_in(tmp_path)
    assert [change.sequence for change in changes] == list(range(changes[0].sequence, 61))
    assert changes[0].sequence > 1
    assert chain_start(segments) == changes[0].sequence - 1


async def test_what_no_backup_needs_is_pruned_and_the_newest_segment_stays(tmp_path: Path) -> None:
    async with logged(tmp_path, segment_bytes=500) as database:
        for number in range(10):
            await database.write(PUT, (f"k{number}", b"x" * 400))
    folder = changes_of(backups_of(tmp_path))
    assert prune_before(folder, 4) == 4
    assert [change.sequence for change in changes_in(tmp_path)] == [5, 6, 7, 8, 9, 10]
    assert prune_before(folder, 10_000) == 5
    assert prune_to_size(folder, 0) == 0
    assert [change.sequence for change in changes_in(tmp_path)] == [10]


async def test_a_log_that_cannot_be_written_fails_the_write_and_nothing_of_it_is_stored(
    tmp_path: Path,
) -> None:
    async with logged(tmp_path) as database:
        journal = database._writer._connection.journal
        assert isinstance(journal, ChangeLog)
        good, journal._file = journal._file, open_for_reading(tmp_path)
        with pytest.raises(StoreFailed):
            await database.write(PUT, ("lost", 1))
        journal._file = good
        await database.write(PUT, ("kept", 1))
        assert await database.read("SELECT key FROM cluster") == [("kept",)]
    assert [change.sequence for change in changes_in(tmp_path)] == [1]


async def test_a_group_that_could_not_be_committed_never_counts(tmp_path: Path) -> None:
    """Its parent is missing, which SQLite notices at the commit; the next group stores nothing at all."""
    async with logged(tmp_path) as database:
        await database.write("CREATE TABLE wholes (id INTEGER PRIMARY KEY) STRICT")
        await database.write(
            "CREATE TABLE parts (id INTEGER REFERENCES wholes DEFERRABLE INITIALLY DEFERRED) STRICT"
        )
        before = newest_segment(tmp_path).read_bytes()
        with pytest.raises(WriteRefused):
            await database.write("INSERT INTO parts VALUES (99)")
        assert newest_segment(tmp_path).read_bytes() == before
        with pytest.raises(WriteRefused):
            await database.write("INSERT INTO wholes VALUES ('no number')")
        await database.write(PUT, ("kept", 1))
    changes = changes_in(tmp_path)
    assert [change.sequence for change in changes] == [1, 2, 3]
    assert list(changes[-1].statements()) == [[PUT, ["kept", 1]]]


async def test_whatever_a_journal_raises_the_next_group_finds_no_open_transaction(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with logged(tmp_path) as database:
        with monkeypatch.context() as patched:
            patched.setattr("caxton_node.storage.change_log.encode_change", refuse_to_encode)
            with pytest.raises(WriteRefused, match="refused"):
                await database.write(PUT, ("lost", 1))
        await database.write(PUT, ("kept", 1))
        assert await database.read("SELECT key FROM cluster") == [("kept",)]
    assert [change.sequence for change in changes_in(tmp_path)] == [1]


def refuse_to_encode(*_given: object) -> bytes:
    raise OverflowError("too large")


def open_for_reading(data_dir: Path) -> int:
    return os.open(data_dir / DATABASE, os.O_RDONLY)


async def test_a_folder_that_cannot_be_made_stops_the_node_and_is_named(tmp_path: Path) -> None:
    put_down(tmp_path / "file", b"")
    log = ChangeLog(ChangeLogSettings(tmp_path / "file" / "changes"))
    with pytest.raises(StoreFailed):
        await Database.open(tmp_path / DATABASE, change_log=log)


async def test_syncing_is_for_what_is_new(tmp_path: Path) -> None:
    async with logged(tmp_path) as database:
        journal = database._writer._connection.journal
        assert isinstance(journal, ChangeLog)
        journal.sync()
        await database.write(PUT, ("a", 1))
        assert journal.written_bytes > 0
        journal.sync()
        journal.sync()


# What a statement computes for itself comes out differently when it is run again.
_UNREPEATABLE = re.compile(
    r"\b(random|randomblob|julianday|unixepoch|strftime|changes|last_insert_rowid)\(|CURRENT_", re.IGNORECASE
)
_WRITES = re.compile(r"[\"'](?:INSERT|UPDATE|DELETE|REPLACE)\b[^\"']*", re.IGNORECASE)


def test_no_statement_of_the_product_depends_on_when_it_is_run() -> None:
    sources = Path(caxton_node.__file__).parent.rglob("*.py")
    statements = [text for path in sources for text in _WRITES.findall(path.read_text("utf-8"))]
    assert len(statements) > 30
    assert [text for text in statements if _UNREPEATABLE.search(text)] == []
