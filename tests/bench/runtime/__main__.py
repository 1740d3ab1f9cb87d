"""Run the parts: `python -m tests.bench.runtime [--json] [--quick]`."""

from __future__ import annotations

import sys

from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from tests.bench.report import Reporter, parse_options
from tests.bench.runtime import accuracy, cold, density, overhead, starts

PARTS = (starts, cold, overhead, accuracy, density)


def main() -> None:
    """Run all parts and print what they found."""
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    report = Reporter("runtime", parse_options("runtime"))
    for part in PARTS:
        part.run(report)


if __name__ == "__main__":
    main()
