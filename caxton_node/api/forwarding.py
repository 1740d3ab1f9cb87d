"""Any node answers for the whole cluster: what another node must do is asked of that node over the mesh.

The request travels as the bytes that came in, with who asks and the trace. The mesh has authenticated the
node that passes it on; a node is trusted to have authenticated its caller, and the permission is checked
again here. Errors come back with their code, so that the caller sees what the other node saw.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

from google.protobuf.message import Message

from caxton_node.api.asking import METHOD, TIMEOUT_S, Answer, Forwarded, ask, decode_forwarded, encode
from caxton_node.api.authorising import authorise
from caxton_node.api.call import Call
from caxton_node.api.call_record import REFUSED, keep, record_of_asked
from caxton_node.api.module_passing import let_go_of_upload, lightened
from caxton_node.api.operations import BY_METHOD, Operation, Place
from caxton_node.api.services import Services
from caxton_node.client.errors import describe
from caxton_node.core.errors import CaxtonError, DeadlineExceeded, InvalidArgument, NotFound, Unavailable
from caxton_node.core.ids import Address, full_name

Do = Callable[[Operation, Message, Call], Awaitable[Message]]


class Forwarder:
    """Asks other nodes, and answers when they ask.

    Args:
        services: Cluster and registry of this node.
        do: Runs an operation here.
    """

    def __init__(self, services: Services, do: Do) -> None:
        self._services = services
        self._do = do
        services.cluster.serve(METHOD, self.handle)

    def place_of(self, operation: Operation, request: Any) -> str:  # noqa: ANN401  any request of the table
        """Return the node that must do it.

        Raises:
            NotFound: No node runs the agent, or there is no such node.
            InvalidArgument: Several nodes run the agent and the request does not say which is meant.
            Unavailable: The node is a member but is not alive.
        """
        me = self._services.node_id
        if operation.place is Place.HERE:
            return me
        if request.node:
            return self._check_member(request.node)
        return self._find_agent(full_name(request.name)) if operation.place is Place.AGENT else me

    async def forward(self, node: str, operation: Operation, request: Message, call: Call) -> Message:
        """Let another node do it.

        Raises:
            CaxtonError: What the other node raised, or why it could not be asked.
        """
        timeout_s = call.timeout_s or TIMEOUT_S
        with lightened(self._services.agents.modules, request) as travels:
            answer: Message = await ask(
                self._services.cluster,
                node,
                operation.method,
                travels,
                response=operation.response,
                call=call,
                timeout_s=timeout_s,
            )
        if operation.name in {"DeployAgent", "UpdateAgent"}:
            await let_go_of_upload(self._services.agents.modules, request)
        return answer

    async def handle(self, peer: str, payload: bytes) -> bytes:
        """Do what another node asks and return the answer; never raises a CaxtonError."""
        asked = decode_forwarded(payload)
        try:
            response = await self._handle(peer, asked)
            return encode(Answer(ok=True, body=response.SerializeToString()))
        except CaxtonError as err:
            detail = describe(err, trace_id=asked.trace_id, node=self._services.node_id)
            return encode(Answer(ok=False, body=detail.SerializeToString()))

    async def _handle(self, peer: str, asked: Forwarded) -> Message:
        operation = BY_METHOD.get(asked.method)
        if operation is None or operation.place is Place.HERE or operation.anonymous:
            raise InvalidArgument(
                f"{asked.method} cannot be forwarded to node {self._services.node_id}",
                why="this node does not know it, or it must be asked directly",
                hint="the nodes may run different versions: caxton cluster members -o wide",
            )
        request = operation.request.FromString(asked.request)
        call = Call(asked.read_principal(), asked.trace_id, asked.timeout_s, via=peer)
        code = "CANCELLED"
        try:
            tenants = authorise(self._services.access, operation, request, call.principal)
            response = await self._in_time(operation, request, replace(call, tenants=tenants))
            code = "OK"
        except CaxtonError as err:
            code = err.code
            raise
        finally:
            self._note(operation, request, call, code)
        return response

    async def _in_time(self, operation: Operation, request: Message, call: Call) -> Message:
        """Do it while somebody waits for it.

        Raises:
            DeadlineExceeded: Nobody does any more; what was going on was broken off.
        """
        try:
            async with asyncio.timeout(call.timeout_s):
                return await self._do(operation, request, call)
        except TimeoutError as err:
            raise DeadlineExceeded(
                f"{operation.name} did not end within {call.timeout_s:g} s",
                why="the caller waits no longer, so it was broken off",
                hint="look what became of it, and give it a longer --timeout",
            ) from err

    def _note(self, operation: Operation, request: Message, call: Call, code: str) -> None:
        """Write into this node's audit log, too, what was done or refused here."""
        if operation.audited or code in REFUSED or self._services.config.security.audit_reads:
            keep(self._services, record_of_asked(self._services, operation, request, call, code))

    def _find_agent(self, name: str) -> str:
        nodes = sorted({found.node for found in self._services.registry.instances(name)})
        if not nodes:
            raise NotFound(
                f"no agent {Address(name)}",
                why="no node that is alive has it",
                hint="caxton agent list shows what there is",
            )
        if len(nodes) > 1:
            raise InvalidArgument(
                f"{Address(name)} is on {len(nodes)} nodes",
                why=f"it could be meant on any of {', '.join(nodes)}",
                hint=f"say which one: --node {nodes[0]}",
            )
        return nodes[0]

    def _check_member(self, node: str) -> str:
        cluster = self._services.cluster
        if node == cluster.node_id or cluster.is_alive(node):
            return node
        if any(member.node_id == node for member in cluster.members()):
            raise Unavailable(
                f"node {node} is not alive", hint="caxton cluster members shows which nodes are"
            )
        raise NotFound(f"no node {node}", hint="caxton cluster members shows which nodes there are")
