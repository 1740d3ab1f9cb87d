"""A story of one cluster in acts: quiet, faults, crashes, an update, a partition, healing.

Each act takes its figures from the same running cluster, as an operator would see them one after the other.
Acts that the plan does not ask for are left out.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from caxton_node.devkit.simulator.checks import all_views_equal
from caxton_node.devkit.simulator.cluster import Cluster, address_of
from caxton_node.devkit.simulator.plan import Plan
from caxton_node.devkit.simulator.report import Points, Report, Spread
from caxton_node.devkit.simulator.watch import Watch

STEP_S = 0.1
SAMPLE_S = 1.0
EPILOGUE_S = 5.0
POINTS_MAX = 200
PATIENCE_INTERVALS = 60
"""Probe intervals that an act waits for its outcome."""
UPDATE = b"changed"
SITES = ("east", "west", "south")
SITE_DELAYS_S = {
    ("east", "west"): (0.030, 0.045),
    ("west", "south"): (0.060, 0.080),
    ("east", "south"): (0.090, 0.120),
}
LOCAL_DELAY_S = (0.00002, 0.0001)

Progress = Callable[[str, float], None]
"""Told what is going on, and the virtual time."""


def play(plan: Plan, progress: Progress = lambda _act, _now: None) -> Report:
    """Play a story to its end and return what came of it."""
    began = time.perf_counter()
    story = Story(plan, progress)
    with _settled_heap():
        story.play()
    story.report.wall_s = time.perf_counter() - began
    return story.report


class Story:
    """One cluster and what happens to it.

    Args:
        plan: What is to happen.
        progress: Told about once in a virtual second.
    """

    def __init__(self, plan: Plan, progress: Progress) -> None:
        self.report = Report(plan)
        self._plan = plan
        self._progress = progress
        self._act = "start"
        self._cluster = Cluster(plan.seed, plan.settings, sealed=plan.sealed)
        self._network = self._cluster.network
        self._watch = Watch(self._cluster)
        self._rng = self._network.random_for("story")
        self._slow: frozenset[str] = frozenset()
        self._sampled_at, self._sampled_bytes = 0.0, 0

    def play(self) -> None:
        """Play every act that the plan asks for, then count."""
        plan = self._plan
        self._start()
        self.report.quiet_bytes = self._watch_traffic("quiet", plan.observe_s)
        if plan.loss or plan.slow_nodes:
            self._begin_faults()
        if plan.kill:
            self._kill()
        self._update()
        if plan.partition_s:
            self._partition()
        if plan.has_faults:
            self._heal()
        self._advance(EPILOGUE_S)
        self._count()

    # ---- acts

    def _start(self) -> None:
        self._place()
        if self._plan.joins:
            self._begin("join")
            self.report.join_s = self._cluster.form(self._plan.nodes, apart_s=0.003, within_s=300)
            self._wait_until(lambda: not self._has_rumours())
        else:
            self._cluster.start_formed(self._plan.nodes)
        # What is there now stays: the collector need not look at it again and again.
        gc.collect()
        gc.freeze()

    def _begin_faults(self) -> None:
        names = ["loss"] * bool(self._plan.loss) + ["slow nodes"] * bool(self._plan.slow_nodes)
        self._begin(" and ".join(names))
        self._network.lose(self._plan.loss)
        self._slow = frozenset(self._rng.sample(sorted(self._cluster.nodes), self._plan.slow_nodes))
        self._network.slow(self._cluster.address(node_id) for node_id in sorted(self._slow))
        self.report.fault_bytes = self._watch_traffic(self._act, self._plan.observe_s)

    def _kill(self) -> None:
        self._begin(f"{self._plan.kill} killed")
        healthy = sorted(self._cluster.nodes.keys() - self._slow)
        self._watch.kill(self._rng.sample(healthy, self._plan.kill))
        self._wait_until(lambda: self._watch.is_everything_known)

    def _update(self) -> None:
        self._begin("update")
        speaker = self._rng.choice(sorted(self._cluster.nodes.keys() - self._slow))
        self._cluster.update_metadata(speaker, UPDATE)
        self.report.update_s = self._wait_until(lambda: self._is_updated(speaker))

    def _partition(self) -> None:
        self._begin("partition")
        ids = sorted(self._cluster.nodes)
        self._rng.shuffle(ids)
        self._cluster.split(ids[: len(ids) // 2], ids[len(ids) // 2 :])
        self._advance(self._plan.partition_s)

    def _heal(self) -> None:
        self._begin("healed")
        self._network.heal()
        self.report.heal_s = self._wait_until(self._is_whole)

    def _count(self) -> None:
        watch, report = self._watch, self.report
        victims = watch.victims.values()
        report.suspicions = watch.suspicions
        report.false_deaths = len(watch.false_deaths)
        report.false_deaths_slow = sum(subject in self._slow for _, subject in watch.false_deaths)
        report.deaths_known = sum(len(victim.knowers) for victim in victims)
        report.deaths_due = len(victims) * len(self._cluster.nodes)
        report.first_knows = Spread.of([v.first_at - v.at for v in victims if v.first_at is not None])
        if watch.is_everything_known:
            report.all_know = Spread.of([v.all_at - v.at for v in victims if v.all_at is not None])
        killed_at = min((victim.at for victim in victims), default=0.0)
        report.knowledge = _growth(watch.known_at, report.deaths_due, killed_at, self._network.now)
        report.doubt = _growth(watch.suspected_at, report.deaths_due, killed_at, self._network.now)
        report.virtual_s = self._network.now
        report.datagrams = sum(traffic.datagrams for traffic in self._network.traffic.values())

    # ---- what must hold

    def _is_updated(self, speaker: str) -> bool:
        return all(node.find(speaker).metadata == UPDATE for node in self._cluster.nodes.values())

    def _is_whole(self) -> bool:
        return not self._watch.is_anybody_doubted and all_views_equal(self._cluster)

    def _has_rumours(self) -> bool:
        return any(node.membership.has_rumours for node in self._cluster.nodes.values())

    # ---- time

    def _begin(self, act: str) -> None:
        self._act = act
        self.report.marks.append((self._network.now, act))

    def _watch_traffic(self, act: str, for_s: float) -> float:
        self._act = act
        before = self._cluster.bytes_sent()
        self._advance(for_s)
        return (self._cluster.bytes_sent() - before) / for_s / len(self._cluster.nodes)

    def _advance(self, for_s: float) -> None:
        until = self._network.now + for_s
        while (left := until - self._network.now) > 1e-9:
            self._step(min(left, self._sampled_at + SAMPLE_S - self._network.now))

    def _wait_until(self, condition: Callable[[], bool]) -> float | None:
        began = self._network.now
        within_s = PATIENCE_INTERVALS * self._plan.settings.probe_interval_s
        while not condition():
            if self._network.now - began > within_s:
                return None
            self._step(STEP_S)
        return self._network.now - began

    def _step(self, for_s: float) -> None:
        self._network.run_for(for_s)
        passed_s = self._network.now - self._sampled_at
        if passed_s < SAMPLE_S - 1e-9:
            return
        sent = self._cluster.bytes_sent()
        rate = (sent - self._sampled_bytes) / passed_s / len(self._cluster.nodes)
        self.report.traffic.append((self._network.now, rate))
        self._sampled_at, self._sampled_bytes = self._network.now, sent
        self._progress(self._act, self._network.now)

    def _place(self) -> None:
        """Give the network the distances of the profile."""
        if self._plan.profile == "local":
            self._network.faults.delay_s = LOCAL_DELAY_S
        if self._plan.profile == "wan":
            for number in range(self._plan.nodes):
                self._network.place(SITES[number % len(SITES)], [address_of(number)])
            for (one, other), delay_s in SITE_DELAYS_S.items():
                self._network.set_delay(one, other, delay_s)


def _growth(times: Sequence[float], due: int, begin: float, end: float) -> Points:
    """Return the share of `due` that had happened, at up to `POINTS_MAX` of the times."""
    if not due:
        return ()
    ordered = sorted(at for at in times if at >= begin)
    every = max(1, len(ordered) // POINTS_MAX)
    points = [(at, number / due) for number, at in enumerate(ordered, start=1)][::every]
    return [(begin, 0.0), *points, (end, len(ordered) / due)]


@contextmanager
def _settled_heap() -> Iterator[None]:
    """Give back to the collector, in the end, what a story took from it."""
    try:
        yield
    finally:
        gc.unfreeze()
