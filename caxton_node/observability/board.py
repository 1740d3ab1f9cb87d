"""All numbers of a process in one place: cells to count in, and readings pulled from whoever keeps its own.

    sent = board.counter("caxton_messages_total", outcome="delivered")   # once; then sent.add() where it is
    board.collect_from(lambda: [reading("caxton_mailbox_depth", router.waiting)])

Pull functions run on the thread of the scrape. They must only read: plain ints, or a `list(...)` of a dict.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from caxton_node.observability.cells import Counter, Gauge, Histogram
from caxton_node.observability.instruments import BY_NAME, Instrument, Kind
from caxton_node.observability.logs import get_logger

SERIES_MAX = 1000
OTHER = "other"

Cell: TypeAlias = Counter | Gauge | Histogram

_log = get_logger("observability")


@dataclass(frozen=True, slots=True)
class HistogramValue:
    """A histogram at one moment.

    Attributes:
        bounds: Upper bounds, ascending.
        counts: Values per bucket, one more than bounds: the last is above them all.
        total: Sum of all values.
    """

    bounds: tuple[float, ...]
    counts: tuple[int, ...]
    total: float


@dataclass(frozen=True, slots=True)
class Reading:
    """One series at one moment.

    Attributes:
        name: A name of the table.
        labels: Label values in the table's order.
        value: A number, or a histogram.
    """

    name: str
    labels: tuple[str, ...]
    value: float | HistogramValue


PullFunction: TypeAlias = Callable[[], Iterable[Reading]]


def reading(name: str, value: float | HistogramValue, **labels: str) -> Reading:
    """Return a reading with its labels in the table's order."""
    return Reading(name, _label_values(BY_NAME[name], labels), value)


class Board:
    """The cells and pull functions of one process."""

    def __init__(self) -> None:
        self._cells: dict[str, dict[tuple[str, ...], dict[int, Cell]]] = {name: {} for name in BY_NAME}
        self._sources: list[PullFunction] = []
        self._errors = self.counter("caxton_metrics_errors_total")

    def counter(self, name: str, *, shard: int = 0, **labels: str) -> Counter:
        """Return the counter of a series; the same one for the same labels and shard.

        Args:
            name: A name of the table.
            shard: Distinguishes writing threads; shards are added up when read.
            labels: One value for each label of the table.
        """
        cell = self._cell(name, Kind.COUNTER, labels, shard, lambda _row: Counter())
        assert isinstance(cell, Counter)
        return cell

    def gauge(self, name: str, *, shard: int = 0, **labels: str) -> Gauge:
        """Return the gauge of a series; as `counter`."""
        cell = self._cell(name, Kind.GAUGE, labels, shard, lambda _row: Gauge())
        assert isinstance(cell, Gauge)
        return cell

    def histogram(self, name: str, *, shard: int = 0, **labels: str) -> Histogram:
        """Return the histogram of a series, with the table's bounds; as `counter`."""
        cell = self._cell(name, Kind.HISTOGRAM, labels, shard, lambda row: Histogram(row.bounds))
        assert isinstance(cell, Histogram)
        return cell

    def collect_from(self, source: PullFunction) -> None:
        """Ask a function for readings at every scrape from now on."""
        self._sources.append(source)

    def read(self) -> list[Reading]:
        """Return every series, those of one metric in a row; a source that raises is counted and left out."""
        found = {name: list(self._read_cells(name)) for name in BY_NAME}
        for pulled in self._pull():
            found[pulled.name].append(pulled)
        return [one for name in BY_NAME for one in found[name]]

    def _pull(self) -> Iterator[Reading]:
        for source in self._sources:
            try:
                yield from list(source())
            except Exception:  # noqa: BLE001 - one broken source must not blind the operator to all others
                self._errors.add()
                _log.exception("a source of metrics failed")

    def _read_cells(self, name: str) -> Iterator[Reading]:
        for labels, shards in list(self._cells[name].items()):
            cells = list(shards.values())
            if isinstance(cells[0], Histogram):
                yield Reading(name, labels, _add_up([cell for cell in cells if isinstance(cell, Histogram)]))
            else:
                yield Reading(
                    name, labels, sum(cell.value for cell in cells if not isinstance(cell, Histogram))
                )

    def _cell(
        self, name: str, kind: Kind, labels: dict[str, str], shard: int, make: Callable[[Instrument], Cell]
    ) -> Cell:
        row = BY_NAME[name]
        assert row.kind is kind, f"{name} is a {row.kind}"
        values = _label_values(row, labels)
        series = self._cells[name]
        if values not in series and len(series) >= SERIES_MAX:
            values = (OTHER,) * len(row.labels)
        shards = series.setdefault(values, {})
        if shard not in shards:
            shards[shard] = make(row)
        return shards[shard]


def _label_values(row: Instrument, labels: dict[str, str]) -> tuple[str, ...]:
    assert labels.keys() == set(row.labels), f"{row.name} has the labels {row.labels}, not {tuple(labels)}"
    return tuple(labels[label] for label in row.labels)


def _add_up(histograms: Sequence[Histogram]) -> HistogramValue:
    counts = tuple(sum(column) for column in zip(*(cell.counts for cell in histograms), strict=True))
    return HistogramValue(histograms[0].bounds, counts, sum(cell.total for cell in histograms))
