"""The world itself: what a simulation may rely on."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from caxton_node.devkit.simulator.cluster import Cluster, all_views_equal, name_of
from caxton_node.devkit.simulator.network import Network
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


@pytest.mark.story("018")
def test_the_same_seed_gives_the_same_run_to_the_byte(seed: int) -> None:
    def run() -> list[object]:
        cluster = Cluster(seed)
        cluster.form(20)
        cluster.network.lose(0.1)
        cluster.network.run_for(20)
        return [[(entry.at, entry.event) for entry in node.log] for node in cluster.nodes.values()] + [
            cluster.bytes_sent()
        ]

    assert run() == run()


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
