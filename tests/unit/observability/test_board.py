"""The board: cells, shards, pulled readings, bounded series."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from caxton_node.observability import INSTRUMENTS, Board, HistogramValue, Instrument, Reading
from caxton_node.observability.board import reading
from caxton_node.observability.instruments import Kind

pytestmark = pytest.mark.story("009")


def values(board: Board, name: str) -> dict[tuple[str, ...], object]:
    return {one.labels: one.value for one in board.read() if one.name == name}


def test_the_same_labels_give_the_same_cell() -> None:
    board = Board()
    board.counter("caxton_messages_total", outcome="delivered").add(2)
    board.counter("caxton_messages_total", outcome="delivered").add()
    board.counter("caxton_messages_total", outcome="refused").add()
    assert values(board, "caxton_messages_total") == {("delivered",): 3, ("refused",): 1}


def test_shards_of_several_threads_are_added_up() -> None:
    board = Board()
    for shard in range(3):
        board.counter("caxton_agent_fuel_total", shard=shard).add(10)
        board.histogram("caxton_message_batch_size", shard=shard).observe(3)
    assert values(board, "caxton_agent_fuel_total") == {(): 30}
    batches = values(board, "caxton_message_batch_size")[()]
    assert isinstance(batches, HistogramValue)
    assert (sum(batches.counts), batches.total) == (3, 9)


def test_a_histogram_puts_a_bound_itself_below_it() -> None:
    board = Board()
    cell = board.histogram("caxton_message_batch_size")
    for size in (1, 2, 3, 256, 257):
        cell.observe(size)
    assert cell.counts == [1, 1, 1, 0, 0, 0, 0, 0, 1, 1]


def test_readings_are_pulled_and_stand_beside_cells_of_the_same_metric() -> None:
    board = Board()
    board.gauge("caxton_agents", state="running").set(2)
    board.collect_from(lambda: [reading("caxton_agents", 1, state="failed")])
    assert values(board, "caxton_agents") == {("running",): 2, ("failed",): 1}
    names = [one.name for one in board.read()]
    assert names == sorted(names, key=[row.name for row in INSTRUMENTS].index)


def test_a_broken_source_is_counted_and_the_others_are_read() -> None:
    def broken() -> Iterable[Reading]:
        yield reading("caxton_dead_letters", 1)
        raise RuntimeError("gone")

    board = Board()
    board.collect_from(broken)
    board.collect_from(lambda: [reading("caxton_mailbox_depth", 7)])
    assert values(board, "caxton_mailbox_depth") == {(): 7}
    assert values(board, "caxton_dead_letters") == {}
    assert values(board, "caxton_metrics_errors_total") == {(): 2}


def test_labels_that_multiply_end_up_in_one_series(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caxton_node.observability.board.SERIES_MAX", 3)
    board = Board()
    for number in range(10):
        board.counter("caxton_wasm_traps_total", kind=f"k{number}").add()
    found = values(board, "caxton_wasm_traps_total")
    assert len(found) == 4
    assert found["other",] == 7


def test_a_wrong_name_label_or_kind_is_a_bug() -> None:
    board = Board()
    with pytest.raises(KeyError):
        board.counter("caxton_nothing_total")
    with pytest.raises(AssertionError):
        board.counter("caxton_messages_total", result="x")
    with pytest.raises(AssertionError):
        board.gauge("caxton_messages_total", outcome="x")


@pytest.mark.parametrize("row", INSTRUMENTS, ids=lambda row: row.name)
def test_every_row_of_the_table_follows_the_naming_rules(row: Instrument) -> None:
    assert row.name.startswith("caxton_")
    assert (row.kind is Kind.COUNTER) == row.name.endswith("_total")
    assert (row.kind is Kind.HISTOGRAM) == bool(row.bounds)
    assert list(row.bounds) == sorted(row.bounds)
    assert row.help.endswith(".")
    if row.unit:
        assert {"s": "seconds", "bytes": "bytes"}[row.unit] in row.name
