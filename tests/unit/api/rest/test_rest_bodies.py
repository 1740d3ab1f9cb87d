"""How much of requests is held at once."""

import pytest

from caxton_node.api.rest.bodies import Bodies
from caxton_node.core.errors import ResourceLimit

pytestmark = pytest.mark.story("007")


def test_one_source_takes_no_more_than_its_part():
    bodies = Bodies(100, 50)
    bodies.take("a", 50)
    with pytest.raises(ResourceLimit):
        bodies.take("a", 1)
    bodies.take("b", 50)
    assert bodies.held_bytes == 100


def test_all_together_take_no_more_than_there_is():
    bodies = Bodies(100, 60)
    bodies.take("a", 60)
    bodies.take("b", 40)
    with pytest.raises(ResourceLimit):
        bodies.take("c", 1)
    assert bodies.held_bytes == 100


def test_what_is_given_back_is_there_for_others():
    bodies = Bodies(100, 100)
    bodies.take("a", 100)
    bodies.give("a", 100)
    bodies.take("b", 100)
    assert bodies.held_bytes == 100
