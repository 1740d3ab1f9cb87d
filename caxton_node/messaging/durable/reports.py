"""What two nodes tell one another about durable messages, over the mesh.

    messaging.handled   to a message's origin: these are done with; those were not taken, send them again
    messaging.durable   from the origin: what became of these? one byte for each: see `Fate`

A report that is lost is repeated: what was handled is told until its origin has said that it knows, and what
was not taken is found out by asking. What waits to be told is bounded, since any member can name origins that
there are not: the oldest of too much is not told, and an origin that there is will ask.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from enum import IntEnum
from itertools import islice
from typing import Any, Protocol

import msgspec
from msgspec import Struct

from caxton_node.core.errors import CaxtonError, InvalidArgument
from caxton_node.messaging.durable.header import COPY_BYTES
from caxton_node.observability.background import tell_of_bug

HANDLED = "messaging.handled"
FATES = "messaging.durable"
COPIES_MAX = 1_000
ORIGINS_MAX = 4_096
UNTOLD_MAX = 100_000
"""Copies that wait to be told to one origin."""
TASK = "durable-reports"

Handler = Callable[[str, bytes], Awaitable[bytes]]


class Fate(IntEnum):
    """What a node says of a message that was sent to it."""

    UNKNOWN = 0
    HERE = 1
    HANDLED = 2


class Peers(Protocol):
    """What is needed of the cluster."""

    def is_alive(self, node: str) -> bool:
        """Tell whether messages for this node may be sent."""
        ...

    def serve(self, method: str, handler: Handler) -> None:
        """Answer a kind of request from other nodes."""
        ...

    async def request(self, node: str, method: str, payload: bytes, timeout_s: float) -> bytes:
        """Ask another node and wait for its answer."""
        ...


class Report(Struct, array_like=True, forbid_unknown_fields=True):
    """What became of messages of the node that it is sent to.

    Attributes:
        handled: Copies that are done with.
        again: Copies that were not taken.
    """

    handled: list[bytes]
    again: list[bytes]


class Question(Struct, array_like=True, forbid_unknown_fields=True):
    """What became of these?

    Attributes:
        copies: Which.
        renounce: Whether those that are not there must not be taken any more.
    """

    copies: list[bytes]
    renounce: bool = False


_encode = msgspec.msgpack.Encoder().encode
_read_report = msgspec.msgpack.Decoder(Report).decode
_read_question = msgspec.msgpack.Decoder(Question).decode


def read_report(payload: bytes) -> Report:
    """Read a report.

    Raises:
        InvalidArgument: It is none.
    """
    try:
        report = _read_report(payload)
    except msgspec.MsgspecError as err:
        raise InvalidArgument("this is no report about durable messages", why=str(err)) from err
    _check_copies([*report.handled, *report.again])
    return report


def read_question(payload: bytes) -> Question:
    """Read a question.

    Raises:
        InvalidArgument: It is none.
    """
    try:
        question = _read_question(payload)
    except msgspec.MsgspecError as err:
        raise InvalidArgument("this is no question about durable messages", why=str(err)) from err
    _check_copies(question.copies)
    return question


def _check_copies(copies: Sequence[bytes]) -> None:
    if len(copies) > 2 * COPIES_MAX or any(len(copy) != COPY_BYTES for copy in copies):
        raise InvalidArgument("these are no copies of durable messages")


class _Mail:
    """What is to be told to one node."""

    __slots__ = ("again", "handled", "is_busy")

    def __init__(self) -> None:
        self.handled: dict[bytes, None] = {}
        self.again: dict[bytes, None] = {}
        self.is_busy = False


def _note(some: dict[bytes, None], copy: bytes) -> None:
    """Note what is to be told, in place of the oldest if that is too much."""
    some[copy] = None
    if len(some) > UNTOLD_MAX:
        del some[next(iter(some))]


class Reports:
    """Tells and asks other nodes; on the event loop.

    Args:
        peers: The cluster.
        timeout_s: How long to wait for an answer.
        known: Called with copies whose origin knows that they are done with.
    """

    def __init__(self, peers: Peers, *, timeout_s: float, known: Callable[[Sequence[bytes]], None]) -> None:
        self._peers = peers
        self._timeout_s = timeout_s
        self._known = known
        self._mail: dict[str, _Mail] = {}
        self._asking: set[str] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._closed = False

    def tell_handled(self, origin: str, copy: bytes) -> None:
        """Tell an origin soon that a message of its is done with."""
        _note(self._mail_for(origin).handled, copy)

    def tell_again(self, origin: str, copy: bytes) -> None:
        """Tell an origin soon that a message of its was not taken."""
        _note(self._mail_for(origin).again, copy)

    def retry(self) -> None:
        """Tell what could not be told before."""
        for origin in list(self._mail):
            self._deliver(origin)

    def ask(
        self,
        node: str,
        copies: Sequence[bytes],
        answer: Callable[[str, Sequence[bytes], bytes], None],
        *,
        renounce: bool = False,
    ) -> None:
        """Ask a node what became of messages; one question at a time, what is more waits for the next.

        Args:
            node: Whom.
            copies: Which.
            answer: Called with the node, the copies and a byte for each; not if there is no answer.
            renounce: Whether it must not take those any more that it does not have.
        """
        if node not in self._asking and not self._closed and self._peers.is_alive(node):
            self._asking.add(node)
            self._spawn(self._ask(node, list(copies[:COPIES_MAX]), answer, renounce=renounce))

    async def close(self) -> None:
        """Tell and ask no more."""
        self._closed = True
        for task in list(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    # -- within ---------------------------------------------------------------------------------------------

    def _mail_for(self, origin: str) -> _Mail:
        mail = self._mail.get(origin)
        if mail is None:
            if len(self._mail) >= ORIGINS_MAX:
                del self._mail[next(iter(self._mail))]
            mail = self._mail[origin] = _Mail()
            # Not at once: what is handled in the same turn of the loop is told together.
            asyncio.get_running_loop().call_soon(self._deliver, origin)
        return mail

    def _deliver(self, origin: str) -> None:
        mail = self._mail.get(origin)
        if mail is None or mail.is_busy or self._closed or not self._peers.is_alive(origin):
            return
        mail.is_busy = True
        self._spawn(self._tell(origin, mail))

    async def _tell(self, origin: str, mail: _Mail) -> None:
        try:
            while mail.handled or mail.again:
                handled, again = (list(islice(some, COPIES_MAX)) for some in (mail.handled, mail.again))
                for copy in again:  # if it is lost, the origin asks
                    del mail.again[copy]
                await self._peers.request(origin, HANDLED, _encode(Report(handled, again)), self._timeout_s)
                for copy in handled:
                    mail.handled.pop(copy, None)
                self._known(handled)
        except CaxtonError:
            return  # `retry` comes back to it
        finally:
            mail.is_busy = False
        if self._mail.get(origin) is mail:
            del self._mail[origin]

    async def _ask(
        self,
        node: str,
        copies: list[bytes],
        answer: Callable[[str, Sequence[bytes], bytes], None],
        *,
        renounce: bool,
    ) -> None:
        try:
            fates = await self._peers.request(
                node, FATES, _encode(Question(copies, renounce)), self._timeout_s
            )
        except CaxtonError:
            return  # it is asked again
        finally:
            self._asking.discard(node)
        answer(node, copies, fates)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work, name=TASK)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        task.add_done_callback(tell_of_bug)
