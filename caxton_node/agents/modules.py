"""Modules on disk, named by what they contain: `<data>/modules/<sha256>.wasm`."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Collection
from contextlib import suppress
from pathlib import Path

from caxton_node.agents.module_parts import READ_BYTES, sweep_parts
from caxton_node.core.errors import CorruptStore
from caxton_node.storage import StoreFailed


class ModuleFolder:
    """The modules that this node holds; its methods block, so call them on a thread.

    Args:
        folder: Made on the first write.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @property
    def folder(self) -> Path:
        """Return where they are; it may not have been made yet."""
        return self._folder

    def write(self, sha256: str, binary: bytes) -> bool:
        """Keep a module; a sound one that is there already is left alone. Returns whether none was there.

        Raises:
            StoreFailed: The disk is full or the folder cannot be written to; nothing is left of the module.
        """
        place = self.path_of(sha256)
        was_there = place.exists()
        if was_there and self.measure(sha256) is not None:
            return False
        beside = place.with_suffix(f".{os.getpid()}.new")
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            _write_through(beside, binary)
            beside.replace(place)
        except OSError as err:
            with suppress(OSError):
                beside.unlink()
            raise StoreFailed(
                f"the module {place} cannot be kept",
                why=err.strerror or str(err),
                hint=f"free space in {self._folder} and see that this user may write there",
            ) from err
        return not was_there

    def read(self, sha256: str) -> bytes:
        """Return a module.

        Raises:
            CorruptStore: The file is missing or its content is not what its name says; it was left untouched.
        """
        place = self.path_of(sha256)
        try:
            binary = place.read_bytes()
        except OSError as err:
            raise _lost(place, err.strerror or str(err)) from err
        if hashlib.sha256(binary).hexdigest() != sha256:
            raise _lost(place, "its content does not have the digest that its name says")
        return binary

    def measure(self, sha256: str) -> int | None:
        """Return the size of a module that is here and sound, None if it is missing or damaged."""
        digest, size = hashlib.sha256(), 0
        try:
            with self.path_of(sha256).open("rb") as file:
                while piece := file.read(READ_BYTES):
                    digest.update(piece)
                    size += len(piece)
        except OSError:
            return None
        return size if digest.hexdigest() == sha256 else None

    def delete(self, sha256: str) -> None:
        """Remove a module that no agent uses."""
        self.path_of(sha256).unlink(missing_ok=True)

    def keep_only(self, used: Collection[str]) -> None:
        """Remove every module but these, and what is left of writes that were cut short."""
        for place in self._folder.glob("*.wasm"):
            if place.stem not in used:
                place.unlink(missing_ok=True)
        for place in self._folder.glob("*.new"):
            place.unlink(missing_ok=True)
        sweep_parts(self._folder, used)

    def sizes(self) -> dict[str, int]:
        """Return the modules that are here, sound or not, by digest, with their sizes in bytes."""
        return {place.stem: place.stat().st_size for place in self._folder.glob("*.wasm")}

    def path_of(self, sha256: str) -> Path:
        """Return where a module is, or would be."""
        return self._folder / f"{sha256}.wasm"


def _write_through(place: Path, binary: bytes) -> None:
    with place.open("wb") as file:
        file.write(binary)
        file.flush()
        os.fsync(file.fileno())


def _lost(place: Path, why: str) -> CorruptStore:
    return CorruptStore(
        f"the module {place} cannot be used",
        why=why,
        hint="start the agent when a node that has the module is alive, or delete it and deploy it again",
    )
