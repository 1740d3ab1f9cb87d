"""TCP as far as membership sees it: connections opened over a network that loses segments.

A connection costs two round trips. A lost opening is sent again after 1, 3 and 7 seconds, lost data after
0.2, 0.6, 1.4 ... seconds, as Linux does; so under loss a connection takes long, but what it carries arrives.
"""

from __future__ import annotations

from dataclasses import dataclass

from swim.member import Address
from tests.bench.swim_sim.memberlist.context import Context
from tests.bench.swim_sim.memberlist.messages import Reply, Request, StreamContent, Syn, SynAck
from tests.bench.swim_sim.memberlist.timers import StreamRetry

OPENING_RETRY_S = 1.0
DATA_RETRY_S = 0.2
REPLIES_KEPT = 64


@dataclass(slots=True)
class Connection:
    """One that this member opened.

    Attributes:
        attempt: How often it has sent what is not answered yet.
    """

    address: Address
    content: StreamContent
    gives_up_at: float
    is_open: bool = False
    attempt: int = 0


class Streams:
    """The connections of one member."""

    def __init__(self, context: Context) -> None:
        self._context = context
        self._connections: dict[int, Connection] = {}
        self._replies: dict[tuple[Address, int], StreamContent] = {}
        self._last = 0

    def open(self, address: Address, content: StreamContent, timeout_s: float) -> None:
        """Connect to a member, to exchange `content` for its reply."""
        self._last += 1
        self._connections[self._last] = Connection(address, content, self._context.now + timeout_s)
        self._send(self._last)

    def handle_syn(self, syn: Syn, source: Address) -> None:
        """Accept a connection."""
        self._context.send_segment(source, SynAck(syn.stream))

    def handle_syn_ack(self, accepted: SynAck) -> None:
        """Send what the connection is for."""
        connection = self._connections.get(accepted.stream)
        if connection is not None and not connection.is_open:
            connection.is_open = True
            connection.attempt = 0
            self._send(accepted.stream)

    def find_reply(self, request: Request, source: Address) -> StreamContent | None:
        """Return what was replied to this request before, if its reply was lost."""
        return self._replies.get((source, request.stream))

    def reply(self, request: Request, source: Address, content: StreamContent) -> None:
        """Reply to a request, and remember the reply for as long as it may be asked for again."""
        while len(self._replies) >= REPLIES_KEPT:
            del self._replies[next(iter(self._replies))]
        self._replies[source, request.stream] = content
        self._context.send_segment(source, Reply(request.stream, content))

    def take_reply(self, reply: Reply) -> StreamContent | None:
        """Return what a reply brought, None if the connection is over."""
        return reply.content if self._connections.pop(reply.stream, None) is not None else None

    def handle_retry(self, timer: StreamRetry) -> None:
        """Send again, or give up."""
        connection = self._connections.get(timer.stream)
        if connection is None or timer.attempt != self._step(connection):
            return
        if self._context.now >= connection.gives_up_at:
            del self._connections[timer.stream]
            return
        connection.attempt += 1
        self._send(timer.stream)

    def _send(self, stream: int) -> None:
        connection = self._connections[stream]
        step = Request(stream, connection.content) if connection.is_open else Syn(stream)
        self._context.send_segment(connection.address, step)
        first_s = DATA_RETRY_S if connection.is_open else OPENING_RETRY_S
        left_s = max(0.0, connection.gives_up_at - self._context.now)
        after_s = min(first_s * 2**connection.attempt, left_s)
        self._context.schedule(StreamRetry(stream, self._step(connection)), after_s)

    def _step(self, connection: Connection) -> int:
        """Return a number that changes with everything that makes a timer stale."""
        return 2 * connection.attempt + connection.is_open
