"""Runs cases: each seed of each case by each set of rules is a job of its own, two at a time."""

from __future__ import annotations

import os
import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from multiprocessing import get_context

from swim.settings import Settings
from tests.bench.swim_sim.case import Case, Profile, Rules
from tests.bench.swim_sim.memberlist.parameters import Parameters
from tests.bench.swim_sim.scenarios import SCENARIOS
from tests.bench.swim_sim.worlds.caxton import CaxtonWorld
from tests.bench.swim_sim.worlds.memberlist import MemberlistWorld
from tests.bench.swim_sim.worlds.world import World

_SETTINGS = {Profile.LAN: Settings.lan, Profile.WAN: Settings.wan, Profile.LOCAL: Settings.local}
_PARAMETERS = {Profile.LAN: Parameters.lan, Profile.WAN: Parameters.wan, Profile.LOCAL: Parameters.local}


@dataclass(frozen=True, slots=True)
class Job:
    """One run."""

    case: Case
    rules: Rules
    seed: int


@dataclass(slots=True)
class Results:
    """All runs of one case by one set of rules.

    Attributes:
        values: By metric, in the order of the seeds.
        cpu_s: Processor time that they took together.
    """

    values: defaultdict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    cpu_s: float = 0.0

    def take(self, values: dict[str, list[float]], cpu_s: float) -> None:
        """Add one run."""
        for metric, measured in values.items():
            self.values[metric] += measured
        self.cpu_s += cpu_s


Outcome = dict[Rules, Results]


def run(cases: Sequence[Case], rules: Sequence[Rules]) -> Iterator[tuple[Case, Outcome]]:
    """Yield each case with the results of both sets of rules, as soon as all its runs have ended."""
    workers = min(2, os.cpu_count() or 1)
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        running = [
            (case, [(job, pool.submit(run_job, job)) for job in jobs_of(case, rules)]) for case in cases
        ]
        for case, futures in running:
            outcome: Outcome = {}
            for job, future in futures:
                outcome.setdefault(job.rules, Results()).take(*future.result())
            yield case, outcome


def jobs_of(case: Case, rules: Sequence[Rules]) -> list[Job]:
    """Return the runs of a case, those of both rules in turns."""
    chosen = [each for each in case.rules if each in rules]
    return [Job(case, each, seed) for seed in range(case.seeds) for each in chosen]


def run_job(job: Job) -> tuple[dict[str, list[float]], float]:
    """Return what one run measured, and the processor time it took."""
    began = time.process_time()
    values = SCENARIOS[job.case.scenario](make_world(job), job.case)
    return values, time.process_time() - began


def make_world(job: Job) -> World:
    """Return an empty world of the rules of the job."""
    if job.rules is Rules.CAXTON:
        return CaxtonWorld(job.seed, _SETTINGS[job.case.profile](job.case.pace))
    return MemberlistWorld(job.seed, _PARAMETERS[job.case.profile]())
