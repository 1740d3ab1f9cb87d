"""The shell around desk and journal, with a pipeline whose sources the test drives."""

import asyncio
from contextlib import asynccontextmanager

import pytest

from caxton_node.api.call import Call, Caller
from caxton_node.api.operations import BY_METHOD
from caxton_node.api.streams import Bounds, DeskBounds, Settings, Streams, Window
from caxton_node.core.errors import (
    CursorExpired,
    Forbidden,
    InternalError,
    InvalidArgument,
    ReaderReplaced,
    Unauthorized,
    Unavailable,
)
from caxton_node.pb import cluster_pb2 as pb
from caxton_node.security import Credentials, Principal
from tests.support.clock import HandClock
from tests.support.meshes import until

pytestmark = pytest.mark.story("007")
WATCH = BY_METHOD["ClusterService/WatchMembers"]
REQUEST = pb.WatchMembersRequest()


class DrivenPipeline:
    """Lets callers in by the name that they show; what it says is put into its queue."""

    def __init__(self):
        self.words = asyncio.Queue()
        self.said = 0
        self.left = asyncio.Event()

    async def admit(self, operation, caller, _request=None):
        if not caller.credentials.bearer:
            raise Unauthorized("no credentials")
        return Call(Principal.with_role(caller.credentials.bearer, "viewer"), caller.trace_id)

    async def stream(self, operation, request, caller):
        call = await self.admit(operation, caller)
        caller.headers["x-ratelimit-limit"] = "7"
        caller.on_admitted(call.principal)
        try:
            while (word := await self.words.get()) is not None:
                if isinstance(word, Exception):
                    raise word
                self.said += 1
                yield pb.MemberEvent(change=word)
        finally:
            self.left.set()

    def say(self, *words):
        for word in words:
            self.words.put_nowait(word)


@asynccontextmanager
async def streams_of(pipeline, clock=None, **settings):
    settings.setdefault("first_word_s", 0.0)
    streams = Streams(
        pipeline, clock or HandClock(), lambda event: event.change.encode(), settings=Settings(**settings)
    )
    try:
        yield streams
    finally:
        await streams.close()


def caller(name="alice"):
    return Caller(Credentials(bearer=name), surface="test")


async def read(reader, count):
    events = []
    while len(events) < count:
        events += await asyncio.wait_for(reader.take(), 5)
    return [event.data.decode() for event in events]


async def test_a_reader_resumes_where_it_was():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        assert reader.headers == {"x-ratelimit-limit": "7"}
        pipeline.say("a", "b", "c")
        assert await read(reader, 3) == ["a", "b", "c"]
        reader.close()
        pipeline.say("d")
        again = await streams.resume(WATCH, REQUEST, reader.cursor_at(2), caller())
        assert await read(again, 2) == ["c", "d"]
        pipeline.say(None)
        assert await again.take() == []


async def test_the_older_reader_is_told_that_a_newer_one_took_over():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline) as streams:
        older = await streams.open(WATCH, REQUEST, caller())
        waiting = asyncio.ensure_future(older.take())
        newer = await streams.resume(WATCH, REQUEST, older.cursor, caller())
        with pytest.raises(ReaderReplaced):
            await asyncio.wait_for(waiting, 5)
        older.close()
        older.close(for_good=True)
        pipeline.say("a")
        assert await read(newer, 1) == ["a"]


async def test_the_source_waits_while_there_is_no_room_and_goes_on_when_there_is():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline, window=Window(ahead=Bounds(3, 100))) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        pipeline.say(*"abcdefgh")
        await until(lambda: pipeline.said == 3, 5)
        reader.close()
        for _ in range(20):
            await asyncio.sleep(0)
        assert pipeline.said == 3
        again = await streams.resume(WATCH, REQUEST, reader.cursor, caller())
        assert await read(again, 8) == [*"abcdefgh"]


async def test_when_the_grace_is_over_the_source_is_let_go():
    pipeline, clock = DrivenPipeline(), HandClock()
    async with streams_of(pipeline, clock, desk=DeskBounds(grace_s=60)) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        reader.close()
        clock.advance(60)
        streams.expire()
        await asyncio.wait_for(pipeline.left.wait(), 5)
        with pytest.raises(CursorExpired):
            await streams.resume(WATCH, REQUEST, reader.cursor, caller())


async def test_a_stream_that_was_closed_for_good_is_not_kept():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        reader.close(for_good=True)
        await asyncio.wait_for(pipeline.left.wait(), 5)
        assert len(streams) == 0


async def test_nobody_else_resumes_it_not_even_without_credentials():
    async with streams_of(DrivenPipeline()) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        with pytest.raises(Forbidden):
            await streams.resume(WATCH, REQUEST, reader.cursor, caller("mallory"))
        with pytest.raises(Unauthorized):
            await streams.resume(WATCH, REQUEST, reader.cursor, caller(""))


async def test_a_caller_who_is_refused_opens_nothing():
    async with streams_of(DrivenPipeline()) as streams:
        with pytest.raises(Unauthorized):
            await streams.open(WATCH, REQUEST, caller(""))
        assert len(streams) == 0


async def test_an_error_before_the_first_word_is_the_answer_of_the_opening():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline, first_word_s=5.0) as streams:
        pipeline.say(InvalidArgument("no such thing"))
        with pytest.raises(InvalidArgument):
            await streams.open(WATCH, REQUEST, caller())
        assert len(streams) == 0


async def test_why_a_stream_ended_is_its_last_word_for_whoever_resumes_too():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        pipeline.say("a", Forbidden("the role was taken away"))
        assert await read(reader, 1) == ["a"]
        with pytest.raises(Forbidden):
            await asyncio.wait_for(reader.take(), 5)
        reader.close()
        again = await streams.resume(WATCH, REQUEST, reader.cursor, caller())
        with pytest.raises(Forbidden):
            await again.take()


async def test_a_bug_in_the_source_ends_the_stream_instead_of_silencing_it():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        pipeline.say(ZeroDivisionError("a bug"))
        with pytest.raises(InternalError, match="a bug in the node"):
            await asyncio.wait_for(reader.take(), 5)


async def test_closing_tells_every_reader():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        waiting = asyncio.ensure_future(reader.take())
        await asyncio.sleep(0)
        await streams.close()
        with pytest.raises(Unavailable, match="goes down"):
            await waiting
        with pytest.raises(Unavailable):
            await streams.open(WATCH, REQUEST, caller())


async def test_an_opening_that_is_given_up_leaves_nothing_behind():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline, first_word_s=60.0) as streams:
        opening = asyncio.ensure_future(streams.open(WATCH, REQUEST, caller()))
        await until(lambda: len(streams), 5)
        opening.cancel()
        await asyncio.wait_for(pipeline.left.wait(), 5)
        assert len(streams) == 0


async def test_a_stream_that_ended_with_its_credential_is_begun_anew_with_the_next_credential():
    pipeline = DrivenPipeline()
    async with streams_of(pipeline) as streams:
        reader = await streams.open(WATCH, REQUEST, caller())
        pipeline.say("a", Unauthorized("the token was revoked"))
        assert await read(reader, 1) == ["a"]
        with pytest.raises(Unauthorized):
            await asyncio.wait_for(reader.take(), 5)
        reader.close()
        with pytest.raises(CursorExpired, match="credential that began it"):
            await streams.resume(WATCH, REQUEST, reader.cursor, caller())
