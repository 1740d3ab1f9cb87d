"""A short round of what `make names` does in full: names that both sides of a real split deploy."""

import tempfile
from pathlib import Path

import pytest

from tests.chaos.contested import find_obstacle, run

OBSTACLE = find_obstacle()
pytestmark = [
    pytest.mark.story("026"),
    pytest.mark.skipif(bool(OBSTACLE), reason=f"no network of its own for this test: {OBSTACLE}"),
]


@pytest.mark.timeout(300)
def test_of_two_agents_of_one_name_one_is_left_when_a_split_heals_and_registries_are_equal():
    # Not pytest's own place: a socket must not have a long path.
    with tempfile.TemporaryDirectory(prefix="caxton-chaos-") as folder:
        run(Path(folder), nodes=3, agents=60, contested=20, split_s=3.0, changes=("swim.profile=local",))
