"""Where the processor time of a message goes in the two daemons, layer by layer: `--profile`."""

from __future__ import annotations

import json
import os
import signal
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from caxton_node.devkit.demo.nodes import wait_for
from tests.bench.mesh.crew import Crew, muster
from tests.bench.mesh.daemons import BenchNode, open_pair
from tests.bench.mesh.layers import LAYERS, layer_of
from tests.bench.mesh.throughput import PAIRS, open_windows

SAMPLES = "samples"
PLACES = 30


@dataclass(frozen=True, slots=True)
class Profile:
    """What one daemon spent.

    Attributes:
        count: Messages that passed meanwhile.
        cpu_ns: Processor time of the whole process.
        spent_ns: Processor time by stack, as far as threads of Python had it.
    """

    count: int
    cpu_ns: float
    spent_ns: list[tuple[int, list[str]]]

    def by_layer(self) -> dict[str, float]:
        """Return microseconds a message for each layer, and for what no thread of Python had."""
        found: Counter[str] = Counter()
        for spent, stack in self.spent_ns:
            found[layer_of(stack)] += spent
        table = {layer: found[layer] / self.count / 1_000 for layer in LAYERS}
        unseen = self.cpu_ns - sum(found.values())
        return table | {"other threads": unseen / self.count / 1_000, "all": self.cpu_ns / self.count / 1_000}

    def by_place(self, *, inclusive: bool) -> list[tuple[str, float]]:
        """Return microseconds a message for the dearest functions, with or without what they call."""
        found: Counter[str] = Counter()
        for spent, stack in self.spent_ns:
            functions = {place.rpartition(":")[0] for place in stack} if inclusive else {stack[-1]}
            for function in functions:
                found[function] += spent
        return [(name, spent / self.count / 1_000) for name, spent in found.most_common(PLACES)]


def show_profile(kind: str, size_bytes: int, seconds: float) -> None:
    """Print the tables for one kind of link."""
    with open_pair({"mesh.transport": kind}, sampled) as pair:
        crew = muster(pair, "mesh", PAIRS)
        open_windows(crew, size_bytes=size_bytes)
        time.sleep(1)
        began_at = time.perf_counter()
        profiles = _take(crew, seconds)
        seconds = time.perf_counter() - began_at
    sender, receiver = (each.by_layer() for each in profiles)
    print(f"# {kind}, {size_bytes} bytes: {profiles[0].count / seconds:,.0f} messages/s under the sampler")
    print("| layer | sender, us a message | receiver, us a message |")
    print("|---|---|---|")
    for layer in sender:
        print(f"| {layer} | {sender[layer]:.2f} | {receiver[layer]:.2f} |")
    for name, found in zip(("sender", "receiver"), profiles, strict=True):
        for inclusive in (True, False):
            print(f"\n{name}, us a message {'with' if inclusive else 'without'} what is called:")
            for place, spent in found.by_place(inclusive=inclusive):
                print(f"  {spent:7.2f}  {place}")


def sampled(data_dir: Path) -> list[object]:
    """Return the words that start a daemon under the sampler."""
    return [sys.executable, "-m", "tests.bench.mesh.sampled", data_dir / SAMPLES]


def _take(crew: Crew, seconds: float) -> list[Profile]:
    nodes = (crew.pair.a, crew.pair.b)
    before, cpu = crew.ask_sinks().handled, [node.cpu_s() for node in nodes]
    for node in nodes:
        os.kill(node.pid, signal.SIGUSR1)
    time.sleep(seconds)
    count = crew.ask_sinks().handled - before
    spent = [(node.cpu_s() - at) * 1e9 for node, at in zip(nodes, cpu, strict=True)]
    return [Profile(count, ns, _read(node)) for node, ns in zip(nodes, spent, strict=True)]


def _read(node: BenchNode) -> list[tuple[int, list[str]]]:
    os.kill(node.pid, signal.SIGUSR2)
    out = node.data_dir / SAMPLES
    wait_for("the samples", out.exists, within_s=20)
    return [(row[0], row[1:]) for row in map(json.loads, out.read_text().splitlines())]
