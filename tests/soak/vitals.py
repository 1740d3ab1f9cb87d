"""What a soak looks at beside the books: memory, threads, mappings and files must stay within bounds."""

from __future__ import annotations

import ctypes
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression

WARM_UP_SHARE = 0.3
"""Of the time: until then everything may grow, since tables fill and threads start."""
MEMORY_FROM_S = 600.0
"""A run must be so long that growth can be told from warming up."""
MB = 2**20
GROWTH_MAX_BYTES = 32 * MB
THREADS_MAX = 120
MAPPINGS_MAX = 20_000
FILES_MAX = 300
_PAGE = os.sysconf("SC_PAGE_SIZE")


@dataclass(frozen=True, slots=True)
class Reading:
    """The process at one moment.

    Attributes:
        at_s: When, since the beginning.
        rss_bytes: Memory that is resident.
        threads: Threads.
        mappings: Mappings of memory, of which the kernel allows some 65,000.
        files: Open files.
    """

    at_s: float
    rss_bytes: int
    threads: int
    mappings: int
    files: int


def read(at_s: float) -> Reading:
    """Read what the kernel says about this process, once it has given back what it only keeps for later."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):  # glibc's
        trim(0)
    me = Path("/proc/self")
    rss_pages = int((me / "statm").read_text().split()[1])
    mappings = (me / "maps").read_bytes().count(b"\n")
    return Reading(at_s, rss_pages * _PAGE, _count(me / "task"), mappings, _count(me / "fd"))


def find_growth(readings: Sequence[Reading]) -> list[str]:
    """Return what is out of bounds, each as a sentence; empty when all is well.

    Memory is judged by the line through all readings after the warm-up: it may rise by 32 MB until the end of
    the run, whether that took a minute or a day.
    """
    faults = []
    warm = [one for one in readings if one.at_s >= WARM_UP_SHARE * readings[-1].at_s]
    if len(warm) > 1 and readings[-1].at_s >= MEMORY_FROM_S:
        slope, _ = linear_regression([one.at_s for one in warm], [float(one.rss_bytes) for one in warm])
        growth = slope * (warm[-1].at_s - warm[0].at_s)
        if growth > GROWTH_MAX_BYTES:
            faults.append(
                f"memory grew by {growth / MB:.0f} MB after the warm-up, {slope * 3600 / MB:.0f} MB an hour"
            )
    for what, most in (("threads", THREADS_MAX), ("mappings", MAPPINGS_MAX), ("files", FILES_MAX)):
        seen = max(getattr(one, what) for one in readings)
        if seen > most:
            faults.append(f"there were {seen:,} {what}, at most {most:,} are expected")
    return faults


def _count(folder: Path) -> int:
    return sum(1 for _ in folder.iterdir())
