"""A restore yields exactly the state of the moment that was asked for, whatever was written and when."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.core.errors import CaxtonError
from caxton_node.storage import Database
from caxton_node.storage.group import Statement
from caxton_node.storage.layout import DATABASE, backups_of
from caxton_node.storage.restore import Order, restore
from tests.support.stores import Contents, back_up, contents, logged

pytestmark = pytest.mark.story("004")

PUT = "INSERT INTO cluster (key, value) VALUES (?, ?)"
SPOOL = "INSERT INTO spooled_messages (receiver, envelope, spooled_unix_ms) VALUES (?, ?, 1)"
STEP_US = 1_000
VALUES = st.one_of(
    st.none().map(lambda _none: b""), st.integers(-(2**63), 2**63 - 1), st.text(max_size=20),
    st.binary(max_size=300), st.floats(allow_nan=False), st.booleans(),
)  # fmt: skip
KEYS = st.sampled_from("abcdefgh")
STATEMENTS: st.SearchStrategy[Statement] = st.one_of(
    st.tuples(st.just(PUT), st.tuples(KEYS, VALUES)),
    st.tuples(st.just("INSERT OR REPLACE INTO cluster VALUES (:key, :value)"),
              st.fixed_dictionaries({"key": KEYS, "value": VALUES})),
    st.tuples(st.just("DELETE FROM cluster WHERE key >= ?"), st.tuples(KEYS)),
    st.tuples(st.just("UPDATE boot SET epoch = epoch + ?"), st.tuples(st.integers(0, 9))),
    st.tuples(st.just(SPOOL), st.tuples(KEYS, st.binary(max_size=50))),
    st.tuples(st.just("DELETE FROM spooled_messages WHERE id IN (SELECT id FROM spooled_messages LIMIT ?)"),
              st.tuples(st.integers(0, 3))),
)  # fmt: skip
WRITES = st.lists(STATEMENTS, min_size=1, max_size=4)


class Clock:
    """Time that passes when it is told to."""

    def __init__(self, now_unix_us: int) -> None:
        self.now_unix_us = now_unix_us

    def __call__(self) -> int:
        return self.now_unix_us


async def _write_at_once(database: Database, writes: Sequence[Sequence[Statement]]) -> None:
    await asyncio.gather(*(database.write_many(write) for write in writes), return_exceptions=True)


@settings(max_examples=20, deadline=None)
@given(
    sessions=st.lists(st.lists(st.lists(WRITES, min_size=1, max_size=3), max_size=6), min_size=1, max_size=3),
    backups_after=st.sets(st.integers(0, 12), max_size=3),
    segment_bytes=st.sampled_from([64, 300, 2**20]),
    data=st.data(),
)
def test_any_moment_since_a_backup_is_restored_exactly(
    sessions: list[list[list[list[Statement]]]],
    backups_after: set[int],
    segment_bytes: int,
    data: st.DataObject,
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        data_dir = Path(folder, "node")
        data_dir.mkdir()
        known = asyncio.run(_live(data_dir, sessions, backups_after, segment_bytes))
        moment = data.draw(st.sampled_from(sorted(known)))
        target = Path(folder, "restored")
        done = restore(Order(target, backups_of(data_dir), to_unix_us=moment))
        assert contents(target / DATABASE) == known[moment]
        assert done.replayed.at_unix_us <= moment


async def _live(
    data_dir: Path,
    sessions: list[list[list[list[Statement]]]],
    backups_after: set[int],
    segment_bytes: int,
) -> dict[int, Contents]:
    """Write in turns, each at a time of its own; return what was in the database at which moment."""
    known: dict[int, Contents] = {}
    clock, turn = Clock(0), 0
    for number, turns in enumerate(sessions):
        async with logged(data_dir, now_unix_us=clock, segment_bytes=segment_bytes) as database:
            if number == 0:
                clock.now_unix_us = back_up(data_dir).created_unix_us
            for writes in turns:
                clock.now_unix_us += STEP_US
                await _write_at_once(database, writes)
                known[clock.now_unix_us] = contents(data_dir / DATABASE)
                if turn in backups_after:
                    # Its time is the real one, which only has to be later than what it holds.
                    clock.now_unix_us = max(clock.now_unix_us, back_up(data_dir).created_unix_us)
                turn += 1
            known[clock.now_unix_us] = contents(data_dir / DATABASE)
    return known


async def test_a_moment_in_a_time_without_a_log_is_refused_and_the_last_one_before_it_is_named(
    tmp_path: Path,
) -> None:
    clock = Clock(0)
    async with logged(tmp_path, now_unix_us=clock) as database:
        clock.now_unix_us = back_up(tmp_path).created_unix_us + STEP_US
        await database.write(PUT, ("logged", 1))
        before = contents(tmp_path / DATABASE)
    last = clock.now_unix_us
    async with await Database.open(tmp_path / DATABASE) as database:
        await database.write(PUT, ("not logged", 1))
    clock.now_unix_us += STEP_US
    async with logged(tmp_path, now_unix_us=clock) as database:
        await database.write(PUT, ("logged again", 1))
    with pytest.raises(CaxtonError, match="does not lead") as caught:
        restore(Order(tmp_path, to_unix_us=clock.now_unix_us, force=True))
    assert "--to" in caught.value.hint
    restore(Order(tmp_path, to_unix_us=last, force=True))
    assert contents(tmp_path / DATABASE) == before
