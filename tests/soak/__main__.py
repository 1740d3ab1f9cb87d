"""Random traffic and trouble for as long as you like: `make soak`.

.venv/bin/python -m tests.soak [--seconds 3600] [--seed N] [--first-round N]
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
import tempfile
from pathlib import Path
from secrets import randbelow
from shutil import rmtree

from caxton_node.observability.logs import configure_logs
from caxton_node.runtime.scheduler import SWITCH_INTERVAL_S
from tests.soak.run import Soak


def main() -> int:
    """Run one soak; return the exit code: 0 when everything held."""
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=3_600)
    parser.add_argument("--seed", type=int, default=randbelow(2**31), help="a new one each time if left out")
    parser.add_argument("--first-round", type=int, default=0, help="begin there, with nodes that are new")
    options = parser.parse_args()
    configure_logs(level="error", format="json")  # agents fail all the time here, and say so at warning
    sys.setswitchinterval(SWITCH_INTERVAL_S)
    soak = Soak(options.seed, options.seconds, lambda line: print(line, flush=True), options.first_round)
    print(f"seed {options.seed}, {options.seconds:g} s", flush=True)
    with tempfile.TemporaryDirectory() as folder, asyncio.Runner() as runner:
        held = runner.run(soak.run(Path(folder)))
        print(soak.verdict(), flush=True)
        if not held:  # what is broken might not let its threads end
            rmtree(folder)
            os._exit(1)
    return 0


if __name__ == "__main__":
    sys.exit(main())
