"""Runs streams whether or not somebody is connected: pumps the pipeline's answers into journals.

Each stream is a task. It goes on while nobody reads, until there is no room; it ends when its source does,
when its grace is over, or when the node closes. One timer serves every grace.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field, replace
from functools import partial
from secrets import token_urlsafe
from typing import Protocol, cast

from google.protobuf.message import Message

from caxton_node.api.call import Call, Caller
from caxton_node.api.errors import going_down
from caxton_node.api.operations import Operation
from caxton_node.api.streams.cursor import Cursor
from caxton_node.api.streams.desk import Desk, DeskBounds, OpenStream, Owner
from caxton_node.api.streams.journal import Window
from caxton_node.api.streams.reader import Bell, Reader
from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError, InternalError
from caxton_node.observability import Reading
from caxton_node.observability.background import tell_of_bug
from caxton_node.observability.board import reading
from caxton_node.security import Principal

Encode = Callable[[Message], bytes]

_ID_BYTES = 18


class PipelinePort(Protocol):
    """What happens to a call, as `api.pipeline.Pipeline` does it."""

    async def admit(self, operation: Operation, caller: Caller, request: Message | None = None) -> Call:
        """Let in a caller who comes back."""
        ...

    def stream(self, operation: Operation, request: Message, caller: Caller) -> AsyncIterator[Message]:
        """Run an operation whose answers keep coming."""
        ...


@dataclass(frozen=True, slots=True)
class Settings:
    """How streams behave.

    Attributes:
        desk: How many there may be, and how long they wait for their readers.
        window: How much of each is kept.
        first_word_s: How long the opening waits for the source to say something: a request that the source
            refuses is then answered with its error instead of with a stream.
    """

    desk: DeskBounds = field(default_factory=DeskBounds)
    window: Window = field(default_factory=Window)
    first_word_s: float = 0.05


class _Run:
    """One stream and the task that fills it.

    Attributes:
        request: With which it was begun: whoever comes back must still be allowed that.
        stream: What it fills; there once the caller was let in.
        admitted: Done with the turn of the first reader then, or with the error of the refusal.
    """

    def __init__(self) -> None:
        self.bell = Bell()
        self.request: Message
        self.stream: OpenStream
        self.admitted: asyncio.Future[int] = asyncio.get_running_loop().create_future()
        self.task: asyncio.Task[None]

    async def fill(self, source: AsyncIterator[Message], encode: Encode) -> None:
        """Move what the source says into the journal, while there is room."""
        try:
            async with aclosing(cast("AsyncGenerator[Message, None]", source)):
                async for message in source:
                    await self._add(encode(message))
        except CaxtonError as err:
            self.end(err)
        except Exception as err:
            self.end(_bug(err))
            raise
        else:
            self.end(None)

    def end(self, error: CaxtonError | None) -> None:
        """Say the last word."""
        if self.admitted.done():
            self.stream.journal.end(error)
            self.bell.ring()
        else:
            self.admitted.set_exception(error or _bug(None))

    async def _add(self, data: bytes) -> None:
        journal = self.stream.journal
        journal.append(data)
        self.bell.ring()
        while not journal.has_room:
            await self.bell.wait()


class Streams:
    """All streams of a node that can be resumed.

    Args:
        pipeline: Runs operations.
        clock: Measures how long nobody has read.
        encode: Writes an answer as it goes on the wire.
        settings: How streams behave.
    """

    def __init__(
        self, pipeline: PipelinePort, clock: Clock, encode: Encode, settings: Settings | None = None
    ) -> None:
        self._settings = settings or Settings()
        self._pipeline = pipeline
        self._clock = clock
        self._encode = encode
        self._desk = Desk(self._settings.desk, self._settings.window)
        self._runs: dict[str, _Run] = {}
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False

    def __len__(self) -> int:
        """Return how many streams are open."""
        return len(self._desk)

    @property
    def waiting(self) -> int:
        """Return how many of them nobody reads."""
        return self._desk.waiting

    def readings(self) -> list[Reading]:
        """Return readings for the metrics; safe on any thread."""
        total, waiting = len(self._desk), self._desk.waiting
        return [
            reading("caxton_web_streams", total - waiting, state="read"),
            reading("caxton_web_streams", waiting, state="waiting"),
        ]

    async def open(self, operation: Operation, request: Message, caller: Caller) -> Reader:
        """Begin a stream and read it from its first event.

        Raises:
            CaxtonError: The call was refused, or failed before it said anything.
        """
        self._check_open()
        run = _Run()
        run.request = request
        told = replace(caller, on_admitted=partial(self._admitted, run, operation))
        source = self._pipeline.stream(operation, request, told)
        run.task = asyncio.create_task(run.fill(source, self._encode), name=f"stream {operation.method}")
        run.task.add_done_callback(tell_of_bug)
        try:
            turn = await asyncio.shield(run.admitted)
        except BaseException:
            self._give_up(run)
            raise
        return await self._after_first_word(run, self._reader(run, turn, caller))

    async def resume(self, operation: Operation, request: Message, cursor: str, caller: Caller) -> Reader:
        """Go on reading a stream after its event at `cursor`; whoever reads it now is told to stop.

        The caller must still be allowed what the stream was begun with; `request` counts only if it is gone.

        Raises:
            CursorExpired: It is not known here, or what came next is not kept any more.
            Forbidden: It is another caller's, or the caller may no longer run the operation.
            CaxtonError: The call was refused.
        """
        self._check_open()
        place = Cursor.parse(cursor)
        known = self._runs.get(place.stream_id)
        asked = known.request if known is not None and known.stream.method == operation.method else request
        principal = (await self._pipeline.admit(operation, caller, asked)).principal
        stream = self._desk.find(place, _owner_of(principal), operation.method)
        run = self._runs[stream.stream_id]
        turn = self._desk.attach(stream, place.seq)
        run.bell.ring()  # the source may have room now, and whoever read before has to be told
        return self._reader(run, turn, caller)

    async def close(self) -> None:
        """End every stream; readers are told that the node goes down."""
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        runs = list(self._runs.values())
        for run in runs:
            run.end(going_down())
            self._discard(run.stream)
        await asyncio.gather(*(run.task for run in runs), return_exceptions=True)

    def expire(self) -> None:
        """Forget the streams whose grace is over by now."""
        for stream in self._desk.expire(self._clock.now()):
            self._drop_run(stream)
        self._arm()

    def _check_open(self) -> None:
        if self._closed:
            raise going_down()

    def _admitted(self, run: _Run, operation: Operation, principal: Principal) -> None:
        """Enter a stream whose caller was let in; called from inside the pipeline."""
        self._check_open()
        owner, stream_id = _owner_of(principal), token_urlsafe(_ID_BYTES)
        run.stream, forgotten = self._desk.open(stream_id, owner, operation.method, self._clock.now())
        for other in forgotten:
            self._drop_run(other)
        self._runs[stream_id] = run
        run.admitted.set_result(self._desk.attach(run.stream, 0))

    def _reader(self, run: _Run, turn: int, caller: Caller) -> Reader:
        leave = partial(self._leave, run.stream, turn)
        return Reader(run.stream, turn, bell=run.bell, leave=leave, headers=caller.headers)

    async def _after_first_word(self, run: _Run, reader: Reader) -> Reader:
        journal = run.stream.journal
        try:
            with suppress(TimeoutError):
                async with asyncio.timeout(self._settings.first_word_s):
                    while not journal.has_news:
                        await run.bell.wait()
        except BaseException:
            reader.close(for_good=True)
            raise
        if journal.error is not None and not journal.last:
            reader.close(for_good=True)
            raise journal.error
        return reader

    def _leave(self, stream: OpenStream, turn: int, for_good: bool) -> None:
        if stream.turn != turn:
            return
        if for_good:
            self._discard(stream)
            return
        self._desk.detach(stream, turn, self._clock.now())
        self._arm()

    def _give_up(self, run: _Run) -> None:
        """Drop a stream that nobody knows the cursor of."""
        if run.admitted.done() and run.admitted.exception() is None:
            self._discard(run.stream)
        run.task.cancel()

    def _discard(self, stream: OpenStream) -> None:
        self._desk.forget(stream)
        self._drop_run(stream)

    def _drop_run(self, stream: OpenStream) -> None:
        run = self._runs.pop(stream.stream_id, None)
        if run is not None:
            run.task.cancel()

    def _arm(self) -> None:
        """Set the one timer to the next grace that ends."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        due_at = self._desk.next_expiry_at()
        if due_at is not None and not self._closed:
            wait_s = max(0.0, due_at - self._clock.now())
            self._timer = asyncio.get_running_loop().call_later(wait_s, self.expire)


def _bug(err: Exception | None) -> InternalError:
    return InternalError(
        "the stream met a bug in the node",
        why=f"{type(err).__name__}: {err}" if err else "it ended before its caller was let in",
        hint="look into the node's log, and report it",
    )


def _owner_of(principal: Principal) -> Owner:
    return Owner(principal.kind.value, principal.name)
