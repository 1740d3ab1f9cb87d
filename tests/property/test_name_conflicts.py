"""After a partition exactly one content of each name runs, whoever deployed what where in which order."""

from __future__ import annotations

import asyncio
import itertools

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caxton_node.agents.claims import KIND, decode_claim
from tests.support.name_net import NameNet

pytestmark = pytest.mark.story("026")

NODES = ("n1", "n2", "n3", "n4")
SIDES = st.sampled_from(
    [
        (("n1", "n2"), ("n3", "n4")),
        (("n1",), ("n2", "n3", "n4")),
        (("n1", "n4"), ("n2",), ("n3",)),
        (("n1",), ("n2",), ("n3",), ("n4",)),
    ]
)
# Each side deploys contents of its own and one that all have; who replaces what is here knows what it does.
VERSIONS = st.sampled_from(["1.0.0", "2.0.0", "3.0.0"])
STEPS = st.lists(
    st.tuples(st.sampled_from(["deploy", "deploy", "deploy", "remove"]), st.sampled_from(NODES), VERSIONS),
    min_size=1,
    max_size=10,
)
_NUMBERS = itertools.count(1)


@pytest.fixture(scope="module")
def runner():
    with asyncio.Runner() as opened:
        yield opened


@pytest.fixture(scope="module")
def net(runner, tmp_path_factory):
    """Four nodes for all examples, each of which has a name of its own."""
    opened = NameNet(tmp_path_factory.mktemp("names"), NODES)
    runner.run(opened.start())
    yield opened
    runner.run(opened.stop())


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(sides=SIDES, steps=STEPS)
def test_one_content_of_a_name_runs_after_sides_that_deployed_it_apart_meet(net, runner, sides, steps):
    runner.run(check(net, sides, steps))


async def check(net, sides, steps):
    """Let each side have one content at a time, heal, and see what runs."""
    name = f"default/web{next(_NUMBERS)}"
    net.split(*sides)
    for step, node, version in steps:
        side = next(side for side in sides if node in side)
        if step == "remove":
            net.nodes[node].cast.remove(name)
        else:
            for other in side:  # a side that has changed its mind has done so everywhere
                if net.nodes[other].version(name) not in ("", version):
                    net.nodes[other].cast.deploy(name, version)
            net.nodes[node].cast.deploy(name, version)
        await net.settled()
    ran = net.versions(name)
    await net.heal()
    left = net.versions(name)
    assert len(set(left.values())) <= 1, (ran, left)
    assert bool(left) is bool(ran), "somebody ran before, so the winner runs"
    entry = net.nodes["n1"].node.registry.find_entry(KIND, name)
    is_somewhere = any(name in (*one.cast.up, *one.cast.down) for one in net.nodes.values())
    assert (entry is not None) is is_somewhere
    if left:
        winner = decode_claim(entry.value).version
        assert set(left.values()) == {winner}
        stopped = {node for node, version in ran.items() if version != winner}
        assert {node for node, one in net.nodes.items() if (name, True) in one.cast.lost} >= stopped
        # Of several sides two may have met first, and what lost there may say the same as the last winner.
        assert set(left) <= {node for node, version in ran.items() if version == winner}
    for one in net.nodes.values():
        one.cast.remove(name)
