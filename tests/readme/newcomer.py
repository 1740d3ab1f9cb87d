"""A new user: an empty home and directory, a wheel, and a shell that does what a page says."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.readme.walkthrough import Step

ROOT = Path(__file__).resolve().parents[2]
SOURCES = ("caxton_node", "swim", "transport", "certs", "pyproject.toml", "README.md", "LICENSE")
MARK = "=== step"
ANY_PORT = {f"CAXTON_{section}__PORT": "0" for section in ("MESH", "GRPC", "REST", "METRICS")}
TIMEOUT_S = 600
_NO_CACHES = shutil.ignore_patterns("__pycache__", "*.egg-info", "node_modules")


@dataclass(frozen=True)
class Done:
    """What became of one step.

    Attributes:
        step: The step.
        printed: All that it printed, stdout and stderr as they came.
        finished: Every command of it ended well.
    """

    step: Step
    printed: str
    finished: bool


def build_wheel(folder: Path) -> Path:
    """Build the wheel of this checkout, from a copy, so that no build directory is left in it."""
    with tempfile.TemporaryDirectory() as copy:
        for name in SOURCES:
            source = ROOT / name
            if source.is_dir():
                shutil.copytree(source, Path(copy) / name, ignore=_NO_CACHES)
            else:
                shutil.copy(source, Path(copy) / name)
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--disable-pip-version-check"]
        subprocess.run(
            [*command, "--no-deps", "--no-build-isolation", "--wheel-dir", folder, copy], check=True
        )
    return next(folder.glob("caxton_node-*.whl"))


@contextmanager
def new_user(wheel: Path, *, borrow: bool) -> Iterator[tuple[Path, Mapping[str, str]]]:
    """Make an empty directory with the wheel in it, and the environment of somebody who has just logged in.

    Args:
        wheel: What is to be installed.
        borrow: Whether the libraries of this Python are lent, so that none is downloaded.
    """
    with tempfile.TemporaryDirectory(prefix="caxton-newcomer-") as home:
        folder = Path(home) / "try"
        folder.mkdir()
        shutil.copy(wheel, folder)
        kept = {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "LANG", "LC_"))}
        environ = {**kept, "HOME": home, **ANY_PORT}
        if borrow:
            _lend(Path(home) / "bin")
            environ |= {"PIP_NO_DEPS": "1", "PIP_NO_INDEX": "1", "PIP_IGNORE_INSTALLED": "1"}
        environ["PATH"] = f"{home}/bin:{sys.base_prefix}/bin:/usr/local/bin:/usr/bin:/bin"
        yield folder, environ


def _lend(folder: Path) -> None:
    """Make a `python3` whose virtual environments find the libraries of this Python, in children too."""
    folder.mkdir()
    program, purelib = folder / "python3", sysconfig.get_path("purelib")
    program.write_text(
        "#!/bin/sh\n"
        f'"{sys.base_prefix}/bin/python3" "$@" || exit\n'
        '[ "$1 $2" = "-m venv" ] || exit 0\n'
        f'for place in "$3"/lib/python3*/site-packages; do echo "{purelib}" > "$place/lent.pth"; done\n'
    )
    program.chmod(0o755)


def follow(steps: Sequence[Step], folder: Path, environ: Mapping[str, str]) -> list[Done]:
    """Do the steps one after another in one shell, up to the first that fails."""
    parts = ["set -e", "trap 'kill $(jobs -p) 2>/dev/null || true' EXIT"]
    for number, step in enumerate(steps):
        parts += [f"echo '{MARK} {number}'", step.commands]
    parts.append(f"echo '{MARK} {len(steps)}'")
    done = subprocess.run(
        ["bash", "-c", "\n".join(parts)],
        cwd=folder,
        env=dict(environ),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=TIMEOUT_S,
        check=False,
    )
    _, *printed = done.stdout.split(f"{MARK} ")
    texts = [text.partition("\n")[2] for text in printed]
    return [
        Done(step, text, index + 1 < len(texts))
        for index, (step, text) in enumerate(zip(steps, texts, strict=False))
    ]
