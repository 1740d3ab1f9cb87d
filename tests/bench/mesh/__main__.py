"""Run the parts: `.venv/bin/python -m tests.bench.mesh [--json] [--quick] [--profile [tcp | quic]]`."""

from __future__ import annotations

import sys
from collections.abc import Sequence

from tests.bench.mesh import beside_others, between_guests, loss
from tests.bench.mesh.plan import plan
from tests.bench.mesh.profile import show_profile
from tests.bench.report import Options, Reporter, parse_options

PROFILE_S = 5.0
PROFILE_BYTES = 200


def measure(options: Options) -> None:
    """Run everything and print it."""
    reporter, times = Reporter("mesh", options), plan(options)
    between_guests.run(reporter, times, quick=options.quick)
    beside_others.run(reporter, times, quick=options.quick)
    loss.measure(options, reporter)


def main(words: Sequence[str]) -> None:
    """Measure, or show where the time goes."""
    if "--profile" in words:
        kinds = [word for word in words if word in between_guests.KINDS] or between_guests.KINDS
        for kind in kinds:
            show_profile(kind, PROFILE_BYTES, PROFILE_S)
    else:
        measure(parse_options("mesh", words))


if __name__ == "__main__":
    main(sys.argv[1:])
