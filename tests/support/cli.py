"""The two command lines as real processes."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
MODULES = {"caxton": "caxton_node.cli.main", "caxton-node": "caxton_node.cli.node"}


@dataclass(frozen=True)
class Done:
    """How a command ended."""

    code: int
    out: str
    err: str


def caxton(*words: object, program: str = "caxton", stdin: str = "", **environment: str) -> Done:
    """Run a command line to its end; nothing of this process's CAXTON_* environment reaches it."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("CAXTON_")}
    done = subprocess.run(
        [sys.executable, "-m", MODULES[program], *map(str, words)],
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=ROOT,
        env={**kept, "PYTHONWARNINGS": "", **environment},
    )
    assert "Traceback" not in done.stderr, done.stderr
    return Done(done.returncode, done.stdout, done.stderr)


def caxton_node(*words: object, **environment: str) -> Done:
    """Run `caxton-node` to its end."""
    return caxton(*words, program="caxton-node", **environment)
