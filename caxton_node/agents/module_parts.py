"""Modules that are still on their way: `<data>/modules/<sha256>.part`, always a prefix of what will be.

It outlives a broken link and the process. What is in it is believed only when the whole has the digest that
its name says; then, and not before, it gets the name of a module.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from pathlib import Path

from caxton_node.storage import StoreFailed

PARTS_MAX = 4
READ_BYTES = 1024 * 1024
SUFFIX = ".part"


class PartialModule:
    """One module on its way; its methods block, so call them on a thread, one at a time.

    Args:
        folder: Of the modules; made if it is not there.
        sha256: What it will be.
    """

    def __init__(self, folder: Path, sha256: str) -> None:
        self._place = folder / f"{sha256}{SUFFIX}"
        self._sha256 = sha256
        self._digest = hashlib.sha256()
        self.size_bytes = 0

    def open(self) -> int:
        """Read what is here from before; returns its length.

        Raises:
            StoreFailed: The folder cannot be read or written.
        """
        self._digest, self.size_bytes = hashlib.sha256(), 0
        try:
            self._place.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            with self._place.open("ab+") as file:
                file.seek(0)
                while piece := file.read(READ_BYTES):
                    self._count(piece)
        except OSError as err:
            raise _failed(self._place, err) from err
        return self.size_bytes

    def append(self, piece: bytes) -> None:
        """Add the next bytes.

        Raises:
            StoreFailed: The disk is full or broken; what is here of the piece is cut off again.
        """
        try:
            with self._place.open("ab") as file:
                file.write(piece)
        except OSError as err:
            self._cut_back()
            raise _failed(self._place, err) from err
        self._count(piece)

    def discard(self) -> None:
        """Throw away what is here.

        Raises:
            StoreFailed: The disk does not let it go.
        """
        try:
            self._place.unlink(missing_ok=True)
        except OSError as err:
            raise _failed(self._place, err) from err
        self._digest, self.size_bytes = hashlib.sha256(), 0

    def matches(self) -> bool:
        """Return whether this is the whole module."""
        return self._digest.hexdigest() == self._sha256

    def become(self, place: Path) -> None:
        """Give the whole module its name, durably and at once, in place of what has it now.

        Raises:
            StoreFailed: The disk is full or broken.
        """
        assert self.matches(), "only what was verified gets a name"
        try:
            with self._place.open("ab") as file:
                os.fsync(file.fileno())
            self._place.replace(place)
        except OSError as err:
            raise _failed(self._place, err) from err

    def _count(self, piece: bytes) -> None:
        self._digest.update(piece)
        self.size_bytes += len(piece)

    def _cut_back(self) -> None:
        """Leave nothing of a piece that was written in half: what counts is what was hashed."""
        try:
            os.truncate(self._place, self.size_bytes)
        except OSError:  # then the next life hashes what is there, and finds out
            self._place.unlink(missing_ok=True)


def sweep_parts(folder: Path, wanted: Collection[str]) -> None:
    """Remove what nobody has gone on with: all but these and the latest few."""
    parts = [place for place in folder.glob(f"*{SUFFIX}") if place.stem not in wanted]
    parts.sort(key=_age, reverse=True)
    for place in parts[PARTS_MAX:]:
        place.unlink(missing_ok=True)


def _age(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:
        return 0.0


def _failed(place: Path, err: OSError) -> StoreFailed:
    return StoreFailed(
        f"the module {place} cannot be kept",
        why=err.strerror or str(err),
        hint=f"free space in {place.parent} and see that this user may write there",
    )
