"""Operations asked of other nodes over the mesh: of one, or of all that are alive at once.

The request travels as its bytes, with who asks and the trace; `forwarding.py` is who answers. What one node
cannot know alone, where a message is or what became of a conversation, is asked of all: a node that does not
answer in time is named in the answer and does not hide what the others know.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Generic, Self, TypeVar

import msgspec
from google.protobuf.message import Message

from caxton_node.api.call import Call
from caxton_node.api.services import ClusterPort
from caxton_node.client.errors import rebuild
from caxton_node.core.errors import CaxtonError, InvalidArgument
from caxton_node.pb import errors_pb2, tracking_pb2
from caxton_node.security.principal import Grant, Kind, Principal, parse_grants

METHOD = "api"
TIMEOUT_S = 60.0
EACH_TIMEOUT_S = 5.0
AT_ONCE = 64

R = TypeVar("R", bound=Message)


class Forwarded(msgspec.Struct, array_like=True):
    """One operation, asked of another node.

    A node of an earlier version ignores what is behind `request`, and sends nothing there.
    """

    method: str
    principal: str
    role: str
    trace_id: str
    request: bytes
    kind: str = Kind.API_KEY.value
    grants: list[tuple[str, str]] | None = None
    timeout_ms: int = 0

    @classmethod
    def write(cls, method: str, request: bytes, call: Call, timeout_s: float) -> Self:
        """Return what travels: who asks as it was found out here, and not what was assigned to its name.

        The time travels along only if the caller said one: then nobody waits for what comes later.
        """
        timeout_ms = 0 if call.timeout_s is None else max(1, round(timeout_s * 1000))
        who = call.principal
        grants = [(grant.role, grant.tenant) for grant in who.grants]
        return cls(method, who.name, who.roles, call.trace_id, request, who.kind.value, grants, timeout_ms)

    @property
    def timeout_s(self) -> float | None:
        """Return how long the caller waits; None if it did not say."""
        return self.timeout_ms / 1000 or None

    def read_principal(self) -> Principal:
        """Return who asks.

        Raises:
            InvalidArgument: There is no such kind.
        """
        if self.grants is None:
            grants = parse_grants(self.role)
        else:
            grants = tuple(Grant(*each) for each in self.grants)
        if self.kind not in set(Kind):
            raise InvalidArgument(
                "the caller is known by a kind of credential that this node does not know",
                hint="the nodes may run different versions: caxton cluster members -o wide",
            )
        return Principal(self.principal, grants, Kind(self.kind))


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
    payload = encode(Forwarded.write(method, request.SerializeToString(), call, timeout_s))
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
