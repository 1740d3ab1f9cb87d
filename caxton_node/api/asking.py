"""Operations asked of other nodes over the mesh: of one, or of all that are alive at once.

The request travels as its bytes, with who asks and the trace; `forwarding.py` is who answers. What one node
cannot know alone, where a message is or what became of a conversation, is asked of all: a node that does not
answer in time is named in the answer and does not hide what the others know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, TypeVar

import msgspec
from google.protobuf.message import Message

from caxton_node.api.call import Call
from caxton_node.api.services import ClusterPort
from caxton_node.client.errors import rebuild
from caxton_node.core.errors import CaxtonError
from caxton_node.pb import errors_pb2, tracking_pb2

METHOD = "api"
TIMEOUT_S = 60.0
EACH_TIMEOUT_S = 5.0
AT_ONCE = 64

R = TypeVar("R", bound=Message)


class Forwarded(msgspec.Struct, array_like=True):
    """One operation, asked of another node."""

    method: str
    principal: str
    role: str
    trace_id: str
    request: bytes


class Answer(msgspec.Struct, array_like=True):
    """What came of it: the response, or an ErrorDetail."""

    ok: bool
    body: bytes


encode = msgspec.msgpack.Encoder().encode
decode_forwarded = msgspec.msgpack.Decoder(Forwarded).decode
_decode_answer = msgspec.msgpack.Decoder(Answer).decode


@dataclass(frozen=True, slots=True)
class Answers(Generic[R]):
    """What several nodes said.

    Attributes:
        by_node: Their answers, by node.
        silent: Nodes that are alive and did not answer, with the reason.
    """

    by_node: dict[str, R] = field(default_factory=dict)
    silent: dict[str, str] = field(default_factory=dict)

    def silent_nodes(self) -> list[tracking_pb2.SilentNode]:
        """Return for an answer which nodes are silent, by id."""
        return [
            tracking_pb2.SilentNode(node=node, reason=reason) for node, reason in sorted(self.silent.items())
        ]


async def ask(
    cluster: ClusterPort,
    node: str,
    method: str,
    request: Message,
    *,
    response: type[R],
    call: Call,
    timeout_s: float,
) -> R:
    """Let one other node do it.

    Args:
        cluster: The way to it.
        node: Its id.
        method: `Service/Method`.
        request: As it came in.
        response: Class of the answer.
        call: Who asks; the permission is checked again there.
        timeout_s: How long to wait for the answer.

    Raises:
        CaxtonError: What the other node raised, or why it could not be asked.
    """
    principal = call.principal
    body = request.SerializeToString()
    payload = encode(Forwarded(method, principal.name, principal.roles, call.trace_id, body))
    answer = _decode_answer(await cluster.request(node, METHOD, payload, timeout_s))
    if answer.ok:
        return response.FromString(answer.body)
    raise rebuild(errors_pb2.ErrorDetail.FromString(answer.body))


async def ask_others(
    cluster: ClusterPort, method: str, request_for: Callable[[str], Message], response: type[R], call: Call
) -> Answers[R]:
    """Ask every other node that is alive, some at a time, and wait until each has answered or is late.

    Args:
        cluster: Who is there.
        method: `Service/Method` of an operation that is done by the node in its request.
        request_for: Makes the request to a node; it must name that node, or it would ask all others too.
        response: Class of the answers.
        call: Who asks.
    """
    timeout_s = min(call.timeout_s or EACH_TIMEOUT_S, EACH_TIMEOUT_S)
    answers: Answers[R] = Answers()
    door = asyncio.Semaphore(AT_ONCE)

    async def ask_one(node: str) -> None:
        async with door:
            try:
                request = request_for(node)
                answers.by_node[node] = await ask(
                    cluster, node, method, request, response=response, call=call, timeout_s=timeout_s
                )
            except CaxtonError as err:
                answers.silent[node] = err.what

    async with asyncio.TaskGroup() as group:
        for member in cluster.members():
            if member.is_live and member.node_id != cluster.node_id:
                group.create_task(ask_one(member.node_id))
    return answers


def listed(names: Sequence[str], most: int = 5) -> str:
    """Write names into a sentence, the first few of many."""
    more = f" and {len(names) - most:,} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
