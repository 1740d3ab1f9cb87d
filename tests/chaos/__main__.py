"""Split, deafen and freeze real daemons on a real network: `make chaos`.

.venv/bin/python -m tests.chaos [--only EXPRESSION]
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
from pathlib import Path
from types import FrameType

import pytest

from tests.chaos.network import PREFIX, list_namespaces, remove
from tests.support import tun_net

HERE = Path(__file__).parent
SCENARIOS = (
    "wiring.py",
    "partitions.py",
    "failing_links.py",
    "frozen.py",
    "bad_paths.py",
    "lossy_paths.py",
    "toxics.py",
)
SCENARIO_S = 300
UNFIT = 2


def main() -> int:
    """Run the scenarios; return the exit code: 0 when all held, 2 when they could not be run to their end."""
    parser = argparse.ArgumentParser(prog="python -m tests.chaos")
    parser.add_argument("--only", default="", help="scenarios whose names match, as in pytest -k")
    options = parser.parse_args()
    if reason := find_obstacle():
        print(reason, file=sys.stderr)
        return UNFIT
    signal.signal(signal.SIGTERM, interrupt)
    signal.signal(signal.SIGINT, interrupt)  # a shell that starts this in the background has it ignored
    sweep()
    files = [str(HERE / name) for name in SCENARIOS]
    try:
        return pytest.main(
            ["-v", "-p", "no:cacheprovider", f"--timeout={SCENARIO_S}", "-k", options.only, *files]
        )
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        remove(name for name in list_namespaces() if owner_of(name) == os.getpid())


def find_obstacle() -> str:
    """Return what keeps the scenarios from being run here, "" if nothing does."""
    if not sys.platform.startswith("linux"):
        return "network namespaces are Linux's: run this there"
    if shutil.which("ip") is None:
        return "`ip` is missing. On Debian 12 or Ubuntu 24.04: apt-get install iproute2"
    if os.geteuid() != 0:
        return "making network namespaces needs root: sudo make chaos"
    return tun_net.find_obstacle()


def sweep() -> None:
    """Remove what a run that was killed has left behind; runs beside this one are left alone."""
    remove(name for name in list_namespaces() if not Path(f"/proc/{owner_of(name)}").exists())


def owner_of(namespace: str) -> int:
    """Return the id of the process whose run a namespace belongs to."""
    return int(namespace.removeprefix(f"{PREFIX}-").split("-")[0])


def interrupt(_number: int, _frame: FrameType | None) -> None:
    """End the run as Ctrl-C does: the scenario that runs removes what it has made."""
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
