"""The two pure rules of the workers: how large a batch, how many workers."""

import pytest

from caxton_node.runtime.batching import RULES, Batching, BatchRule, BatchSize
from caxton_node.runtime.demand import Demand

pytestmark = pytest.mark.story("002")


class TestBatchSize:
    def test_a_light_agent_soon_gets_all_it_may(self) -> None:
        size = BatchSize(256)
        for _ in range(6):
            size.observe(size.now, size.now * 1e-6)
        assert size.now == 256

    @pytest.mark.parametrize("batch_max", [1, 2, 7, 256])
    def test_the_limit_is_never_exceeded(self, batch_max: int) -> None:
        size = BatchSize(batch_max)
        for _ in range(20):
            assert 1 <= size.now <= batch_max
            size.observe(size.now, 0.0)
        assert size.now == batch_max

    def test_the_cap_of_the_abi_holds_whatever_the_limit_says(self) -> None:
        size = BatchSize(100_000)
        for _ in range(20):
            size.observe(size.now, 0.0)
        assert size.now == 256

    def test_a_heavy_agent_gets_one_message_at_a_time(self) -> None:
        size = BatchSize(256)
        size.observe(8, 8 * 0.05)
        assert size.now == 1

    def test_an_agent_in_between_gets_what_fits_into_a_turn(self) -> None:
        size = BatchSize(256, BatchRule(turn_s=0.002))
        for _ in range(10):
            size.observe(size.now, size.now * 100e-6)
        assert size.now == 20

    def test_one_slow_message_counts_at_once_and_is_forgiven_slowly(self) -> None:
        size = BatchSize(256)
        for _ in range(10):
            size.observe(size.now, size.now * 1e-6)
        size.observe(1, 0.1)
        assert size.now == 1
        turns = 0
        while size.now < 256:
            size.observe(size.now, size.now * 1e-6)
            turns += 1
        assert 10 < turns < 100


@pytest.mark.story("031")
class TestStrategies:
    @staticmethod
    def settled(batching: Batching, message_s: float, limit: int = 256) -> BatchSize:
        size = BatchSize(limit, RULES[batching])
        for _ in range(100):
            size.observe(size.now, size.now * message_s)
        return size

    @pytest.mark.parametrize(
        ("message_us", "sizes"),
        [
            (1, {"adaptive": 256, "throughput": 256, "latency": 256, "single": 1}),
            (20, {"adaptive": 100, "throughput": 256, "latency": 25, "single": 1}),
            (100, {"adaptive": 20, "throughput": 200, "latency": 5, "single": 1}),
            (3_000, {"adaptive": 1, "throughput": 6, "latency": 1, "single": 1}),
        ],
    )
    def test_each_fills_turns_of_its_own_length(self, message_us: float, sizes: dict[str, int]) -> None:
        got = {batching: self.settled(batching, message_us * 1e-6).now for batching in Batching}
        for batching, size in sizes.items():
            assert got[Batching(batching)] == pytest.approx(size, abs=1)

    @pytest.mark.parametrize(
        ("batching", "first"), [("adaptive", 8), ("throughput", 64), ("latency", 1), ("single", 1)]
    )
    def test_each_begins_as_it_means_to_go_on(self, batching: str, first: int) -> None:
        assert BatchSize(256, RULES[Batching(batching)]).now == first
        assert BatchSize(1, RULES[Batching(batching)]).now == 1

    def test_turns_that_are_long_on_purpose_run_among_the_heavy_ones(self) -> None:
        assert self.settled(Batching.THROUGHPUT, 100e-6).is_heavy
        assert not self.settled(Batching.ADAPTIVE, 100e-6).is_heavy
        assert not self.settled(Batching.THROUGHPUT, 100e-6, limit=10).is_heavy


class TestDemand:
    @staticmethod
    def after(guest_s: float, host_s: float) -> int:
        demand = Demand()
        for _ in range(50):
            demand.observe(16, 16 * guest_s, 16 * (guest_s + host_s))
        return demand.workers

    def test_nobody_knows_yet_means_one_worker(self) -> None:
        assert Demand().workers == 1

    @pytest.mark.parametrize(
        ("guest_us", "host_us", "workers"),
        [
            (3, 7, 1),  # single messages: each hand-over of the lock would cost more than the call
            (15, 60, 1),  # light guests in batches
            (80, 65, 2),  # about 1 us of work per message in batches of 64
            (1_300, 65, 16),  # heavy guests
        ],
    )
    def test_workers_follow_the_share_of_time_in_guests(
        self, guest_us: float, host_us: float, workers: int
    ) -> None:
        assert self.after(guest_us * 1e-6, host_us * 1e-6) == workers

    def test_guests_that_take_all_time_do_not_ask_for_infinitely_many(self) -> None:
        assert self.after(1.0, 0.0) == 100
