"""One cluster of three real processes for all end-to-end tests of a module."""

import pytest

from caxton_node.devkit.demo.interrupts import Interrupts
from caxton_node.devkit.demo.nodes import Stage
from tests.support.nodes import found, join


@pytest.fixture(scope="module")
def lone():
    """A cluster of one; `lone.token` is its admin token."""
    with Stage(Interrupts()) as stage:
        stage.token = found(stage.nodes[0])
        yield stage


@pytest.fixture(scope="module")
def trio():
    """A cluster of three."""
    with Stage(Interrupts()) as stage:
        first, *others = stage.nodes
        stage.token = found(first)
        for node in others:
            join(node, first)
        yield stage
