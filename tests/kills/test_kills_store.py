"""A short round of what `python -m tests.kills.store` does for long."""

import pytest

from tests.kills.store import run

pytestmark = pytest.mark.story("004")


def test_a_process_that_is_killed_while_it_writes_loses_nothing_that_it_acknowledged():
    outcome = run(12, seed=4_004)
    assert outcome.faults == []
    assert outcome.rounds == 12
    assert outcome.acknowledged > 0
