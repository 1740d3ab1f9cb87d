"""A hundred random histories of a cluster with deployments; `SIM_SEED` gives others."""

from __future__ import annotations

import os

import pytest

from tests.support.deployment_world.history import history
from tests.support.deployment_world.loop import run_virtually

pytestmark = pytest.mark.story("026")

SEED = os.environ.get("SIM_SEED", "7")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("number", range(100))
def test_a_history_ends_as_it_is_wanted(number: int) -> None:
    run_virtually(history(f"{SEED} {number}"))
