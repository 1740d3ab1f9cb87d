"""Runs requests that carry an idempotency key: once, whatever becomes of the client."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

from caxton_node.api.rest.exchange import Exchange
from caxton_node.api.rest.idempotency import BODY_BYTES_MAX, Kept, is_kept, replay_of
from caxton_node.api.rest.problem import problem_reply
from caxton_node.api.rest.reply import Reply
from caxton_node.api.rest.store import ReplyKey, ReplyStore
from caxton_node.core.errors import CaxtonError

Begin = Callable[[], Awaitable[None]]
Work = Callable[[Begin], Awaitable[Reply]]
Readmit = Callable[[], Awaitable[object]]


class Repeats:
    """Knows which requests came before.

    Args:
        store: Keeps the answers.
        node_id: This node, named in errors.
    """

    def __init__(self, store: ReplyStore, node_id: str) -> None:
        self._store = store
        self._node_id = node_id
        self._running: dict[ReplyKey, asyncio.Task[Reply]] = {}

    async def run(
        self, key: ReplyKey, request: bytes, exchange: Exchange, work: Work, readmit: Readmit
    ) -> Reply:
        """Return the answer that a request had before, or run it to its end, whatever the client does.

        Args:
            key: Whose key.
            request: Fingerprint of the request.
            exchange: The request.
            work: Does what it asks for; before it does, and when the caller has been let in, it calls what it
                is given.
            readmit: Lets the caller in again, or not, before it gets an answer of the past.

        Raises:
            KeyReused: The key came with another request.
            StillRunning: It has no answer yet.
        """
        if key in self._running:
            replay_of(Kept(request), request)
        task = asyncio.create_task(
            self._run(key, request, exchange, work, readmit), name="idempotent-request"
        )
        self._running[key] = task
        task.add_done_callback(lambda done: self._forget(key, done))
        return await asyncio.shield(task)

    async def close(self) -> None:
        """Stop what still runs; nobody will know how far it came."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _forget(self, key: ReplyKey, done: asyncio.Task[Reply]) -> None:
        self._running.pop(key, None)
        if not done.cancelled():
            done.exception()  # whoever waited has it; if nobody did, nobody misses it

    async def _run(
        self, key: ReplyKey, request: bytes, exchange: Exchange, work: Work, readmit: Readmit
    ) -> Reply:
        store = self._store
        kept = await store.find(key, int(time.time()))
        if kept is not None:
            kept = replay_of(kept, request)
            await readmit()
            return Reply(kept.status, kept.body, kept.content_type, {"idempotent-replayed": "true"})
        has_begun = False

        async def begin() -> None:
            nonlocal has_begun
            has_begun = True
            await store.begin(key, request, int(time.time()))

        try:
            reply = await work(begin)
        except CaxtonError as err:
            reply = problem_reply(err, trace_id=exchange.caller.trace_id, node=self._node_id)
            if not has_begun:
                return reply
            if not is_kept(err):
                await store.forget(key)
                return reply
        await store.finish(key, _kept(request, reply))
        return reply


def _kept(request: bytes, reply: Reply) -> Kept:
    kept = Kept(request, reply.status, reply.content_type, reply.body)
    return replace(kept, body=b"") if reply.is_secret or len(reply.body) > BODY_BYTES_MAX else kept
