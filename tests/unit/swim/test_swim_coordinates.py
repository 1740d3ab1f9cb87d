"""Network coordinates: they converge as serf's do, keep their precision in twelve bytes, and trust nobody."""

from __future__ import annotations

import math
import random
import struct
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swim.coordinates import (
    COORDINATE_BYTES,
    ERROR_MAX,
    HEIGHT_MIN_S,
    HEIGHT_SHARE,
    RANGE_S,
    STEP_MAX_S,
    Coordinate,
    Vivaldi,
    distance_s,
)
from swim.errors import Malformed

pytestmark = [pytest.mark.story("018"), pytest.mark.scenario(110)]

Matrix = list[list[float]]
Jitter = Callable[[float, random.Random], float]
CYCLES = 1000
"""As many as serf's tests take; a node measures one round trip in each."""


def matrix(nodes: int, rtt_s: Callable[[int, int], float]) -> Matrix:
    rows = [[0.0] * nodes for _ in range(nodes)]
    for i in range(nodes):
        for j in range(i + 1, nodes):
            rows[i][j] = rows[j][i] = rtt_s(i, j)
    return rows


LINE = matrix(10, lambda i, j: 0.010 * (j - i))
GRID = matrix(25, lambda i, j: 0.010 * math.hypot(i % 5 - j % 5, i // 5 - j // 5))
TWO_CLUSTERS = matrix(25, lambda i, j: 0.001 if (i <= 12) == (j <= 12) else 0.011)
ONE_LAN = matrix(25, lambda i, j: 0.0003)
_chance = random.Random(1)
RANDOM = matrix(25, lambda i, j: _chance.gauss(0.100, 0.010))
_places = [
    (_chance.uniform(0, 0.2), _chance.uniform(0, 0.2), _chance.uniform(0.0005, 0.01)) for _ in range(25)
]
HOMES = matrix(25, lambda i, j: math.dist(_places[i][:2], _places[j][:2]) + _places[i][2] + _places[j][2])
"""Places on a plane, each behind a link of its own: what heights are for."""


def exact(rtt_s: float, _rng: random.Random) -> float:
    return rtt_s


def jittery(rtt_s: float, rng: random.Random) -> float:
    """One tenth up or down, and 200 ms more for one in fifty, as when a process was not scheduled."""
    return rtt_s * rng.lognormvariate(0, 0.1) + 0.2 * (rng.random() < 0.02)


@dataclass
class World:
    """Nodes that measure the round trips of a matrix and tell each other their coordinates in bytes."""

    truth: Matrix
    seed: int = 1
    jitter: Jitter = exact
    liars: frozenset[int] = frozenset()
    nodes: list[Vivaldi] = field(init=False)

    def __post_init__(self) -> None:
        self._rng = random.Random(self.seed)
        count = len(self.truth)
        self.nodes = [Vivaldi(random.Random(f"{self.seed} {i}"), peers_max=count) for i in range(count)]

    def run(self, cycles: int) -> World:
        for _ in range(cycles):
            for i, node in enumerate(self.nodes):
                j = self._rng.randrange(len(self.nodes))
                if i != j and i not in self.liars:
                    node.observe(bytes([j]), self._said_by(j), self.jitter(self.truth[i][j], self._rng))
        return self

    def errors(self) -> list[float]:
        """Return by what share each distance is wrong, the least first; those of liars do not count."""
        honest = [i for i in range(len(self.nodes)) if i not in self.liars]
        return sorted(
            abs(distance_s(self.nodes[i].coordinate, self.nodes[j].coordinate) / self.truth[i][j] - 1)
            for i in honest
            for j in honest
            if i < j
        )

    def centre_s(self) -> float:
        """Return how far the middle of all is from the centre."""
        axes = zip(*(node.coordinate.position_s for node in self.nodes), strict=True)
        return math.hypot(*(sum(axis) / len(self.nodes) for axis in axes))

    def _said_by(self, number: int) -> Coordinate:
        if number in self.liars:
            x, y, z, w = (self._rng.uniform(-RANGE_S, RANGE_S) for _ in range(4))
            return Coordinate((x, y, z, w), 0.0, 0.0)
        return Coordinate.decode(self.nodes[number].coordinate.encode())


def average(errors: list[float]) -> float:
    return sum(errors) / len(errors)


# ---- convergence


@pytest.mark.scenario(110)
@pytest.mark.parametrize(
    ("truth", "average_max", "median_max"),
    [
        pytest.param(LINE, 0.02, 0.005, id="line"),
        pytest.param(GRID, 0.01, 0.005, id="grid"),
        pytest.param(TWO_CLUSTERS, 0.01, 0.002, id="two clusters"),
        pytest.param(ONE_LAN, 0.03, 0.02, id="one LAN of 0.3 ms"),
        pytest.param(RANDOM, 0.075, 0.06, id="random, which no space can hold"),
        pytest.param(HOMES, 0.01, 0.005, id="homes behind slow links"),
    ],
)
def test_estimates_converge(truth: Matrix, average_max: float, median_max: float) -> None:
    errors = World(truth).run(CYCLES).errors()
    assert average(errors) <= average_max
    assert errors[len(errors) // 2] <= median_max


@pytest.mark.parametrize("truth", [LINE, TWO_CLUSTERS, ONE_LAN], ids=["line", "two clusters", "one LAN"])
def test_jitter_of_a_tenth_and_late_answers_leave_estimates_within_a_tenth(truth: Matrix) -> None:
    assert average(World(truth, jitter=jittery).run(CYCLES).errors()) <= 0.1


def test_nodes_behind_slow_links_rise() -> None:
    """Ten nodes that are equally far from each other find no room in four dimensions."""
    slow = matrix(15, lambda i, j: 0.001 + 0.025 * (i < 10) + 0.025 * (j < 10))
    heights = [node.coordinate.height_s for node in World(slow).run(CYCLES).nodes]
    assert min(heights[:10]) > 5 * max(heights[10:])
    assert average(heights[:10]) > 0.015


def test_the_error_that_a_node_states_falls_from_unknown_to_small() -> None:
    world = World(GRID)
    assert {node.coordinate.error for node in world.nodes} == {ERROR_MAX}
    assert max(node.coordinate.error for node in world.run(CYCLES).nodes) < 0.05


@pytest.mark.scenario(110)
def test_estimates_follow_when_the_network_changes() -> None:
    world = World(TWO_CLUSTERS).run(CYCLES)
    world.truth = matrix(25, lambda i, j: 0.001 if (i <= 12) == (j <= 12) else 0.080)
    assert average(world.errors()) > 0.3
    assert average(world.run(CYCLES).errors()) < 0.03


def test_gravity_pulls_a_cluster_that_has_drifted_back_to_the_centre() -> None:
    far = 0.5
    square = matrix(4, lambda i, j: far * (math.sqrt(2) if i % 2 == 0 and j % 2 == 0 else 1))
    world = World(square)
    corners = [(0.0, 0.0), (0.0, far), (far, far), (far, far)]
    for node, (x, y) in zip(world.nodes, corners, strict=True):
        node.coordinate = Coordinate((x, y, 0.0, 0.0))
    before = world.run(CYCLES).centre_s()
    assert world.run(10 * CYCLES).centre_s() < 0.9 * before
    assert average(world.errors()) < 0.005


def test_the_same_seed_gives_the_same_places() -> None:
    places = [[node.coordinate for node in World(GRID, seed=7).run(50).nodes] for _ in range(2)]
    assert places[0] == places[1]


# ---- trust


@pytest.mark.parametrize("truth", [LINE, ONE_LAN, HOMES], ids=["line", "one LAN", "homes"])
def test_one_liar_is_outvoted(truth: Matrix) -> None:
    assert average(World(truth, liars=frozenset({0})).run(CYCLES).errors()) < 0.15


def coordinates() -> st.SearchStrategy[Coordinate]:
    axis = st.floats(-RANGE_S, RANGE_S)
    return st.builds(
        Coordinate, st.tuples(axis, axis, axis, axis), st.floats(0, RANGE_S), st.floats(0, ERROR_MAX)
    )


observations = st.lists(st.tuples(st.binary(max_size=1), coordinates(), st.floats(0, RANGE_S)), max_size=40)


@given(coordinates(), observations)
def test_no_observation_moves_a_node_by_more_than_a_step(
    start: Coordinate, seen: list[tuple[bytes, Coordinate, float]]
) -> None:
    node = Vivaldi(random.Random(1), peers_max=8)
    node.coordinate = start
    for key, peer, rtt_s in seen:
        before = node.coordinate
        assert node.observe(key, peer, rtt_s)
        fall_s = (math.hypot(*before.position_s) / 150) ** 2
        assert math.dist(before.position_s, node.coordinate.position_s) <= 1.0001 * (STEP_MAX_S + fall_s)
        rise_s = abs(node.coordinate.height_s - before.height_s)
        assert rise_s <= max(HEIGHT_MIN_S, 1.0001 * HEIGHT_SHARE * STEP_MAX_S)


@given(observations)
def test_whatever_was_observed_a_node_has_a_place_that_others_accept(
    seen: list[tuple[bytes, Coordinate, float]],
) -> None:
    node = Vivaldi(random.Random(1), peers_max=8)
    for key, peer, rtt_s in seen:
        node.observe(key, peer, rtt_s)
        Coordinate.decode(node.coordinate.encode())


@pytest.mark.scenario(110)
@pytest.mark.parametrize("rtt_s", [-0.001, -math.inf, math.nan, 10.001, math.inf])
def test_an_impossible_round_trip_is_refused_and_counted(rtt_s: float) -> None:
    node = Vivaldi(random.Random(1), peers_max=8)
    assert not node.observe(b"peer", Coordinate(), rtt_s)
    assert node.coordinate == Coordinate()
    assert node.refused == 1


def test_a_round_trip_of_nothing_is_taken() -> None:
    assert Vivaldi(random.Random(1), peers_max=8).observe(b"peer", Coordinate(), 0.0)


# ---- the filter


def test_one_late_answer_of_three_does_not_count() -> None:
    steady, disturbed = (Vivaldi(random.Random(1), peers_max=8) for _ in range(2))
    peer = Coordinate((0.01, 0.0, 0.0, 0.0))
    for rtt_s in (0.010, 0.010, 0.010):
        steady.observe(b"peer", peer, rtt_s)
    for rtt_s in (0.010, 0.900, 0.010):
        disturbed.observe(b"peer", peer, rtt_s)
    assert disturbed.coordinate == steady.coordinate


def test_round_trips_of_few_peers_are_remembered_and_of_none_that_is_forgotten() -> None:
    node = Vivaldi(random.Random(1), peers_max=3)
    for number in range(10):
        node.observe(bytes([number]), Coordinate(), 0.01)
    assert list(node._samples) == [bytes([7]), bytes([8]), bytes([9])]
    node.forget(bytes([8]))
    node.forget(b"never seen")
    assert list(node._samples) == [bytes([7]), bytes([9])]


# ---- twelve bytes


@pytest.mark.parametrize("rtt_s", [0.00002, 0.0003, 0.001, 0.025, 0.25, 0.5, 2.0, 9.9])
def test_round_trips_of_lan_and_wan_keep_a_thousandth(rtt_s: float) -> None:
    here = Coordinate(height_s=0.0)
    there = Coordinate.decode(Coordinate((rtt_s, 0.0, 0.0, 0.0), height_s=0.0, error=0.1).encode())
    assert distance_s(here, there) == pytest.approx(rtt_s, rel=0.001)


def test_neighbours_far_from_the_centre_are_told_apart_to_a_sixteenth_of_a_millisecond() -> None:
    for offset in range(100):
        axis_s = 0.1 + offset * 0.0000123
        sent = Coordinate.decode(Coordinate((axis_s, 0.0, 0.0, 0.0)).encode())
        assert abs(sent.position_s[0] - axis_s) <= 0.0000625 / 2 * 1.001


def test_a_coordinate_has_twelve_bytes_and_comes_back() -> None:
    coordinate = Coordinate((0.25, -0.5, 0.0, 1.0), 0.0625, 0.5)
    assert len(coordinate.encode()) == COORDINATE_BYTES == 12
    assert Coordinate.decode(coordinate.encode()) == coordinate


@given(coordinates())
def test_whatever_is_in_range_can_be_sent(coordinate: Coordinate) -> None:
    back = Coordinate.decode(coordinate.encode())
    for sent, received in zip(coordinate.position_s, back.position_s, strict=True):
        assert received == pytest.approx(sent, rel=0.0005, abs=1e-10)
    assert back.height_s == pytest.approx(coordinate.height_s, rel=0.0005, abs=1e-10)
    assert back.error == pytest.approx(coordinate.error, rel=0.0005, abs=1e-7)


@given(st.binary(min_size=12, max_size=12))
def test_any_twelve_bytes_are_a_usable_place_or_refused(data: bytes) -> None:
    try:
        coordinate = Coordinate.decode(data)
    except Malformed:
        return
    assert math.isfinite(distance_s(coordinate, Coordinate()))
    assert Vivaldi(random.Random(1), peers_max=1).observe(b"peer", coordinate, 0.01)


@pytest.mark.scenario(110)
@pytest.mark.parametrize("field_number", range(6))
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 10_008.0, -10_008.0])
def test_a_place_that_cannot_be_is_refused(field_number: int, value: float) -> None:
    values = [0.0] * 6
    values[field_number] = value
    with pytest.raises(Malformed):
        Coordinate.decode(struct.pack(">6e", *values))


@pytest.mark.parametrize("values", [(0, 0, 0, 0, -0.01, 0), (0, 0, 0, 0, 0, -0.1), (0, 0, 0, 0, 0, 1.6)])
def test_a_negative_height_and_an_error_out_of_range_are_refused(values: tuple[float, ...]) -> None:
    with pytest.raises(Malformed, match="out of range"):
        Coordinate.decode(struct.pack(">6e", *values))


@pytest.mark.scenario(110)
@pytest.mark.parametrize("length", [0, 11, 13, 18])
def test_a_coordinate_of_another_length_is_refused(length: int) -> None:
    with pytest.raises(Malformed, match=f"12 bytes, not {length}"):
        Coordinate.decode(bytes(length))
