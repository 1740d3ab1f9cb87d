"""The common form of all benchmarks: one JSON object per line, or a readable line each.

    {"bench", "metric", "value", "unit", "n", "p50", "p99", "baseline", "ratio", "note"} and what a bench adds

Keys that do not apply are left out. `ratio` is value / baseline, both measured in the same run.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Options:
    """How a bench was called.

    Attributes:
        json: One JSON object per line instead of text.
        quick: End within 40 seconds.
    """

    json: bool
    quick: bool


def parse_options(bench: str, argv: Sequence[str] | None = None) -> Options:
    """Read the two switches that every bench has."""
    parser = argparse.ArgumentParser(prog=f"python -m tests.bench.{bench}")
    parser.add_argument("--json", action="store_true", help="one JSON object per line")
    parser.add_argument("--quick", action="store_true", help="end within 40 s")
    found = parser.parse_args(argv)
    return Options(found.json, found.quick)


@dataclass(frozen=True, slots=True)
class Reporter:
    """Prints the results of one bench."""

    bench: str
    options: Options

    def emit(
        self, metric: str, value: float, unit: str, *, baseline: float | None = None, **more: object
    ) -> None:
        """Print one result.

        Args:
            metric: Name in the table of benchmarks.
            value: The figure that the table asks for.
            unit: Its unit.
            baseline: The same work by the reference, measured in this run.
            more: `n`, `p50`, `p99`, `note` and whatever helps to judge the figure; None is left out.
        """
        line: dict[str, object] = {"bench": self.bench, "metric": metric, "value": tidy(value), "unit": unit}
        if baseline is not None:
            line |= {"baseline": tidy(baseline), "ratio": tidy(value / baseline)}
        for key, extra in more.items():
            if extra is not None:
                line[key] = tidy(extra) if isinstance(extra, float) else extra
        if self.options.json:
            print(json.dumps(line), flush=True)
        else:
            rest = "  ".join(f"{key}={extra}" for key, extra in line.items() if key not in _IN_FRONT)
            print(f"{metric:22} {line['value']:>12} {unit:12} {rest}", flush=True)


_IN_FRONT = {"bench", "metric", "value", "unit"}


def tidy(value: float) -> float:
    """Round to four significant digits, whole numbers from 1,000 on: more would pretend to be known."""
    return float(f"{value:.4g}") if abs(value) < 1_000 else round(value)


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """Return the value below which this share of the sorted, non-empty values lies (nearest rank)."""
    return sorted_values[min(len(sorted_values) - 1, int(share * len(sorted_values)))]
