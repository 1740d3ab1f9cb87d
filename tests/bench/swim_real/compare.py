"""Runs both programs, one after the other and by the same schedule, and gathers what they print."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path

from tests.bench.swim_real.priority import prefer
from tests.bench.swim_real.schedule import Schedule

ROOT = Path(__file__).parents[3]
PEER = ROOT / ".venv-peers" / "bin" / "memberlist-peer"
MISSING = "ours alone; no memberlist here: `make bench-peers` builds it where there is Go"
WITHIN_S = 600.0
OURS, MEMBERLIST = "ours", "memberlist"
STREAMS_INTACT, NO_TCP_PING = "memberlist_streams_intact", "memberlist_no_tcp_ping"
"""Two more ways to lose: TCP loses nothing, and TCP is not used to probe. Ours has only datagrams to lose."""

_NAMESPACE = ("unshare", "--net", "--map-root-user", "--")
_LOOPBACK_UP = ("sh", "-c", 'ip link set lo up && exec "$@"', "sh")


@dataclass(slots=True)
class Findings:
    """What one program printed.

    Attributes:
        version: Of the system.
        values: All values of each metric, in order.
        trouble: Why there are none, if so.
    """

    version: str = ""
    values: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    trouble: str = ""


@cache
def network_prefix() -> tuple[str, ...]:
    """Return the words that give a program a network namespace of its own; none where that is not allowed."""
    if not all(map(shutil.which, ("unshare", "ip", "sh"))):
        return ()
    words = (*_NAMESPACE, *_LOOPBACK_UP, "true")
    allowed = subprocess.run(words, capture_output=True, check=False).returncode == 0
    return (*_NAMESPACE, *_LOOPBACK_UP) if allowed else ()


def is_there(system: str) -> bool:
    """Tell whether the system can be measured here."""
    return system == OURS or PEER.exists()


def run(system: str, scenario: str, schedule: Schedule) -> Findings:
    """Run one program to its end."""
    prefix = network_prefix()
    program = (sys.executable, "-m", "tests.bench.swim_real.ours") if system == OURS else (str(PEER),)
    text = replace(schedule, own_network=bool(prefix)).dump()
    started = subprocess.Popen(
        (*prefix, *program, scenario, text), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        cwd=ROOT, start_new_session=True,
    )  # fmt: skip
    with started as process:
        prefer(process.pid)
        try:
            out, err = process.communicate(timeout=WITHIN_S)
        except subprocess.TimeoutExpired:
            process.kill()
            return Findings(trouble=f"{system} did not end within {WITHIN_S:.0f} s")
        except BaseException:
            process.kill()  # it is in a session of its own, where an interrupt does not reach it
            raise
    if process.returncode:
        lines = err.strip().splitlines() or [str(process.returncode)]
        return Findings(trouble=f"{system} failed: {lines[-1]}")
    return _gather(out)


def _gather(text: str) -> Findings:
    findings = Findings()
    for line in map(json.loads, text.splitlines()):
        if "version" in line:
            findings.version = line["version"]
        else:
            findings.values[line["metric"]] += line["values"]
    return findings


def run_each(systems: tuple[str, ...], scenario: str, schedule: Schedule) -> dict[str, Findings]:
    """Run one scenario in each system that is there."""
    return {system: run(system, scenario, schedule) for system in systems if is_there(system)}


def run_loss(systems: tuple[str, ...], schedule: Schedule) -> dict[str, Findings]:
    """Run the loss of datagrams in each system; memberlist's other ways run side by side, to save time."""
    found = run_each(systems, "loss", schedule)
    if MEMBERLIST in found:
        others = {
            STREAMS_INTACT: replace(schedule, streams_lossy=False),
            NO_TCP_PING: replace(schedule, streams_lossy=False, tcp_ping=False),
        }
        with ThreadPoolExecutor() as both:
            started = {name: both.submit(run, MEMBERLIST, "loss", way) for name, way in others.items()}
        found |= {name: future.result() for name, future in started.items()}
    return found
