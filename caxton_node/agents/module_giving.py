"""What this node can give of modules to others: those in its folder, and those that it holds out for a while.

What a node would not run it does not give away: a file is read once before the first piece of it leaves, and
again when it was touched since. So a damaged file is found where it is, and costs nobody a transfer.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager

from caxton_node.agents.module_wire import FIND, READ, Held, decode_find, decode_piece, encode
from caxton_node.agents.modules import ModuleFolder
from caxton_node.core.errors import InvalidArgument, NotFound
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.observability import Board

SOUND_MAX = 10_000
READS_MAX = 4
"""At the same time; more wait."""


class ModuleGiving:
    """Answers other nodes.

    Args:
        folder: The modules of this node.
        board: Where bytes are counted.
    """

    def __init__(self, folder: ModuleFolder, board: Board) -> None:
        self._folder = folder
        self._reads = asyncio.Semaphore(READS_MAX)
        self._given_bytes = board.counter("caxton_module_bytes_total", direction="out")
        self._offers: dict[str, tuple[bytes, int]] = {}
        self._sound: dict[str, tuple[int, int, int]] = {}

    @contextmanager
    def offer(self, module: bytes) -> Iterator[str]:
        """Hold bytes out to other nodes as long as this lasts; gives their digest."""
        sha256 = hashlib.sha256(module).hexdigest()
        held, times = self._offers.get(sha256, (module, 0))
        self._offers[sha256] = (held, times + 1)
        try:
            yield sha256
        finally:
            held, times = self._offers.pop(sha256)
            if times > 1:
                self._offers[sha256] = (held, times - 1)

    async def handle_find(self, _peer: str, payload: bytes) -> bytes:
        """Say whether a module is here.

        Raises:
            InvalidArgument: The question cannot be read.
        """
        try:
            asked = decode_find(payload)
        except READ_ERRORS as err:
            raise _unreadable(FIND) from err
        async with self._reads:
            size = await asyncio.to_thread(self._find, asked.sha256)
        return encode(Held(is_here=size is not None, size_bytes=size or 0))

    async def handle_read(self, _peer: str, payload: bytes) -> bytes:
        """Give a piece of a module, shorter at its end.

        Raises:
            InvalidArgument: The question cannot be read.
            NotFound: The module is not here, or not sound.
        """
        try:
            asked = decode_piece(payload)
        except READ_ERRORS as err:
            raise _unreadable(READ) from err
        async with self._reads:
            piece = await asyncio.to_thread(self._read, asked.sha256, asked.offset, asked.length)
        if piece is None:
            raise NotFound(f"the module sha256:{asked.sha256} is not here")
        self._given_bytes.add(len(piece))
        return piece

    def _find(self, sha256: str) -> int | None:
        """Return the size of a module that is here and sound, else None; blocks."""
        held = self._offers.get(sha256)
        if held is not None:
            return len(held[0])
        try:
            state = _state_of(self._folder.path_of(sha256).stat())
        except OSError:
            return None
        if self._sound.get(sha256) == state:
            return state[1]
        size = self._folder.measure(sha256)
        if size is not None:
            if len(self._sound) >= SOUND_MAX:
                self._sound.clear()
            self._sound[sha256] = state
        return size

    def _read(self, sha256: str, offset: int, length: int) -> bytes | None:
        """Return a piece of a module; None if it is not here or not sound; blocks."""
        held = self._offers.get(sha256)
        if held is not None:
            return held[0][offset : offset + length]
        if self._find(sha256) is None:
            return None
        try:
            with self._folder.path_of(sha256).open("rb") as file:
                file.seek(offset)
                return file.read(length)
        except OSError:
            return None


def _state_of(stat: os.stat_result) -> tuple[int, int, int]:
    return stat.st_mtime_ns, stat.st_size, stat.st_ino


def _unreadable(method: str) -> InvalidArgument:
    return InvalidArgument(
        f"{method} was asked in a way that this node cannot read",
        hint="the nodes may run different versions: caxton cluster members -o wide",
    )
