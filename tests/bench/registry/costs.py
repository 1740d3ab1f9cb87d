"""What entries weigh in memory, and what merging and comparing them costs a node."""

from __future__ import annotations

import gc
import random
import resource
import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from caxton_node.registry.capabilities import Directory
from caxton_node.registry.entry import PAGE_BYTES_MAX, Entry, decode_page, paginate
from caxton_node.registry.replica import Replica
from caxton_node.registry.service import OWNED_KINDS
from tests.bench.registry.crowd import Author
from tests.bench.report import Reporter, percentile
from tests.support import replicas

R = TypeVar("R")
PAGE_BYTES = resource.getpagesize()
COMPARED = 10_000
NOW_US = time.time_ns() // 1000


def run(reporter: Reporter) -> None:
    """Measure everything."""
    measure(reporter, 20_000 if reporter.options.quick else 100_000)


def measure(reporter: Reporter, count: int) -> None:
    """Measure with so many entries; memory first, while the process has seen nothing else."""
    pages = list(paginate(Author(count).everything()))
    _memory(reporter, pages, count)
    _merge(reporter, pages[:20])
    some = pages[: max(1, COMPARED * len(pages) // count)]
    _digest(reporter, some)
    _compare(reporter, some)


def _memory(reporter: Reporter, pages: list[bytes], count: int) -> None:
    before = _resident_bytes()
    replica = _filled(pages)
    held = _resident_bytes()
    directory = Directory()
    for entry in replica.entries():
        directory.apply(entry)
    whole = _resident_bytes()
    note = f"{count:,} instances; resident memory"
    reporter.emit(
        "memory_per_entry", (whole - before) / count, "bytes", n=count, note=f"{note}, with the index"
    )
    reporter.emit("memory_per_entry_replica", (held - before) / count, "bytes", n=count, note=note)


def _merge(reporter: Reporter, pages: list[bytes]) -> None:
    """Merge pages as they come over the wire into a replica that holds nothing of them, and again."""
    replica, fresh, known = Replica("here", owned_kinds=OWNED_KINDS), list[float](), list[float]()
    for times in (fresh, known):
        for page in pages:
            entries, spent_us = _timed(lambda page=page: _merge_page(replica, page))
            times.append(spent_us / entries)
    note = f"a page of {PAGE_BYTES_MAX // 1024} KiB, decoding included"
    for metric, times in (("merge_per_entry", fresh), ("merge_known_per_entry", known)):
        times.sort()
        reporter.emit(
            metric, percentile(times, 0.5), "us", n=len(pages), p99=percentile(times, 0.99), note=note
        )


def _merge_page(replica: Replica, page: bytes) -> int:
    entries = decode_page(page)
    replica.merge(entries, NOW_US)
    return len(entries)


def _digest(reporter: Reporter, pages: list[bytes]) -> None:
    one, other = _filled(pages, "one"), _filled(pages, "other")
    times = sorted(_timed(lambda: replicas.compare(one, other, NOW_US))[1] for _ in range(500))
    p50 = percentile(times, 0.5)
    note = f"two equal replicas of {len(one):,} entries, both sides"
    reporter.emit("compare_equal", p50, "us", n=len(times), p50=p50, p99=percentile(times, 0.99), note=note)


def _compare(reporter: Reporter, pages: list[bytes]) -> None:
    """Compare replicas that differ in one entry, and in five of a hundred; both sides' work, and bytes."""
    for metric, share in (("compare_one", 0.0001), ("compare_5_percent", 0.05)):
        one, other = _filled(pages, "one"), _filled(pages, "other")
        held = list(one.entries())
        count = int(share * len(held)) or 1
        other.merge(_newer(random.Random(1).sample(held, count)), NOW_US)
        traffic, spent_us = _timed(lambda one=one, other=other: replicas.compare(one, other, NOW_US))
        cost = f"{traffic.bytes_sent:,} bytes, {traffic.requests} requests"
        note = f"{len(held):,} entries, {count} differ; {cost}"
        reporter.emit(metric, spent_us / 1000, "ms", n=1, note=note, bytes=traffic.bytes_sent)


def _newer(entries: list[Entry]) -> list[Entry]:
    """Return what their owners write on top of these."""
    return [
        Entry(old.kind, old.key, old.value, old.clock.advance(old.origin), old.stamp + 1, old.origin)
        for old in entries
    ]


def _filled(pages: list[bytes], node: str = "here") -> Replica:
    replica = Replica(node, owned_kinds=OWNED_KINDS)
    for page in pages:
        replica.merge(decode_page(page), NOW_US)
    return replica


def _timed(work: Callable[[], R]) -> tuple[R, float]:
    began = time.perf_counter()
    result = work()
    return result, (time.perf_counter() - began) * 1e6


def _resident_bytes() -> int:
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * PAGE_BYTES
