"""What happens to every call, whatever surface it came in by.

    authenticate -> limit -> authorise -> validate -> do it here, or ask the node that must -> count, and
    write the audit log

Whose things a request touches is read from the request alone, before anything is looked up: a refusal is the
same whether the thing exists or not.

What changes what the cluster shares is refused where it would be done, if that node is not on the majority's
side of a split and is set to be consistent.

Default deny: an operation without a row in the table does not exist, a role without the permission is
refused, and the only operation without a permission is the one that judges a join token.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing
from typing import Any, cast

from google.protobuf.message import Message

from caxton_node.api.authorising import authorise, authorise_somewhere
from caxton_node.api.call import Call, Caller
from caxton_node.api.call_record import CallRecord
from caxton_node.api.fields import in_field
from caxton_node.api.forwarding import Forwarder
from caxton_node.api.operations import Operation, Place, UnaryHandler
from caxton_node.api.services import Services
from caxton_node.api.tally import Tally
from caxton_node.api.visitors import visitor_of
from caxton_node.api.watchman import Watchman
from caxton_node.cluster.partitions import OnMinority, check_may_change
from caxton_node.core.clock import Clock
from caxton_node.core.errors import (
    CaxtonError,
    Forbidden,
    InternalError,
    Partitioned,
    RateLimited,
    Unauthorized,
)
from caxton_node.core.ids import check_node_id, full_name
from caxton_node.observability.logs import get_logger
from caxton_node.resilience import check_size
from caxton_node.security import NEWCOMER, Principal

_log = get_logger("api")


class Pipeline:
    """Runs operations.

    Args:
        services: What the handlers work with.
    """

    def __init__(self, services: Services) -> None:
        self._services = services
        self._forwarder = Forwarder(services, self._do)
        self._tally = Tally(services.board)

    async def run(self, operation: Operation, request: Message, caller: Caller) -> Message:
        """Run one operation with one answer.

        Raises:
            CaxtonError: It was refused or failed; a bug arrives as InternalError and is in the log.
        """
        record = CallRecord(self._services, self._tally, operation, request, caller)
        try:
            call = record.call = await self._admit(operation, request, caller, record)
            await caller.before_work()
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
        finally:
            record.visit.leave()  # if it was a bug, nobody has said that it is over
        record.finish("OK")
        return response

    async def stream(self, operation: Operation, request: Message, caller: Caller) -> AsyncIterator[Message]:
        """Run one operation whose answers keep coming; it ends when the caller leaves, or loses the right.

        Raises:
            CaxtonError: As `run`.
        """
        record = CallRecord(self._services, self._tally, operation, request, caller)
        code = "CANCELLED"  # unless it comes to its end, or to an error
        try:
            call = record.call = await self._admit(operation, request, caller, record)
            validate(operation, request)
            if operation.shared:
                self._check_side()
            handler = cast("Callable[..., AsyncGenerator[Message, None]]", operation.handler)
            async with (
                Watchman[Message](lambda: self._look(operation, request, caller, call)) as watchman,
                aclosing(handler(self._services, request, call)) as answers,
            ):
                while (answer := await watchman.next(answers)) is not None:
                    yield answer
            code = "OK"
        except CaxtonError as err:
            code = err.code
            raise
        except Exception as err:
            code = InternalError.code
            raise _bug(err, operation, caller.trace_id) from err
        finally:
            record.finish(code)

    async def admit(self, operation: Operation, caller: Caller, request: Message | None = None) -> Call:
        """Let in a caller who comes back to a stream of this operation, as if it began it now.

        Args:
            operation: What it follows.
            caller: Who it says it is.
            request: With which the stream was begun; None: whatever there is.

        Raises:
            CaxtonError: It was refused, which is counted and audited as any refusal is.
        """
        asked = operation.request() if request is None else request
        record = CallRecord(self._services, self._tally, operation, asked, caller)
        try:
            return await self._admit(operation, asked, caller, record)
        except CaxtonError as err:
            record.finish(err.code)
            raise
        finally:
            record.visit.leave()  # the stream itself is under way, and is counted

    async def identify(
        self, operation: Operation, caller: Caller, request: Message, *, somewhere: bool = False
    ) -> Principal:
        """Return who asks for an operation, before it is run or anything is spent on it.

        Args:
            operation: What is asked for.
            caller: Who it says it is.
            request: As far as it is known.
            somewhere: Refuse also whoever may do it nowhere, whatever the request turns out to be.

        Raises:
            CaxtonError: Nobody that is known, which is counted and audited as any refusal is.
        """
        record = CallRecord(self._services, self._tally, operation, request, caller)
        try:
            principal = record.principal = await self._authenticate(operation, caller)
            if somewhere:
                authorise_somewhere(self._services.access, operation, principal)
        except CaxtonError as err:
            if isinstance(err, Forbidden):
                self._services.board.counter("caxton_auth_failures_total", reason="forbidden").add()
            record.finish(err.code)
            raise
        return principal

    async def _admit(
        self, operation: Operation, request: Message, caller: Caller, record: CallRecord
    ) -> Call:
        """Authenticate, limit and authorise."""
        services = self._services
        try:
            principal = record.principal = await self._authenticate(operation, caller)
            record.visit = services.limits.admit(
                visitor_of(principal, caller),
                operation.rate,
                operation.method,
                streams=operation.streams,
                headers=caller.headers,
            )
            tenants = authorise(services.access, operation, request, principal)
        except Forbidden:  # who is not known is counted by `Identity`, with the reason
            services.board.counter("caxton_auth_failures_total", reason="forbidden").add()
            raise
        caller.on_admitted(principal)
        return Call(principal, caller.trace_id, caller.timeout_s, tenants=tenants)

    async def _authenticate(self, operation: Operation, caller: Caller) -> Principal:
        if operation.anonymous and caller.credentials.peer is None:
            return NEWCOMER
        identity = self._services.identity
        if (known := identity.find_cached(caller.credentials)) is not None:
            return known
        try:
            return await identity.authenticate(caller.credentials)
        except RateLimited as err:  # too many wrong credentials
            caller.headers["Retry-After"] = err.retry_after
            raise

    async def _look(self, operation: Operation, request: Message, caller: Caller, call: Call) -> None:
        """Ask again what was asked when a stream began.

        Raises:
            CaxtonError: The caller may not have it any more.
        """
        check_not_expired(call.principal, self._services.clock)
        principal = await self._services.identity.look_again(caller.credentials)
        if authorise(self._services.access, operation, request, principal) != call.tenants:
            raise Forbidden(
                f"{principal.name} may see other tenants than when the stream began",
                hint="follow it again",
            )

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
        RequestTooLarge: It is larger than one of its class may be.
    """
    check_size(operation.rate, request.ByteSize())
    if operation.place is not Place.HERE and request.node:
        with in_field("node"):
            check_node_id(request.node)
    if operation.place is Place.AGENT:
        with in_field("name"):
            full_name(request.name)


def check_not_expired(principal: Principal, clock: Clock) -> None:
    """Make sure that a credential that was good is not over.

    Raises:
        Unauthorized: It has expired.
    """
    expires_unix_s = principal.expires_unix_s
    if expires_unix_s is not None and clock.unix_us() >= expires_unix_s * 1_000_000:
        raise Unauthorized(
            f"the credential of {principal.name} has expired", hint="connect again with a new one"
        )


def _bug(err: Exception, operation: Operation, trace_id: str) -> InternalError:
    _log.exception("a handler failed", operation=operation.name, trace_id=trace_id)
    return InternalError(
        f"{operation.name} met a bug in the node",
        why=f"{type(err).__name__}: {err}",
        hint="find the trace id in the node's log and report it",
    )
