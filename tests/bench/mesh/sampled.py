"""Run a daemon and note where its threads spend time: `python -m tests.bench.mesh.sampled OUT WORDS`.

A thread looks at all others a few hundred times a second, and puts what each thread's own clock has gained
since the last look down to the place where it stands. That clock counts processor time. SIGUSR1 begins anew,
SIGUSR2 writes what was found to OUT.

To look, it needs Python's lock. It would mostly get it where others give it away by themselves, and these
places would look dear; so from SIGUSR1 on everybody must give it away when asked for 20 us.
"""

from __future__ import annotations

import json
import signal
import sys
import threading
import time
from collections import Counter
from pathlib import Path
from types import FrameType

EVERY_S = 0.002
SWITCH_INTERVAL_S = 0.00002
DEPTH = 60


class Sampler(threading.Thread):
    """Looks at every other thread.

    Attributes:
        spent_ns: Processor time by place: the innermost frames, outermost first.
    """

    def __init__(self) -> None:
        super().__init__(name="sampler", daemon=True)
        self.spent_ns: Counter[tuple[str, ...]] = Counter()
        self._clocks: dict[int, int] = {}

    def run(self) -> None:
        """Look for ever."""
        while True:
            time.sleep(EVERY_S)
            self._look()

    def begin(self) -> None:
        """Forget what was found so far."""
        sys.setswitchinterval(SWITCH_INTERVAL_S)
        self.spent_ns.clear()

    def _look(self) -> None:
        for ident, frame in sys._current_frames().items():
            if ident == self.ident:
                continue
            try:
                now = time.clock_gettime_ns(time.pthread_getcpuclockid(ident))
            except OSError:  # it has ended
                continue
            gained = now - self._clocks.get(ident, now)
            self._clocks[ident] = now
            if gained:
                self.spent_ns[_stack(frame)] += gained


def _stack(frame: FrameType | None) -> tuple[str, ...]:
    """Return where a thread stands as `file:function:line`, outermost first."""
    places: list[str] = []
    while frame is not None and len(places) < DEPTH:
        code = frame.f_code
        places.append(f"{code.co_filename}:{code.co_qualname}:{frame.f_lineno or 0}")
        frame = frame.f_back
    return tuple(reversed(places))


def write(spent_ns: Counter[tuple[str, ...]], out: Path) -> None:
    """Write stacks and nanoseconds, one JSON array a line, whole or not at all."""
    lines = "".join(json.dumps([spent, *stack]) + "\n" for stack, spent in spent_ns.most_common())
    part = out.with_suffix(".part")
    part.write_text(lines)
    part.rename(out)


def main() -> None:
    """Start the sampler, then be the daemon."""
    from caxton_node.cli.node import main as run  # noqa: PLC0415  its imports are to be seen too

    out, sampler = Path(sys.argv[1]), Sampler()
    signal.signal(signal.SIGUSR1, lambda *_: sampler.begin())
    signal.signal(signal.SIGUSR2, lambda *_: write(sampler.spent_ns.copy(), out))
    sampler.start()
    sys.argv = ["caxton-node", *sys.argv[2:]]
    run()


if __name__ == "__main__":
    main()
