"""Group K, scenario 110: where members are, learnt from probes."""

from __future__ import annotations

import math
import struct

import pytest

from caxton_node.devkit.simulator.cluster import Cluster
from swim.coordinates import Coordinate
from swim.messages import Ack
from swim.statistics import Drop
from swim.timers import ProbePeriod
from tests.conformance.swim.scenes import (
    probed,
    settled,
)
from tests.support.swim_pair import Peer, Subject

pytestmark = pytest.mark.story("018")


def answer(subject: Subject, others: list[Peer], rtt_s: float, coordinate: bytes) -> Peer:
    """Let the next probe be answered after a time with a coordinate."""
    subject.now += 1.0
    target, ping = probed(subject.fire(ProbePeriod), others)
    subject.now += rtt_s
    subject.hear(target, Ack(ping.sequence, subject.membership.digest, coordinate))
    return target


@pytest.mark.scenario(110)
def test_distances_are_learnt_from_answers_to_probes() -> None:
    subject, others = settled(1)
    assert subject.membership.distance_s("peer-1") is None
    there = Coordinate(height_s=0.001, error=0.1).encode()
    for _ in range(60):
        answer(subject, others, 0.02, there)
    distance_s = subject.membership.distance_s("peer-1")
    assert distance_s == pytest.approx(0.02, rel=0.1)


@pytest.mark.scenario(110)
@pytest.mark.parametrize(
    "values",
    [
        (math.nan, 0, 0, 0, 1, 1),
        (math.inf, 0, 0, 0, 1, 1),
        (0, 0, 0, -math.inf, 1, 1),
        (0, 0, 0, 0, math.nan, 1),
        (0, 0, 0, 0, -1, 1),
        (0, 0, 0, 0, 1, math.nan),
        (0, 0, 0, 0, 1, -0.1),
        (0, 0, 0, 0, 1, 2.0),
        (20_000, 0, 0, 0, 1, 1),
    ],
    ids=str,
)
def test_a_place_that_cannot_be_is_counted_and_moves_nobody(values: tuple[float, ...]) -> None:
    subject, others = settled(1)
    before = subject.membership._parts.locator.own()
    answer(subject, others, 0.02, struct.pack(">6e", *values))
    assert subject.membership.distance_s("peer-1") is None
    assert subject.membership._parts.locator.own() == before
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1


@pytest.mark.scenario(110)
@pytest.mark.parametrize("size", [1, 11, 13, 24])
def test_a_coordinate_of_another_dimension_drops_the_answer(size: int) -> None:
    subject, others = settled(1)
    target = answer(subject, others, 0.02, bytes(size))
    assert subject.membership.distance_s(target.node_id) is None
    assert subject.membership.statistics.dropped[Drop.MALFORMED] == 1


@pytest.mark.scenario(110)
@pytest.mark.parametrize("rtt_s", [-0.001, 10.1, 1000.0])
def test_a_round_trip_that_cannot_be_moves_nobody(rtt_s: float) -> None:
    subject, others = settled(1)
    before = subject.membership._parts.locator.own()
    answer(subject, others, rtt_s, Coordinate(error=0.1).encode())
    assert subject.membership._parts.locator.own() == before


@pytest.mark.scenario(110)
def test_two_sites_are_told_apart_by_their_nodes(seed: int) -> None:
    """Round trips of about 1 ms within a site and 61 ms between them, known without measuring every pair."""
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(16)
    names = list(cluster.nodes)
    for site, members in (("east", names[:8]), ("west", names[8:])):
        cluster.network.place(site, [cluster.address(name) for name in members])
    cluster.network.set_delay("east", "west", (0.03, 0.031))
    cluster.network.run_for(240)
    for node in cluster.nodes.values():
        here = names[:8] if node.node_id in names[:8] else names[8:]
        for name in names:
            distance_s = node.membership.distance_s(name)
            if name == node.node_id or distance_s is None:
                continue
            assert distance_s < 0.02 if name in here else 0.045 < distance_s < 0.08
