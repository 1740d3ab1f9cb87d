"""Run the parts: `.venv/bin/python -m tests.bench.api [--json] [--quick]`."""

from __future__ import annotations

from tests.bench.api import access, commands, limiter, rest, unary
from tests.bench.api.place import opened
from tests.bench.report import Reporter, parse_options

PARTS = (unary, rest, access, limiter, commands)


def main() -> None:
    """Run all parts and print what they found."""
    reporter = Reporter("api", parse_options("api"))
    with opened() as place:
        for part in PARTS:
            part.run(reporter, place)


if __name__ == "__main__":
    main()
