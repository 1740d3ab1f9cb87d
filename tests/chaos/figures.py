"""The figures of a run: a table for people and JSON lines for programs."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured number.

    Attributes:
        scenario: Name of the test, as a sentence.
        metric: What was measured.
        value: The number.
        unit: Its unit.
        limit: What it must not pass; None if it is told only.
    """

    scenario: str
    metric: str
    value: float
    unit: str
    limit: float | None


@dataclass(slots=True)
class Figures:
    """All figures of a run.

    Attributes:
        noted: In the order in which they were measured.
        scenario: Name of the test that runs.
    """

    noted: list[Figure] = field(default_factory=list)
    scenario: str = ""

    def note(self, metric: str, value: float, unit: str, *, limit: float | None = None) -> None:
        """Keep a figure, and hold it against its limit after it has been kept.

        Raises:
            AssertionError: It passes the limit.
        """
        self.noted.append(Figure(self.scenario, metric, round(value, 2), unit, limit))
        assert limit is None or value <= limit, f"{metric}: {value:g} {unit}, at most {limit:g} are allowed"

    def table(self) -> Iterator[str]:
        """Yield the lines of the table."""
        last = ""
        for one in self.noted:
            if one.scenario != last:
                yield one.scenario
                last = one.scenario
            bound = "" if one.limit is None else f"   (at most {one.limit:g})"
            yield f"  {one.metric:58} {one.value:>8g} {one.unit}{bound}".rstrip()

    def json_lines(self) -> Iterator[str]:
        """Yield one JSON object for each figure."""
        for one in self.noted:
            yield json.dumps({"bench": "chaos", **asdict(one)})
