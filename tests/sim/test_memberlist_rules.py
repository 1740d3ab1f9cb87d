"""memberlist's rules in the simulator, against what the program itself does.

A ratio is worth what its reference is worth. The program was measured with real sockets on loopback,
10-character names, LAN defaults; here its rules run under the same circumstances, with brackets around what
was measured. Wide ones: a few seeds here, a few runs and a loaded machine there.
"""

from __future__ import annotations

import math
import random
import statistics

import pytest

from caxton_node.devkit.simulator.cluster import name_of
from tests.bench.swim_sim.memberlist import wire
from tests.bench.swim_sim.memberlist.compression import lzw_bytes
from tests.bench.swim_sim.memberlist.messages import Ack, Alive, Nack, Ping, Suspect, Table
from tests.bench.swim_sim.memberlist.parameters import Parameters
from tests.bench.swim_sim.memberlist.queue import BroadcastQueue
from tests.bench.swim_sim.memberlist.suspicion import Suspicion
from tests.bench.swim_sim.worlds.memberlist import MemberlistWorld

pytestmark = pytest.mark.story("018")


def formed(seed: int, size: int, *, metadata_bytes: int = 0) -> MemberlistWorld:
    world = MemberlistWorld(seed, metadata_bytes=metadata_bytes)
    world.start_formed(size)
    world.network.run_for(3)
    return world


def crash(world: MemberlistWorld, victim: str) -> tuple[float, float]:
    """Kill a member; return when the first and the last of the others declared it dead."""
    began = world.network.now
    world.kill(victim)
    others = len(world.running)
    world.wait_until(lambda: len(world.seen.deaths_of(victim)) == others, within_s=60)
    known = sorted(world.seen.deaths_of(victim).values())
    assert len(known) == others
    return known[0] - began, known[-1] - began


@pytest.mark.parametrize(
    ("size", "floor_s", "earliest_s", "latest_s"),
    [(32, 6.0, 7.0, 9.4), (64, 7.2, 8.3, 11.0), (128, 8.4, 9.4, 11.7)],  # measured medians: 8.0, 10.1, 10.2
)
def test_a_crash_is_known_when_the_program_knows_it(
    seed: int, size: int, floor_s: float, earliest_s: float, latest_s: float
) -> None:
    world = formed(seed, size)
    known = [crash(world, victim) for victim in world.some(7)]
    assert earliest_s <= statistics.median(first_s for first_s, _ in known) <= latest_s
    assert min(first_s for first_s, _ in known) >= floor_s
    assert all(last_s - first_s < 0.8 for first_s, last_s in known)  # measured: 0.2-0.5


def test_an_update_takes_as_long_as_in_the_program_where_all_clocks_tick_together(seed: int) -> None:
    world = MemberlistWorld(seed, metadata_bytes=8)
    world.add(name_of(0))
    for number in range(1, 64):
        world.network.run_for(0.05)
        world.add(name_of(number), [world.address(name_of(0))])
    world.wait_until(world.agrees, within_s=120)
    world.network.run_for(5)
    began = world.network.now
    world.update(name_of(9))
    world.wait_until(lambda: len(world.seen.updates[name_of(9)]) == 63, within_s=10)
    assert 0.2 < max(world.seen.updates[name_of(9)].values()) - began < 1.0  # measured: 0.61, worst 0.94


@pytest.mark.parametrize(
    ("size", "metadata_bytes", "expected"),
    [(32, 0, 209 + 74), (64, 0, 209 + 47), (128, 0, 213 + 43), (128, 64, 211 + 316)],
)
def test_a_quiet_member_sends_what_the_program_sends(
    seed: int, size: int, metadata_bytes: int, expected: float
) -> None:
    world = formed(seed, size, metadata_bytes=metadata_bytes)
    assert world.bytes_per_node_second(180) == pytest.approx(expected, rel=0.08)


@pytest.mark.parametrize(
    ("loss", "accusations", "deaths"),
    [(0.1, (1, 16), (0, 0)), (0.2, (65, 165), (0, 40))],  # measured in two minutes: 7-10, 0; 203-250, 6-8
)
def test_loss_makes_as_many_suspicions_as_in_the_program(
    seed: int, loss: float, accusations: tuple[int, int], deaths: tuple[int, int]
) -> None:
    world = formed(seed, 64)
    world.network.lose(loss)
    world.network.run_for(60)
    everybody = set(world.running)
    assert accusations[0] <= world.accusations() <= accusations[1]
    assert deaths[0] <= world.seen.deaths_seen(by=everybody, of=everybody) <= deaths[1]


def test_a_partition_splits_the_cluster_for_good(seed: int) -> None:
    world = formed(seed, 32)
    ids = world.running
    world.split(ids[:16], ids[16:])
    began = world.network.now
    world.network.run_for(90)
    assert len(world.seen.deaths) == 2 * 16 * 16
    assert 15 < world.seen.deaths[-1][0] - began < 45  # measured: 22.4, until the last
    world.network.heal()
    assert world.wait_until(world.agrees, within_s=90, check_every_s=1) == math.inf


def test_a_short_partition_heals(seed: int) -> None:
    world = formed(seed, 32)
    ids = world.running
    world.split(ids[:16], ids[16:])
    world.network.run_for(10)
    world.network.heal()
    assert world.wait_until(world.agrees, within_s=60) < 30


def test_a_burst_of_joins_comes_together(seed: int) -> None:
    world = MemberlistWorld(seed)
    world.add(name_of(0))
    for number in range(1, 32):
        world.network.run_for(0.003)
        world.add(name_of(number), [world.address(name_of(0))])
    assert world.wait_until(world.agrees, within_s=100) < 100  # measured: 0.8, once 40


def test_the_same_seed_gives_the_same_run() -> None:
    worlds = [formed(7, 24), formed(7, 24)]
    for world in worlds:
        world.network.lose(0.2)
        world.network.run_for(20)
    assert worlds[0].network.traffic == worlds[1].network.traffic
    assert worlds[0].seen.deaths == worlds[1].seen.deaths


# ---- the parts, against the program's own tests and formulae


@pytest.mark.parametrize(
    ("message", "length"),
    [
        (Ping(1, "node-00001", "node-00002"), 77),
        (Ack(1), 18),
        (Nack(1), 9),
        (Suspect(1, "node-00001", "node-00002"), 47),
        (Alive(1, "node-00001", ("127.0.0.1", 7946), b""), 66),
    ],
)
def test_messages_have_the_lengths_of_the_old_messagepack_encoding(message: object, length: int) -> None:
    assert len(wire.encode(message)) == length


@pytest.mark.parametrize(
    ("members", "metadata_bytes", "both_ways"),
    [(32, 0, 1683), (64, 0, 2290), (128, 0, 3328), (128, 64, 27_940)],
)
def test_a_full_exchange_is_as_long_as_measured(members: int, metadata_bytes: int, both_ways: int) -> None:
    table = Table(members, metadata_bytes, ())
    assert 2 * wire.content_bytes(table) == pytest.approx(both_ways, rel=0.15)


def test_lzw_cannot_shrink_noise_and_shrinks_repetition() -> None:
    noise = random.Random(1).randbytes(4000)
    assert len(noise) < lzw_bytes(noise) < 1.5 * len(noise)
    assert lzw_bytes(b"suspect " * 500) < 500
    assert lzw_bytes(b"a") == 4  # clear, one literal, end: 27 bits


@pytest.mark.parametrize(
    ("members", "pause_s", "transmits", "shortest_s", "longest_s"),
    [(10, 30, 8, 4.0, 24.0), (128, 90, 12, 8.428, 50.568), (1000, 180, 16, 12.0, 72.0)],
)
def test_numbers_scale_with_the_cluster(
    members: int, pause_s: float, transmits: int, shortest_s: float, longest_s: float
) -> None:
    parameters = Parameters.lan()
    assert parameters.push_pull_every_s(members) == pause_s
    assert parameters.retransmit_limit(members) == transmits
    assert parameters.suspicion_bounds_s(members) == pytest.approx((shortest_s, longest_s))


def test_a_suspicion_shortens_as_in_the_programs_own_table() -> None:
    suspicion = Suspicion(1, 0.0, 2.0, 30.0, 3, {"me"})
    ends = [suspicion.ends_at]
    for accuser in ("a", "a", "b", "c", "d"):
        suspicion.confirm(accuser)
        ends.append(suspicion.ends_at)
    assert ends == [30.0, 16.0, 16.0, 7.810, 2.0, 2.0]


def test_the_queue_tells_fresh_and_large_messages_first_and_passes_over_what_does_not_fit() -> None:
    queue = BroadcastQueue()
    for name, length in (("small", 10), ("large", 60), ("huge", 200)):
        queue.put(name, Suspect(1, name, "me"), bytes(length))
    assert [told.name for told in queue.fill(100, 3)] == ["large", "small"]
    assert [told.name for told in queue.fill(100, 3)] == ["large", "small"]
    assert [told.name for told in queue.fill(300, 3)] == ["huge", "large", "small"]
    assert len(queue) == 1, "two were told three times"
    queue.put("huge", Suspect(2, "huge", "me"), bytes(200))
    assert [told.transmits for told in queue.fill(300, 3)] == [1], "a newer message starts anew"
