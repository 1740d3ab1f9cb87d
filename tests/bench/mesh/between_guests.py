"""The part with daemons and guests: one pair of daemons for each kind of link."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from tests.bench.mesh import latency, slow, throughput
from tests.bench.mesh.crew import Crew, muster
from tests.bench.mesh.daemons import open_pair
from tests.bench.mesh.latency import Load
from tests.bench.mesh.plan import Plan
from tests.bench.report import Reporter

KINDS = ("tcp", "quic")
SIZES_BYTES = (200, 1_024)
WARM_UP_S = 0.5
PER_SECOND = 2_000


def run(reporter: Reporter, plan: Plan, *, quick: bool) -> None:
    """Measure every kind of link, one after the other."""
    with ExitStack() as stack, ThreadPoolExecutor(len(KINDS)) as pool:
        pairs = list(pool.map(lambda kind: stack.enter_context(open_pair({"mesh.transport": kind})), KINDS))
        for kind, pair in zip(KINDS, pairs, strict=True):
            crew = muster(pair, "mesh", throughput.PAIRS)
            fastest = _throughput(reporter, crew, kind, plan)
            _latency(reporter, crew, kind, plan, half=round(fastest / 2, -2), quick=quick)
        slow.run(reporter, pairs[-1], plan.slow_s)


def _throughput(reporter: Reporter, crew: Crew, kind: str, plan: Plan) -> float:
    """Report throughput by size; return that of the smallest."""
    found = {}
    for size_bytes in SIZES_BYTES:
        flows = [
            throughput.flow(crew, size_bytes=size_bytes, seconds=plan.flow_s, warm_up_s=WARM_UP_S)
            for _ in range(plan.flows)
        ]
        found[size_bytes] = throughput.emit(reporter, kind, size_bytes, flows)
    return found[SIZES_BYTES[0]].per_second


def _latency(reporter: Reporter, crew: Crew, kind: str, plan: Plan, *, half: float, quick: bool) -> None:
    loads = {
        f"latency_{kind}": Load(PER_SECOND, plan.latency_s),
        f"latency_{kind}_half": Load(int(half), plan.latency_s),
    }
    if not quick:
        loads[f"latency_{kind}_from_due"] = Load(PER_SECOND, plan.latency_s, from_due=True)
    for metric, load in loads.items():
        latency.emit(reporter, metric, load, latency.offer(crew, load))
