"""Modules by hash between nodes: this one gives what it has, and fetches what it lacks.

    find     who has it, and how large is it?      those who run an agent of it first, then everybody
    read     pieces of 256 KiB, one after the other, into a file that outlives link and process
    verify   the whole, before it gets its name: no node ever runs bytes whose digest differs

Whoever asks has proved over mutual TLS that it is a member. A digest is fetched once at a time, however many
wait for it; pieces travel in the window that the mesh keeps for large answers, so messages pass between them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import ParamSpec, Protocol, TypeVar

from caxton_node.agents.module_download import Discard, Done, Download, GiveUp, Read, Source, Verify
from caxton_node.agents.module_giving import ModuleGiving
from caxton_node.agents.module_parts import PartialModule
from caxton_node.agents.module_wire import (
    FIND,
    READ,
    Find,
    Piece,
    decode_held,
    encode,
)
from caxton_node.agents.modules import ModuleFolder
from caxton_node.core.errors import (
    CaxtonError,
    NotFound,
    ResourceLimit,
    Unavailable,
)
from caxton_node.fipa.codec import READ_ERRORS
from caxton_node.observability import Board
from caxton_node.observability.logs import get_logger

FETCHES_MAX = 2
ASKED_AT_ONCE = 16
FIND_TIMEOUT_S = 10.0
PIECE_TIMEOUT_S = 30.0

P = ParamSpec("P")
T = TypeVar("T")

_log = get_logger("agents")


class PeersPort(Protocol):
    """The other nodes, as `module_sources.ModuleSources` provides them."""

    def holders(self, sha256: str) -> Sequence[str]:
        """Return the other nodes that are said to run an agent of this module and are alive."""
        ...

    def others(self) -> Sequence[str]:
        """Return all other nodes that are alive."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask a node and return its answer; raises a RemoteError if there is none."""
        ...

    def serve(self, method: str, handler: Callable[[str, bytes], Awaitable[bytes]]) -> None:
        """Answer requests of a kind by `handler(peer, payload)`."""
        ...


@dataclass(slots=True, eq=False)
class _Job:
    """A fetch under way, and how many wait for it."""

    task: asyncio.Task[None]
    waiting: int = 0


class ModuleExchange:
    """Gives and fetches modules.

    Args:
        folder: Where they are.
        peers: The other nodes.
        board: Where fetches are counted.
        module_bytes_max: Larger ones are not fetched.
    """

    def __init__(self, folder: ModuleFolder, peers: PeersPort, board: Board, module_bytes_max: int) -> None:
        self._folder = folder
        self._peers = peers
        self._board = board
        self._module_bytes_max = module_bytes_max
        self._giving = ModuleGiving(folder, board)
        self._jobs: dict[str, _Job] = {}
        self._fetches = asyncio.Semaphore(FETCHES_MAX)
        self._fetched_bytes = board.counter("caxton_module_bytes_total", direction="in")
        peers.serve(FIND, self._giving.handle_find)
        peers.serve(READ, self._giving.handle_read)

    def offer(self, module: bytes) -> AbstractContextManager[str]:
        """Hold bytes out to other nodes as long as the context lasts; it gives their digest."""
        return self._giving.offer(module)

    async def fetch(self, sha256: str, *, near: str = "") -> None:
        """Bring a module into the folder, in place of a damaged file of it.

        What has come already is kept for the next attempt if this one fails.

        Args:
            sha256: Its digest.
            near: The node that is asked first.

        Raises:
            NotFound: No node that is alive has it.
            ResourceLimit: It is larger than this node takes; nothing was stored.
            Unavailable: Every node that has it failed on the way, or served something else.
            StoreFailed: The disk is full.
        """
        while (job := self._jobs.get(sha256)) is not None and job.task.cancelling():
            await asyncio.wait([job.task])  # it may still be writing
        if job is None:
            task = asyncio.create_task(self._fetch(sha256, near), name=f"fetch-{sha256[:12]}")
            job = self._jobs[sha256] = _Job(task)
            task.add_done_callback(lambda _task: self._forget(sha256, job))
        job.waiting += 1
        try:
            await asyncio.shield(job.task)
        finally:
            job.waiting -= 1
            if not job.waiting:
                job.task.cancel()

    async def close(self) -> None:
        """Break off what is under way; what has come is kept."""
        tasks = [job.task for job in self._jobs.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, sha256: str, job: _Job) -> None:
        if self._jobs.get(sha256) is job:
            del self._jobs[sha256]

    # -- fetching -------------------------------------------------------------------------------------------

    async def _fetch(self, sha256: str, near: str) -> None:
        outcome = "failed"
        try:
            async with self._fetches:
                sources = self._check_sizes(sha256, await self._find(sha256, near))
                await self._download(sha256, sources)
            outcome = "fetched"
        except NotFound:
            outcome = "nowhere"
            raise
        except ResourceLimit:
            outcome = "too-large"
            raise
        finally:
            self._board.counter("caxton_module_fetches_total", outcome=outcome).add()

    async def _find(self, sha256: str, near: str) -> list[Source]:
        """Return who has it: whoever is near first; all are asked only if those who should have it do not."""
        others = self._peers.others()
        likely = [node for node in dict.fromkeys((near, *self._peers.holders(sha256))) if node in others]
        found = await self._ask_all(sha256, likely)
        if not found:
            found = await self._ask_all(sha256, [node for node in others if node not in likely])
        if not found:
            raise NotFound(
                f"no node has the module sha256:{sha256}",
                why=f"{len(others)} other nodes are alive and were asked",
                hint="caxton agent list -o wide shows the modules of agents; deploy it from its file",
            )
        return found

    async def _ask_all(self, sha256: str, nodes: Iterable[str]) -> list[Source]:
        door = asyncio.Semaphore(ASKED_AT_ONCE)

        async def ask(node: str) -> Source | None:
            async with door:
                return await self._ask(sha256, node)

        return [source for source in await asyncio.gather(*map(ask, nodes)) if source is not None]

    async def _ask(self, sha256: str, node: str) -> Source | None:
        try:
            held = decode_held(await self._peers.request(node, FIND, encode(Find(sha256)), FIND_TIMEOUT_S))
        except (CaxtonError, *READ_ERRORS) as err:
            _log.debug("a node did not say whether it has a module", peer=node, reason=str(err))
            return None
        return Source(node, held.size_bytes) if held.is_here else None

    def _check_sizes(self, sha256: str, sources: Sequence[Source]) -> list[Source]:
        fitting = [source for source in sources if source.size_bytes <= self._module_bytes_max]
        if not fitting:
            raise ResourceLimit(
                f"the module sha256:{sha256} has {sources[0].size_bytes:,} bytes",
                why=f"at most {self._module_bytes_max:,} are taken",
                hint="raise agents.module_bytes_max",
            )
        return fitting

    async def _download(self, sha256: str, sources: Sequence[Source]) -> None:
        part = PartialModule(self._folder.folder, sha256)
        plan = Download(sources, await to_the_end(part.open))
        begun_at = part.size_bytes
        try:
            while not isinstance(step := plan.next_step(), Done):
                await self._do(step, plan, part, sha256)
            await to_the_end(part.become, self._folder.path_of(sha256))
        finally:
            self._name_liars(sha256, plan)
        _log.info("module fetched", module=sha256[:12], bytes=part.size_bytes, resumed_at=begun_at)

    async def _do(
        self, step: Read | Discard | Verify | GiveUp, plan: Download, part: PartialModule, sha256: str
    ) -> None:
        match step:
            case Read():
                await self._read(step, plan, part, sha256)
            case Discard():
                await to_the_end(part.discard)
                plan.handle_discarded()
            case Verify():
                plan.handle_verdict(matches=part.matches())
            case GiveUp(reasons):
                raise Unavailable(
                    f"the module sha256:{sha256} could not be fetched",
                    why="; ".join(f"{node}: {reason}" for node, reason in reasons.items()),
                    hint="try again: it goes on where it was",
                )

    async def _read(self, step: Read, plan: Download, part: PartialModule, sha256: str) -> None:
        if step.after_s:
            await asyncio.sleep(step.after_s)
        asked = encode(Piece(sha256, step.offset, step.length))
        try:
            piece = await self._peers.request(step.node, READ, asked, PIECE_TIMEOUT_S)
        except CaxtonError as err:
            plan.handle_failure(step.node, str(err))
        else:
            if len(piece) == step.length:
                await to_the_end(part.append, piece)
            plan.handle_piece(step.node, step.length, len(piece))
            self._fetched_bytes.add(len(piece))

    def _name_liars(self, sha256: str, plan: Download) -> None:
        for node, what in plan.liars.items():
            self._board.counter("caxton_module_liars_total").add()
            _log.error("a node served wrong bytes of a module", peer=node, module=sha256, what=what)


async def to_the_end(call: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
    """Make a call on a thread, and wait for its end even if cancelled: a file has one writer at a time."""
    work = asyncio.ensure_future(asyncio.to_thread(call, *args, **kwargs))
    try:
        return await asyncio.shield(work)
    except asyncio.CancelledError:
        await asyncio.wait([work])
        if not work.cancelled():
            work.exception()  # it has been looked at, but the cancellation counts
        raise
