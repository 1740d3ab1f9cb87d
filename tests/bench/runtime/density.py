"""What an agent that does nothing weighs: memory of the host, mappings, and processor time, by the thousand.

Each population lives in a process of its own (idle.py), so that nothing is left of the one before.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tests.bench.report import Reporter

ROOT = Path(__file__).parents[3]
FEW, MANY = 10_000, 100_000
METRICS = {"agent": "idle_agent_memory", "plane": "idle_plane_memory", "sandbox": "idle_sandbox_memory"}
NOTES = {
    "agent": "deployed through the service, 32 at a time",
    "plane": "sandbox, mailbox, routes and workers",
    "sandbox": "sandbox alone",
}


@dataclass(frozen=True)
class Population:
    """One process full of agents.

    Attributes:
        level: Of idle.py.
        guest: Of idle.py.
        count: Agents.
        within_s: After this many seconds it is given up, and the bench with it.
    """

    level: str
    guest: str
    count: int
    within_s: float


QUICK = (Population("agent", "smallest", 2_000, 60), Population("plane", "smallest", FEW, 60))
FULL = (
    Population("sandbox", "smallest", FEW, 120),
    Population("sandbox", "greeter", FEW, 120),
    Population("sandbox", "smallest", MANY, 600),
    Population("plane", "smallest", FEW, 120),
    Population("plane", "relay", MANY, 600),
    Population("agent", "smallest", FEW, 600),
    Population("agent", "greeter", FEW, 600),
    Population("agent", "smallest", MANY, 1_800),
)


def weigh(population: Population, idle_s: float) -> dict[str, float]:
    """Run one population.

    Raises:
        AssertionError: It did not start, or not in time.
    """
    command = [
        sys.executable, "-m", "tests.bench.runtime.idle",
        population.level, population.guest, str(population.count), str(idle_s),
    ]  # fmt: skip
    within_s = population.within_s
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=within_s, check=False)
    assert done.returncode == 0, f"{' '.join(command[2:])} failed:\n{done.stderr[-2_000:]}"
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def run(report: Reporter) -> None:
    """Measure and print."""
    quick = report.options.quick
    for population in QUICK if quick else FULL:
        metric = METRICS[population.level]
        found = weigh(population, 1.0 if quick else 5.0)
        host_kb = found.pop("host_kb")
        report.emit(
            metric,
            host_kb,
            "KB",
            n=population.count,
            guest=population.guest,
            **found,
            note=f"{NOTES[population.level]}; resident memory without the guest's own pages",
        )
