"""What happens to every call, whatever surface it came in by.

    authenticate -> limit -> authorise -> validate -> do it here, or ask the node that must -> count, and
    write the audit log

What changes what the cluster shares is refused where it would be done, if that node is not on the majority's
side of a split and is set to be consistent.

Default deny: an operation without a row in the table does not exist, a role without the permission is
refused, and the only operation without a permission is the one that judges a join token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from time import perf_counter
from typing import Any, cast

from google.protobuf.message import Message

from caxton_node.api.call import Call, Caller
from caxton_node.api.forwarding import Forwarder
from caxton_node.api.operations import Operation, Place, StreamHandler, UnaryHandler
from caxton_node.api.services import Services
from caxton_node.cluster.partitions import OnMinority, check_may_change
from caxton_node.core.errors import AccessError, CaxtonError, InternalError, Partitioned
from caxton_node.core.ids import check_node_id, full_name
from caxton_node.observability.logs import get_logger
from caxton_node.security import NEWCOMER, Principal

SUBJECTS_MAX = 100

_audit = get_logger("audit")
_log = get_logger("api")


class Pipeline:
    """Runs operations.

    Args:
        services: What the handlers work with.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._forwarder = Forwarder(services, self._do)

    async def run(self, operation: Operation, request: Message, caller: Caller) -> Message:
        """Run one operation with one answer.

        Raises:
            CaxtonError: It was refused or failed; a bug arrives as InternalError and is in the log.
        """
        record = _Record(self._services, operation, request, caller)
        try:
            call = await self._admit(operation, caller)
            record.principal = call.principal
            validate(operation, request)
            node = record.node = self._forwarder.place_of(operation, request)
            if node == self._services.node_id:
                response = await self._do(operation, request, call)
            else:
                response = await self._forwarder.forward(node, operation, request, call)
        except CaxtonError as err:
            record.finish(err.code)
            raise
        except asyncio.CancelledError:
            record.finish("CANCELLED")
            raise
        record.finish("OK")
        return response

    async def stream(self, operation: Operation, request: Message, caller: Caller) -> AsyncIterator[Message]:
        """Run one operation whose answers keep coming; it ends when the caller leaves.

        Raises:
            CaxtonError: As `run`.
        """
        record = _Record(self._services, operation, request, caller)
        code = "CANCELLED"  # unless it comes to its end, or to an error
        try:
            call = await self._admit(operation, caller)
            record.principal = call.principal
            if operation.shared:
                self._check_side()
            handler = cast("StreamHandler", operation.handler)
            async for response in handler(self._services, request, call):
                yield response
            code = "OK"
        except CaxtonError as err:
            code = err.code
            raise
        except Exception as err:
            code = InternalError.code
            raise _bug(err, operation, caller.trace_id) from err
        finally:
            record.finish(code)

    async def _admit(self, operation: Operation, caller: Caller) -> Call:
        """Authenticate, limit and authorise."""
        services = self._services
        try:
            principal = await self._authenticate(operation, caller)
            caller.headers.update(services.limits.admit(principal.name, operation.rate))
            if operation.permission is not None:
                services.access.check(principal, operation.permission)
        except AccessError as err:
            services.board.counter("caxton_auth_failures_total", reason=err.code.lower()).add()
            raise
        return Call(principal, caller.trace_id, caller.timeout_s)

    async def _authenticate(self, operation: Operation, caller: Caller) -> Principal:
        if operation.permission is None and caller.credentials.peer is None:
            return NEWCOMER
        return await self._services.identity.authenticate(caller.credentials)

    async def _do(self, operation: Operation, request: Message, call: Call) -> Message:
        if operation.shared:
            self._check_side()
        try:
            return await cast("UnaryHandler", operation.handler)(self._services, request, call)
        except CaxtonError:
            raise
        except Exception as err:
            raise _bug(err, operation, call.trace_id) from err

    def _check_side(self) -> None:
        policy = OnMinority(self._services.config.cluster.on_minority)
        try:
            check_may_change(self._services.cluster.sides.standpoint, policy)
        except Partitioned:
            self._services.board.counter("caxton_cluster_refusals_total").add()
            raise


def validate(operation: Operation, request: Any) -> None:  # noqa: ANN401  any request of the table
    """Check the fields by which a request finds its place.

    Raises:
        InvalidArgument: `node` or `name` cannot be what it should be.
    """
    if operation.place is not Place.HERE and request.node:
        check_node_id(request.node)
    if operation.place is Place.AGENT:
        full_name(request.name)


def subject_of(request: Any) -> str:  # noqa: ANN401  any request of the table
    """Return what a request is about, for the audit log: an agent, node, task or key, or several nodes."""
    names = (getattr(request, field, "") for field in ("name", "node_id", "task_id", "key_id", "target"))
    return next(filter(None, names), ", ".join(getattr(request, "forget", ())[:SUBJECTS_MAX]))


class _Record:
    """What is written down about one call when it ends."""

    def __init__(self, services: Services, operation: Operation, request: Message, caller: Caller) -> None:
        self.principal: Principal | None = None
        self.node = services.node_id
        self._services = services
        self._operation = operation
        self._subject = subject_of(request)
        self._caller = caller
        self._started_at = perf_counter()

    def finish(self, code: str) -> None:
        """Count the call and, if it changes something or was refused, write the audit line."""
        elapsed_s = perf_counter() - self._started_at
        board, method = self._services.board, self._operation.method
        board.counter("caxton_grpc_requests_total", method=method, code=code).add()
        board.histogram("caxton_grpc_request_duration_seconds", method=method).observe(elapsed_s)
        if self._operation.audited or code in {"UNAUTHORIZED", "FORBIDDEN"}:
            _audit.info(
                self._operation.name,
                principal=self.principal.name if self.principal else "",
                role=self.principal.roles if self.principal else "",
                address=self._caller.address,
                subject=self._subject,
                node=self.node,
                outcome=code,
                elapsed_ms=round(elapsed_s * 1000, 1),
                trace_id=self._caller.trace_id,
            )


def _bug(err: Exception, operation: Operation, trace_id: str) -> InternalError:
    _log.exception("a handler failed", operation=operation.name, trace_id=trace_id)
    return InternalError(
        f"{operation.name} met a bug in the node",
        why=f"{type(err).__name__}: {err}",
        hint="find the trace id in the node's log and report it",
    )
