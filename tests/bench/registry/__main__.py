"""Run the parts: `.venv/bin/python -m tests.bench.registry [--json] [--quick]`."""

from __future__ import annotations

from tests.bench.registry import convergence, costs, lookup, search, store
from tests.bench.report import Reporter, parse_options

PARTS = (costs, lookup, search, store, convergence)


def main() -> None:
    """Run all parts and print what they found."""
    reporter = Reporter("registry", parse_options("registry"))
    for part in PARTS:
        part.run(reporter)


if __name__ == "__main__":
    main()
