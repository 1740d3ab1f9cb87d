"""A real file system that is small: a disk to fill up, and to turn read-only (Linux, root)."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BLOCK_BYTES = 4096
_FILLER = "filler"


class SmallDisk:
    """A mounted file system; made by `small_disk`.

    Attributes:
        path: Where it is mounted.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self, *, leave_bytes: int = 0) -> None:
        """Take all the space that is left, to the last block, or all but so much."""
        with (self.path / _FILLER).open("ab", buffering=0) as file:
            try:
                while leave_bytes == 0 or shutil.disk_usage(self.path).free > leave_bytes:
                    file.write(bytes(BLOCK_BYTES))
            except OSError:
                return

    def free(self) -> None:
        """Give back what `fill` took."""
        (self.path / _FILLER).unlink()

    def turn_read_only(self) -> None:
        """Take no writes any more; nobody may have a file open for writing."""
        _run("mount", "-o", "remount,ro", str(self.path))

    def turn_writable(self) -> None:
        """Take writes again."""
        _run("mount", "-o", "remount,rw", str(self.path))


@contextmanager
def small_disk(path: Path, size_bytes: int) -> Iterator[SmallDisk]:
    """Mount a file system of this size, in memory."""
    path.mkdir()
    _run("mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "small-disk", str(path))
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(command)}: {done.stderr.strip()}; a mount needs root"
