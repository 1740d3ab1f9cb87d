"""A short round of what `python -m tests.kills` does for long."""

import pytest

from tests.kills.rounds import run

pytestmark = [pytest.mark.story("022"), pytest.mark.story("002")]


@pytest.mark.timeout(300)
def test_nodes_that_are_killed_at_random_lose_no_durable_message_and_handle_none_twice():
    outcome = run(10, seed=20_022, rate_per_s=50)
    assert outcome.is_sound, outcome
    assert outcome.arrived >= outcome.taken > 0
