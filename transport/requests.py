"""Questions and answers between two nodes, beside the mail: registry pages, forwarded commands, modules.

A request lives as long as the link it went out on. It is never sent twice, because only the asker knows
whether asking twice does harm; when the link ends, the asker is told at once.
"""

from __future__ import annotations

import asyncio
import itertools
import logging
from collections.abc import Callable

from transport.bulk import BulkQueue
from transport.chunks import KEY_BYTES
from transport.errors import (
    BacklogFull,
    LinkFailed,
    RequestRefused,
    RequestTimeout,
    TooLarge,
)
from transport.faults import EndReason
from transport.frames import (
    REQUEST_LANE,
    RESPONSE_LANE,
    FrameType,
    decode_request,
    decode_response,
    encode_request,
    encode_response,
)
from transport.handler import Handler
from transport.settings import Settings
from transport.status import Stats

_REFUSAL_BYTES_MAX = 4096
_WORKING_REQUESTS = 2  # so many of the largest may be answered at the same time

log = logging.getLogger("transport")


class Requests:
    """What one peer was asked and what it asks.

    Args:
        node_id: The peer.
        handler: Answers the peer's requests.
        settings: Bounds.
        stats: Counters.
        stir: Is called when something waits to be sent; it changes when the link is replaced.
    """

    def __init__(
        self, node_id: str, handler: Handler, settings: Settings, stats: Stats, stir: Callable[[], None]
    ) -> None:
        self.queue = BulkQueue(settings.chunk_bytes, 2 * settings.request_bytes_max)
        self._node_id = node_id
        self._handler = handler
        self._settings = settings
        self._stats = stats
        self.stir = stir
        self._numbers = itertools.count(1)
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._answering: dict[asyncio.Task[None], int] = {}  # and the bytes of what was asked
        self._link_number = 0

    @property
    def busy(self) -> bool:
        """Say whether an answer is awaited or being worked on."""
        return bool(self._asked or self._answering)

    async def ask(self, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Send a request and wait for its answer.

        Raises:
            TooLarge: The payload is over its limit; nothing was sent.
            BacklogFull: Too much is waiting to be sent; nothing was sent.
            RequestRefused: The peer's handler answered with an error.
            RequestTimeout: No answer in time; the work may go on.
            LinkFailed: No link could be made, or it ended before the answer; the work may go on.
        """
        if len(payload) > self._settings.request_bytes_max:
            raise TooLarge(
                f"a request of {len(payload)} bytes; the limit is {self._settings.request_bytes_max}"
            )
        number = next(self._numbers)
        content = encode_request(number, method, payload)
        self.queue.push(FrameType.REQUEST, REQUEST_LANE, content)
        answer: asyncio.Future[bytes] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        self.stir()
        try:
            async with asyncio.timeout(timeout_s):
                return await answer
        except (TimeoutError, asyncio.CancelledError) as err:
            self.queue.discard(
                REQUEST_LANE, content[:KEY_BYTES]
            )  # or it would be done when nobody asks any more
            if isinstance(err, asyncio.CancelledError):
                raise
            raise RequestTimeout(f"{self._node_id} did not answer {method!r} within {timeout_s} s") from err
        finally:
            self._asked.pop(number, None)

    def handle_response(self, payload: bytes) -> None:
        """Take an answer; one that nobody waits for any more is dropped.

        Raises:
            MalformedFrame: It breaks the format.
        """
        number, refused, content = decode_response(payload)
        answer = self._asked.pop(number, None)
        if answer is None or answer.done():
            return
        if refused:
            answer.set_exception(RequestRefused(content.decode(errors="replace")))
        else:
            answer.set_result(content)

    def handle_request(self, payload: bytes) -> None:
        """Take a request and begin to work on it.

        Raises:
            MalformedFrame: It breaks the format.
        """
        number, method, content = decode_request(payload)
        settings = self._settings
        if len(self._answering) >= settings.requests_concurrent_max:
            self._answer(number, b"too many requests at the same time", refused=True)
            return
        # credit is given when a request has come, so it does not bound what is being answered
        if sum(self._answering.values()) + len(content) > _WORKING_REQUESTS * settings.request_bytes_max:
            self._answer(number, b"too large requests at the same time", refused=True)
            return
        task = asyncio.get_running_loop().create_task(self._work(number, method, content))
        self._answering[task] = len(content)
        task.add_done_callback(self._answering.pop)

    def end_link(self, reason: EndReason, detail: str) -> None:
        """Tell everyone who waits that the link has ended; answers in work will find nobody to go to."""
        self._link_number += 1
        self.queue.clear()
        asked, self._asked = self._asked, {}
        for answer in asked.values():
            if not answer.done():
                answer.set_exception(LinkFailed(reason, detail))
                answer.exception()  # looked at: whoever asked may be cancelled by now

    async def close(self) -> None:
        """Stop working on answers."""
        for task in list(self._answering):
            task.cancel()
        await asyncio.gather(*self._answering, return_exceptions=True)

    async def _work(self, number: int, method: str, content: bytes) -> None:
        link_number, refused = self._link_number, True
        try:
            answer = await self._handler.handle_request(self._node_id, method, content)
            refused = False
        except RequestRefused as err:
            answer = err.reason.encode()[:_REFUSAL_BYTES_MAX]
        except Exception:  # the task's boundary: a bug in the handler is logged here and answered
            log.exception("the request %r of %s could not be answered", method, self._node_id)
            self._stats.handler_errors += 1
            answer = b"internal error"
        if link_number == self._link_number:
            self._answer(number, answer, refused=refused)

    def _answer(self, number: int, content: bytes, *, refused: bool) -> None:
        if len(content) > self._settings.request_bytes_max:
            content, refused = b"the answer is too large", True
        try:
            self.queue.push(
                FrameType.RESPONSE, RESPONSE_LANE, encode_response(number, content, refused=refused)
            )
        except BacklogFull:
            # so much is waiting that not even a refusal fits: the asker's own timeout must tell it
            log.warning("no room for an answer to %s", self._node_id)
        self.stir()
