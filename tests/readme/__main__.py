"""Do what the README's ten minutes say, as a new user, and compare what is printed.

python -m tests.readme              with libraries from the package index, as anybody would
python -m tests.readme --fast       with those of this Python: seconds, and no network
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from tests.readme.newcomer import ROOT, Done, build_wheel, follow, new_user
from tests.readme.walkthrough import missing, read_section

TITLE = "Ten minutes"


def main(args: Sequence[str] | None = None) -> int:
    """Run it; 0 if the page is right."""
    parser = argparse.ArgumentParser(prog="python -m tests.readme", description=__doc__)
    parser.add_argument("--fast", action="store_true", help="lend the libraries of this Python")
    parser.add_argument("--quiet", action="store_true", help="print only what is wrong")
    parser.add_argument("--wheel", type=Path, metavar="FOLDER", help="only build the wheel into this folder")
    options = parser.parse_args(args)
    if options.wheel:
        print(build_wheel(options.wheel))
        return 0
    began_at = time.monotonic()
    steps = read_section((ROOT / "README.md").read_text(), TITLE)
    with tempfile.TemporaryDirectory() as folder:
        wheel = build_wheel(Path(folder))
        with new_user(wheel, borrow=options.fast) as (place, environ):
            done = follow(steps, place, environ)
    wrong = [problem for each in done if (problem := problem_of(each))]
    if not options.quiet:
        for each in done:
            print("".join(f"$ {line}\n" for line in each.step.commands.splitlines()) + each.printed)
    print(*wrong, sep="\n") if wrong else None
    print(f"README: {len(done)} of {len(steps)} steps in {time.monotonic() - began_at:.0f} s")
    return 1 if wrong or len(done) < len(steps) else 0


def problem_of(done: Done) -> str:
    """Say what is wrong with a step; empty if nothing is."""
    line = missing(done.step.shown, done.printed)
    if done.finished and not line:
        return ""
    why = f"this line did not come: {line}" if line else "a command of it failed"
    return f"README, {TITLE}: {why}\n--- commands\n{done.step.commands}--- printed\n{done.printed}"


if __name__ == "__main__":
    sys.exit(main())
