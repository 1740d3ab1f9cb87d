"""The world itself: what a simulation may rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from caxton_node.devkit.simulator.cluster import (
    Cluster,
    all_alive_everywhere,
    all_views_equal,
    events_alternate,
    false_deaths,
    name_of,
    suspicions,
)
from caxton_node.devkit.simulator.network import Network
from swim.events import JoinCompleted, MemberDied, MemberJoined, TopicReceived
from tests.support.sim_replay import replay_command

HERE, THERE = ("10.0.0.1", 1), ("10.0.0.2", 1)


class Recorder:
    """A process that writes down what reaches it, and when."""

    def __init__(self, network: Network) -> None:
        self.network = network
        self.seen: list[tuple[float, object]] = []

    def handle_datagram(self, data: bytes, source: tuple[str, int]) -> None:
        self.seen.append((self.network.now, data))

    def handle_timer(self, timer: object) -> None:
        self.seen.append((self.network.now, timer))

    @property
    def what(self) -> list[object]:
        return [what for _, what in self.seen]


@pytest.fixture
def network() -> Network:
    return Network(1)


@pytest.fixture
def there(network: Network) -> Recorder:
    recorder = Recorder(network)
    network.add(THERE, recorder)
    return recorder


@pytest.fixture(autouse=True)
def here(network: Network) -> Recorder:
    recorder = Recorder(network)
    network.add(HERE, recorder)
    return recorder


def test_a_datagram_arrives_after_a_delay(network: Network, there: Recorder) -> None:
    network.send(HERE, THERE, b"x")
    network.run_for(1)
    assert there.what == [b"x"]
    assert 0.0003 <= there.seen[0][0] <= 0.001
    assert network.traffic[HERE].bytes == 1 + 28


def test_loss_has_a_direction(network: Network, here: Recorder, there: Recorder) -> None:
    network.lose_between([HERE], [THERE], 1.0)
    network.send(HERE, THERE, b"x")
    network.send(THERE, HERE, b"y")
    network.run_for(1)
    assert there.what == []
    assert here.what == [b"y"]


def test_a_partition_ends_with_heal(network: Network, there: Recorder) -> None:
    network.partition([HERE], [THERE])
    network.send(HERE, THERE, b"lost")
    network.heal()
    network.send(HERE, THERE, b"found")
    network.run_for(1)
    assert there.what == [b"found"]


def test_input_and_timers_wait_while_a_process_is_frozen(network: Network, there: Recorder) -> None:
    network.freeze(THERE, 5)
    network.schedule(THERE, "timer", 1)
    network.send(HERE, THERE, b"x")
    network.run_for(4.9)
    assert there.seen == []
    network.run_for(1)
    assert there.what == ["timer", b"x"]
    assert there.seen[0][0] == pytest.approx(5)


def test_the_timers_of_a_removed_process_go_with_it(network: Network, there: Recorder) -> None:
    network.schedule(THERE, "timer", 1)
    network.remove(THERE)
    network.add(THERE, there)
    network.run_for(2)
    assert there.what == ["timer"], "the same process put back is still the same process"
    network.schedule(THERE, "late", 1)
    network.add(THERE, Recorder(network))
    network.run_for(2)
    assert there.what == ["timer"]


def test_some_datagrams_arrive_twice(network: Network, there: Recorder) -> None:
    network.duplicate(0.5)
    for number in range(100):
        network.send(HERE, THERE, b"%d" % number)
    network.run_for(1)
    assert 120 < len(there.seen) < 180
    assert len(set(there.what)) == 100
    assert network.traffic[HERE].datagrams == 100, "the network doubles them, not the sender"


def test_a_datagram_that_is_held_back_is_overtaken(network: Network, there: Recorder) -> None:
    network.reorder(0.5, extra_s=0.2)
    for number in range(100):
        network.call_at(
            number * 0.01, lambda number=number: network.send(HERE, THERE, number.to_bytes(1, "big"))
        )
    network.run_for(2)
    assert len(there.what) == 100
    assert there.what != sorted(there.what)
    assert max(at - data[0] * 0.01 for at, data in there.seen) <= 0.201


def test_sites_have_distances(network: Network, here: Recorder, there: Recorder) -> None:
    network.place("east", [HERE])
    network.place("west", [THERE])
    network.set_delay("east", "west", (0.04, 0.05))
    network.send(HERE, THERE, b"x")
    network.send(THERE, HERE, b"y")
    network.send(HERE, HERE, b"near")
    network.run_for(1)
    assert 0.04 <= there.seen[0][0] <= 0.05
    assert here.what == [b"near", b"y"]
    assert here.seen[0][0] <= 0.001


def test_a_slow_process_stands_still_and_runs_in_turns_until_healed(
    network: Network, there: Recorder
) -> None:
    network.slow([THERE], frozen_s=8, awake_s=2)
    for number in range(100):
        network.schedule(THERE, number, number)
    network.run_for(110)
    assert there.what == list(range(100))
    late = [number for number, (at, _) in enumerate(there.seen) if at > number + 1e-9]
    assert 65 < len(late) < 90, "four fifths of its timers come while it stands still"
    network.heal()
    network.run_for(10)
    for number in range(20):
        network.schedule(THERE, "on time", number)
    began = network.now
    network.run_for(30)
    assert [at - began for at, what in there.seen if what == "on time"] == pytest.approx(list(range(20)))


def test_a_freeze_within_a_longer_one_does_not_end_it(network: Network, there: Recorder) -> None:
    network.freeze(THERE, 10)
    network.freeze(THERE, 1)
    network.schedule(THERE, "timer", 0)
    network.run_for(9)
    assert there.seen == []


def test_what_is_asked_for_at_one_instant_happens_in_the_order_of_asking(
    network: Network, there: Recorder
) -> None:
    for number in range(50):
        network.schedule(THERE, number, 1.0)
    network.schedule(THERE, "before", 0.99999)
    network.run_for(2)
    assert there.what == ["before", *range(50)]


def break_everything(cluster: Cluster) -> None:
    ids = list(cluster.nodes)
    network = cluster.network
    network.lose(0.1)
    network.lose_between([cluster.address(ids[0])], [cluster.address(ids[1])], 0.9)
    network.duplicate(0.1)
    network.reorder(0.2)
    network.place("far", [cluster.address(node_id) for node_id in ids[:5]])
    network.set_delay("far", "", (0.05, 0.08))
    network.slow([cluster.address(ids[3])], frozen_s=4)
    network.run_for(5)
    cluster.split(ids[:6], ids[6:])
    cluster.broadcast(ids[2], "prices", b"1")
    network.run_for(5)
    network.heal()
    cluster.kill(ids[-1])
    cluster.update_metadata(ids[4], b"new")
    network.run_for(10)


def story_of(cluster: Cluster) -> list[object]:
    log = [(node_id, entry.at, entry.event) for node_id, node in cluster.nodes.items() for entry in node.log]
    return [log, cluster.network.traffic, cluster.network.calls]


@pytest.mark.story("018")
@pytest.mark.parametrize("is_formed", [False, True])
def test_the_same_seed_gives_the_same_run_to_the_byte(seed: int, is_formed: bool) -> None:
    def run(seed: int) -> list[object]:
        cluster = Cluster(seed)
        if is_formed:
            cluster.start_formed(12)
        else:
            cluster.form(12)
        break_everything(cluster)
        return story_of(cluster)

    assert run(seed) == run(seed)
    assert run(seed) != run(seed + 1)


def test_without_encryption_a_run_is_the_same(seed: int) -> None:
    def run(sealed: bool) -> list[object]:
        cluster = Cluster(seed, sealed=sealed)
        cluster.form(12)
        break_everything(cluster)
        return story_of(cluster)

    assert run(sealed=True) == run(sealed=False)


def test_without_encryption_another_cluster_stays_apart(seed: int) -> None:
    sealed, plain = Cluster(seed), Cluster(seed, sealed=False)
    one, other = sealed.add(name_of(0)), plain.add(name_of(0))
    for receiver, datagram in ((one, bytes(60)), (other, bytes(60)), (other, b"")):
        receiver.handle_datagram(datagram, HERE)
        assert receiver.membership.statistics.datagrams_in > 0
        assert sum(receiver.membership.statistics.dropped.values()) > 0


# ---- clusters that begin formed


def test_a_cluster_that_begins_formed_is_in_agreement_and_quiet(seed: int) -> None:
    cluster = Cluster(seed)
    cluster.start_formed(120)
    assert all_alive_everywhere(cluster)
    assert cluster.bytes_per_node_second(5) < 200
    assert all_alive_everywhere(cluster)
    assert all(node.log == [] for node in cluster.nodes.values())


def test_a_cluster_that_begins_formed_behaves_as_one_that_joined(seed: int) -> None:
    cluster = Cluster(seed)
    cluster.start_formed(48)
    cluster.network.run_for(3)
    cluster.kill(name_of(7), name_of(8))
    newcomer = cluster.add("newcomer", [cluster.address(name_of(0))])
    cluster.broadcast(name_of(1), "prices", b"2")
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)
    again = cluster.add(name_of(7), [cluster.address(name_of(0))])
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=10)
    assert false_deaths(cluster) == []
    assert events_alternate(cluster) == []
    assert len(newcomer.events(JoinCompleted)) == len(again.events(JoinCompleted)) == 1
    for number in range(2, 48):
        if number == 8 or number == 7:
            continue
        node = cluster.nodes[name_of(number)]
        assert {event.member.node_id for event in node.events(MemberDied)} == {name_of(7), name_of(8)}
        assert {event.member.node_id for event in node.events(MemberJoined)} == {"newcomer", name_of(7)}
        assert len(node.events(TopicReceived)) == 1


def test_nodes_that_begin_formed_hold_no_table_of_their_own(seed: int) -> None:
    cluster = Cluster(seed, sealed=False)
    cluster.start_formed(60)
    cluster.network.run_for(3)
    cluster.kill(name_of(7))
    cluster.network.run_until(lambda: all_views_equal(cluster), within_s=30)
    victims = [node.find(name_of(7)) for node in cluster.nodes.values()]
    assert all(victim is victims[0] for victim in victims), "equal records are one object"


def test_a_listener_hears_every_event(seed: int) -> None:
    cluster = Cluster(seed)
    heard = []
    cluster.listen(lambda node, happening: heard.append((node.node_id, happening)))
    cluster.form(6)
    assert len(heard) == sum(len(node.log) for node in cluster.nodes.values()) > 30
    assert suspicions(cluster) == 0


def test_a_condition_that_does_not_come_true_names_the_seed() -> None:
    cluster = Cluster(7)
    cluster.add(name_of(0))
    with pytest.raises(AssertionError, match="seed 7"):
        cluster.network.run_until(lambda: not all_views_equal(cluster), within_s=1)


def test_a_failing_simulation_prints_how_to_run_it_again(tmp_path: Path) -> None:
    (tmp_path / "test_failing.py").write_text("def test_it(seed):\n    assert seed < 0\n")
    (tmp_path / "pytest.ini").write_text("[pytest]\n")
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "tests.support.sim_replay", "--rootdir", tmp_path, tmp_path],
        env={"SIM_SEED": "42", "PYTHONPATH": str(Path.cwd())},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.returncode == 1
    assert replay_command("test_failing.py::test_it", 42) in run.stdout
