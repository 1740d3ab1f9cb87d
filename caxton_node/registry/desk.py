"""Where other nodes come with questions and with news: requests answered, broadcasts read."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from caxton_node.core.clock import Clock
from caxton_node.core.errors import CaxtonError
from caxton_node.observability import get_logger
from caxton_node.registry import answering
from caxton_node.registry.background import TOPIC, Tally
from caxton_node.registry.comparison import Method
from caxton_node.registry.entry import Entry, decode_page
from caxton_node.registry.ports import ClusterPort
from caxton_node.registry.replica import Replica

_log = get_logger("registry")


class Desk:
    """Answers for one replica.

    Args:
        replica: What this node knows.
        clock: Time.
        tally: Counts what cannot be read.
        take: Gets entries that were new here.
        drop: Gets entries that turned out to be deleted long ago.
    """

    def __init__(
        self,
        replica: Replica,
        clock: Clock,
        tally: Tally,
        *,
        take: Callable[[Sequence[Entry]], None],
        drop: Callable[[Sequence[Entry]], None],
    ) -> None:
        self._replica = replica
        self._clock = clock
        self._tally = tally
        self._take = take
        self._drop = drop

    def open(self, cluster: ClusterPort) -> None:
        """Begin to answer."""
        cluster.on_topic(TOPIC, self._handle_broadcast)
        cluster.serve(Method.DIGEST, self._answer_digest)
        cluster.serve(Method.PULL, self._answer_pull)
        cluster.serve(Method.PUSH, self._answer_push)
        cluster.serve(Method.CONTEXT, self._answer_context)
        cluster.serve(Method.FORGET, self._answer_forget)

    async def _answer_digest(self, _peer: str, payload: bytes) -> bytes:
        return answering.answer_digest(self._replica, payload)

    async def _answer_pull(self, _peer: str, payload: bytes) -> bytes:
        return answering.answer_pull(self._replica, payload)

    async def _answer_push(self, _peer: str, payload: bytes) -> bytes:
        changed, answer = answering.answer_push(self._replica, payload, self._clock.unix_us())
        self._take(changed)
        return answer

    async def _answer_context(self, _peer: str, payload: bytes) -> bytes:
        return answering.answer_context(self._replica, payload, self._clock.unix_us())

    async def _answer_forget(self, _peer: str, payload: bytes) -> bytes:
        forgotten = answering.answer_forget(self._replica, payload, self._clock.unix_us())
        self._drop(forgotten.dropped)
        self._take(forgotten.renewed)
        return b""

    def _handle_broadcast(self, origin: str, payload: bytes) -> None:
        try:
            entries = decode_page(payload)
        except CaxtonError as err:
            self._tally.malformed += 1
            _log.warning("a registry broadcast was dropped", origin=origin, reason=str(err))
            return
        self._take(self._replica.merge(entries, self._clock.unix_us()))
