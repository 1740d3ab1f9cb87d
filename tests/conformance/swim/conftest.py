"""Give the simulations among these tests their seeds."""

from tests.support.sim_replay import pytest_runtest_makereport, seed

__all__ = ["pytest_runtest_makereport", "seed"]
