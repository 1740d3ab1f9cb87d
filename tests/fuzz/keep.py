"""Chooses which of many inputs to keep: `python -m tests.fuzz.keep NAME [--work .fuzz] [--files 20]`.

Each time the input is kept that takes most steps from line to line in the sources that no seed and no kept
one takes. That needs no atheris and forgets how often a loop ran, so few inputs are left. What was kept
before competes with the new ones; regressions stay untouched.
"""

from __future__ import annotations

import argparse
import sys
import threading
from pathlib import Path
from types import FrameType
from typing import Any, Self

from tests.fuzz.target import NAMES, Target, load

BYTES_MAX = 16 * 1024
_PACKAGES = tuple(f"{Path(__file__).parents[2] / name}/" for name in ("caxton_node", "swim"))

Step = tuple[str, int, int]


class Footsteps:
    """Collects the steps from line to line that are taken while it is entered, on all threads."""

    def __init__(self) -> None:
        self.steps: set[Step] = set()

    def __enter__(self) -> Self:
        """Begin."""
        threading.settrace(self._enter_function)
        sys.settrace(self._enter_function)
        return self

    def __exit__(self, *_: object) -> None:
        """End; threads that were started meanwhile should have ended."""
        sys.settrace(None)
        threading.settrace(None)  # type: ignore[arg-type]

    def _enter_function(self, frame: FrameType, _event: str, _arg: object) -> Any:
        name = frame.f_code.co_filename
        if not name.startswith(_PACKAGES):
            return None
        last = 0

        def follow(inner: FrameType, _event: str, _arg: object) -> Any:
            nonlocal last
            self.steps.add((name, last, inner.f_lineno))
            last = inner.f_lineno
            return follow

        return follow


def walk(target: Target, data: bytes) -> set[Step]:
    """Check one input and return the steps it takes."""
    with Footsteps() as walked:
        target.check(data)
    return walked.steps


def choose(target: Target, inputs: set[bytes], files_max: int) -> list[bytes]:
    """Return the inputs that are worth keeping, the most useful first."""
    for data in target.seeds():
        target.check(data)  # what happens once in a process is nobody's merit
    seen = set[Step]().union(*(walk(target, data) for data in target.seeds()))
    walks = {data: walk(target, data) - seen for data in inputs if len(data) <= BYTES_MAX}
    kept: list[bytes] = []
    while walks and len(kept) < files_max:
        best = max(walks, key=lambda data: (len(walks[data]), -len(data), data))
        taken = walks.pop(best)
        if not taken:
            break
        kept.append(best)
        walks = {data: steps - taken for data, steps in walks.items()}
    return kept


def main() -> None:
    """Replace the kept inputs of a target."""
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz.keep")
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("--work", type=Path, default=Path(".fuzz"))
    parser.add_argument("--files", type=int, default=20)
    options = parser.parse_args()
    target = load(options.name)
    found = [*target.corpus.glob("*"), *(options.work / "corpus" / target.name).glob("*")]
    kept = choose(target, {path.read_bytes() for path in found}, options.files)
    target.corpus.mkdir(parents=True, exist_ok=True)
    for path in target.corpus.glob("*"):
        path.unlink()
    for number, data in enumerate(kept):
        (target.corpus / f"{number:02}").write_bytes(data)
    print(f"{target.name}: {len(kept)} of {len(found)} inputs, {sum(map(len, kept)):,} bytes")


if __name__ == "__main__":
    main()
