"""Modules that clients send in pieces: into a file that outlives connection and process, and then a module.

    <data>/uploads/<sha256>.part      on its way
    <data>/modules/<sha256>.wasm      whole, with the digest that its name says; deployed by that

What nobody deploys within the hour goes again, and so does what nobody goes on with. `upload_desk.py`
decides, this file writes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

from caxton_node.agents.module_exchange import to_the_end
from caxton_node.agents.module_parts import SUFFIX, PartialModule
from caxton_node.agents.modules import ModuleFolder
from caxton_node.agents.shelf import Shelf
from caxton_node.agents.upload_desk import Upload, UploadDesk
from caxton_node.core.clock import Clock
from caxton_node.core.errors import InvalidArgument, InvalidModule

PIECE_BYTES_MAX = 1024 * 1024
MODULES_MAX = 8
"""So many of the largest modules may lie about as uploads."""
MAGIC = b"\0asm"


class ModuleUploads:
    """Takes modules in pieces.

    Args:
        modules: Where they go when they are whole.
        shelf: Lets go what nobody has deployed.
        clock: Time.
        module_bytes_max: Largest module.
    """

    def __init__(self, modules: ModuleFolder, shelf: Shelf, clock: Clock, module_bytes_max: int) -> None:
        self._modules = modules
        self._shelf = shelf
        self._clock = clock
        self._folder = modules.folder.with_name("uploads")
        self._desk = UploadDesk(module_bytes_max, MODULES_MAX * module_bytes_max)
        self._writing = asyncio.Lock()
        self._has_looked = False
        self._tidying: asyncio.Future[None] | None = None

    def keeps(self, sha256: str) -> bool:
        """Return whether a module of the folder waits for somebody who will deploy it."""
        return self._desk.keeps(sha256, self._clock.now())

    async def find(self, sha256: str) -> Upload | None:
        """Return how far an upload has come, None if there is none."""
        await self._tidy()
        return self._desk.find(sha256)

    async def receive(self, sha256: str, size_bytes: int, offset: int, pieces: AsyncIterator[bytes]) -> bool:
        """Take a module, or the rest of it; returns whether it had been here already.

        Args:
            sha256: Its digest, checked.
            size_bytes: How large it is.
            offset: Where the pieces go on; 0 begins anew.
            pieces: What comes, in order.

        Raises:
            InvalidArgument: The pieces do not fit what was said of them; what came up to there is kept. Of a
                whole module that has another digest nothing is. Or the module is here, and not so large.
            InvalidModule: It is not WebAssembly in its binary form.
            ResourceLimit: It is too large, or too much is on its way.
            StateError: Another connection has taken over.
            StoreFailed: The disk is full.
        """
        await self._tidy()
        here_bytes = await asyncio.to_thread(self._modules.measure, sha256)
        if here_bytes is not None:
            # What comes is not waited for, so its size is the one thing that can give a mistake away.
            if size_bytes != here_bytes:
                raise InvalidArgument(
                    "what is sent is not the module with the digest that was said",
                    why=f"that one has {here_bytes:,} bytes, what is sent has {size_bytes:,}",
                    hint="another file was meant, or it has changed: say the digest of this one",
                )
            self._desk.keep(sha256, self._clock.now())
            return True
        sender = self._desk.begin(sha256, size_bytes, self._clock.now())
        part = await self._open(sha256, offset, sender)
        async for piece in pieces:
            if piece:
                await self._append(part, sha256, sender, piece)
        await self._finish(part, sha256, sender)
        return False

    async def _open(self, sha256: str, offset: int, sender: int) -> PartialModule:
        part = PartialModule(self._folder, sha256)
        async with self._writing:
            self._desk.check_sender(sha256, sender)
            received = await to_the_end(part.open)
            if received and not offset:
                await to_the_end(part.discard)
            self._desk.note(sha256, part.size_bytes, self._clock.now())
            self._desk.check_offset(sha256, offset)
        return part

    async def _append(self, part: PartialModule, sha256: str, sender: int, piece: bytes) -> None:
        if len(piece) > PIECE_BYTES_MAX:
            raise InvalidArgument(
                f"a piece has {len(piece):,} bytes", why=f"at most {PIECE_BYTES_MAX:,} are taken at once"
            )
        if not part.size_bytes and not piece.startswith(MAGIC):
            raise InvalidModule(
                "what comes is not WebAssembly in its binary form",
                why=f"it does not begin with {MAGIC!r}",
                hint="turn text into binary first (wat2wasm), or deploy it with DeployAgent",
            )
        async with self._writing:
            self._desk.check_sender(sha256, sender)
            self._desk.check_piece(sha256, len(piece))
            await to_the_end(part.append, piece)
            self._desk.note(sha256, part.size_bytes, self._clock.now())

    async def _finish(self, part: PartialModule, sha256: str, sender: int) -> None:
        async with self._writing:
            self._desk.check_sender(sha256, sender)
            upload = self._desk.find(sha256)
            assert upload is not None, "it has a sender"
            if part.size_bytes < upload.size_bytes:
                raise InvalidArgument(
                    f"the upload ended after {part.size_bytes:,} of {upload.size_bytes:,} bytes",
                    hint="what came is kept for an hour: GetUpload says where to go on",
                )
            if not part.matches():
                self._desk.forget(sha256)
                await to_the_end(part.discard)
                raise InvalidArgument(
                    "what came does not have the digest that was said",
                    why=f"it is not sha256:{sha256}; nothing of it was kept",
                    hint="it was damaged on the way, or another file was meant: upload it anew",
                )
            await to_the_end(self._become, part, sha256)
            self._desk.finish(sha256, self._clock.now())
            asyncio.get_running_loop().call_later(self._desk.kept_s + 1, self._tidy_soon)

    def _become(self, part: PartialModule, sha256: str) -> None:
        self._modules.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part.become(self._modules.path_of(sha256))

    async def let_go(self, sha256: str) -> None:
        """Keep a module no longer than an agent uses it: it was deployed, here or on another node."""
        upload = self._desk.find(sha256)
        if upload is not None and upload.is_whole:
            self._desk.forget(sha256)
            await self._shelf.drop_stray(sha256)

    # -- what goes again ------------------------------------------------------------------------------------

    def _tidy_soon(self) -> None:
        self._tidying = asyncio.ensure_future(self._tidy())

    async def _tidy(self) -> None:
        """Let go what was kept long enough."""
        if not self._has_looked:
            self._has_looked, unix_s = True, self._clock.unix_us() / 1e6
            for sha256, size, age_s in await asyncio.to_thread(left_in, self._folder, unix_s):
                self._desk.remember(sha256, size, self._clock.now() - age_s)
        for upload in self._desk.expired(self._clock.now()):
            self._desk.forget(upload.sha256)
            if upload.is_whole:
                await self._shelf.drop_stray(upload.sha256)
            else:
                place = self._folder / f"{upload.sha256}{SUFFIX}"
                await asyncio.to_thread(place.unlink, missing_ok=True)


def left_in(folder: Path, now_unix_s: float) -> list[tuple[str, int, float]]:
    """Return what an earlier run left on its way: digest, size, and seconds since it was touched."""
    found = []
    for place in folder.glob(f"*{SUFFIX}"):
        stat = place.stat()
        found.append((place.stem, stat.st_size, max(0.0, now_unix_s - stat.st_mtime)))
    return found
