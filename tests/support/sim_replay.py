"""Seeds for simulations: each test gets one, and a failure says how to run it again.

Used as a pytest plugin by `tests/sim/conftest.py`. The seed of a test comes from its name, so that tests
differ from each other but not from run to run; SIM_SEED in the environment replaces it.
"""

from __future__ import annotations

import os
import zlib
from collections.abc import Generator

import pytest


def seed_for(nodeid: str) -> int:
    """Return the seed of a test."""
    given = os.environ.get("SIM_SEED")
    return int(given) if given else zlib.crc32(nodeid.encode()) % 100_000


def replay_command(nodeid: str, seed: int) -> str:
    """Return the command that repeats a run exactly."""
    return f"SIM_SEED={seed} .venv/bin/python -m pytest '{nodeid}'"


@pytest.fixture
def seed(request: pytest.FixtureRequest) -> int:
    """Give a test its seed."""
    return seed_for(request.node.nodeid)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add seed and replay command to the report of a failed simulation."""
    report = yield
    if report.failed and "seed" in getattr(item, "fixturenames", ()):
        number = seed_for(item.nodeid)
        report.sections.append(
            ("simulation", f"seed {number}; replay: {replay_command(item.nodeid, number)}")
        )
    return report
