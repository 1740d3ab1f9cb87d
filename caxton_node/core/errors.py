"""Every error a user of Caxton can meet, as one drawn tree.

    CaxtonError
    +-- InputError            the caller's fault; nothing was changed
    |   +-- InvalidMessage        INVALID_MESSAGE
    |   +-- InvalidModule         INVALID_WASM
    |   +-- InvalidConfig         INVALID_CONFIG
    |   +-- InvalidArgument       INVALID_ARGUMENT
    |   +-- RequestTooLarge       REQUEST_TOO_LARGE
    +-- StateError            right request, wrong moment; nothing was changed
    |   +-- NotFound              AGENT_NOT_FOUND (kind says what)
    |   +-- AlreadyExists         AGENT_ALREADY_EXISTS
    |   +-- DeploymentFailed      DEPLOYMENT_FAILED
    |   +-- CursorExpired         CURSOR_EXPIRED
    |   +-- ReaderReplaced        READER_REPLACED
    +-- AccessError           who you are does not allow it; nothing was changed
    |   +-- Unauthorized          UNAUTHORIZED
    |   +-- Forbidden             FORBIDDEN
    +-- CapacityError         a bound was reached; try less or later
    |   +-- ResourceLimit         RESOURCE_LIMIT_EXCEEDED
    |   +-- RateLimited           RATE_LIMITED (retry_after_s says when)
    |   +-- SlowReader            SLOW_READER
    +-- RemoteError           another node or agent did not do its part
    |   +-- DeliveryFailed        MESSAGE_DELIVERY_FAILED
    |   +-- DeadlineExceeded      TIMEOUT
    |   +-- Unavailable           UNAVAILABLE
    |       +-- Partitioned       PARTITIONED
    |       +-- Overloaded        OVERLOADED
    +-- LocalError            this node's own surroundings are wrong
        +-- PortInUse             PORT_IN_USE
        +-- CorruptStore          CORRUPT_STORE
        +-- InternalError         INTERNAL_ERROR

A class has a unique `code` and a `Category`; `SURFACES` maps the category to what gRPC, HTTP and a shell say.
Each instance carries three sentences: what happened, why, and what to do next.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from math import ceil
from typing import ClassVar


class Category(StrEnum):
    """Whose move it is, independent of any surface."""

    INVALID = "invalid"
    NOT_FOUND = "not_found"
    GONE = "gone"
    CONFLICT = "conflict"
    UNAUTHENTICATED = "unauthenticated"
    DENIED = "denied"
    EXHAUSTED = "exhausted"
    UNDELIVERED = "undelivered"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    INTERNAL = "internal"


@dataclass(frozen=True, slots=True)
class Surface:
    """How one category looks from outside.

    Attributes:
        grpc: Name of the gRPC status code.
        http: HTTP status.
        exit_code: Exit code of the commands (1 failed, 2 usage, 3 not found, 4 denied, 5 unreachable).
    """

    grpc: str
    http: int
    exit_code: int


SURFACES: dict[Category, Surface] = {
    Category.INVALID: Surface("INVALID_ARGUMENT", 400, 2),
    Category.NOT_FOUND: Surface("NOT_FOUND", 404, 3),
    Category.GONE: Surface("NOT_FOUND", 410, 3),
    Category.CONFLICT: Surface("FAILED_PRECONDITION", 409, 1),
    Category.UNAUTHENTICATED: Surface("UNAUTHENTICATED", 401, 4),
    Category.DENIED: Surface("PERMISSION_DENIED", 403, 4),
    Category.EXHAUSTED: Surface("RESOURCE_EXHAUSTED", 429, 1),
    Category.UNDELIVERED: Surface("ABORTED", 502, 1),
    Category.TIMEOUT: Surface("DEADLINE_EXCEEDED", 504, 1),
    Category.UNAVAILABLE: Surface("UNAVAILABLE", 503, 5),
    Category.INTERNAL: Surface("INTERNAL", 500, 1),
}


class CaxtonError(Exception):
    """Base of every error with a code.

    Args:
        what: What happened, one clause without a full stop.
        why: The cause, if it is known and not obvious from `what`.
        hint: What the reader can do next: a command, a setting, a place to look.

    Attributes:
        request_field: The field of a request that is to blame; empty if none is.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    category: ClassVar[Category] = Category.INTERNAL
    retryable: ClassVar[bool] = False

    def __init__(self, what: str, *, why: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.request_field = ""
        self.what = what
        self.why = why
        self.hint = hint

    def __str__(self) -> str:
        """Join the three sentences for logs; surfaces lay them out themselves."""
        why = f": {self.why}" if self.why else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{self.what}{why}{hint}"

    @property
    def surface(self) -> Surface:
        """Return how this error looks from outside."""
        return SURFACES[self.category]


class InputError(CaxtonError):
    """The caller sent something that cannot be used; nothing was changed."""

    code = "INVALID_INPUT"
    category = Category.INVALID


class InvalidMessage(InputError):
    """An envelope breaks the format, a FIPA rule or a size limit."""

    code = "INVALID_MESSAGE"


class InvalidModule(InputError):
    """A module is not WebAssembly, needs a refused feature, or breaks the ABI."""

    code = "INVALID_WASM"


class InvalidConfig(InputError):
    """A setting is unknown, of the wrong type, or contradicts another."""

    code = "INVALID_CONFIG"


class InvalidArgument(InputError):
    """An argument of a command or request is missing or out of range."""

    code = "INVALID_ARGUMENT"


class RequestTooLarge(InputError):
    """A request is larger than its kind may be; nothing of it was used."""

    code = "REQUEST_TOO_LARGE"


class StateError(CaxtonError):
    """The request is sound but the present state does not allow it; nothing was changed."""

    code = "INVALID_STATE"
    category = Category.CONFLICT


class NotFound(StateError):
    """The named thing is not known to this cluster."""

    code = "AGENT_NOT_FOUND"
    category = Category.NOT_FOUND


class AlreadyExists(StateError):
    """The name is taken."""

    code = "AGENT_ALREADY_EXISTS"


class DeploymentFailed(StateError):
    """An agent could not be brought to Running; what had been started was taken down again."""

    code = "DEPLOYMENT_FAILED"


class CursorExpired(StateError):
    """What comes after this place of a stream is not kept any more; the reader begins anew."""

    code = "CURSOR_EXPIRED"
    category = Category.GONE


class ReaderReplaced(StateError):
    """Another connection of the same caller has taken over the stream; it goes on there."""

    code = "READER_REPLACED"


class AccessError(CaxtonError):
    """The caller's identity does not allow the request; nothing was changed."""

    code = "ACCESS_DENIED"
    category = Category.DENIED


class Unauthorized(AccessError):
    """No valid credential came with the request."""

    code = "UNAUTHORIZED"
    category = Category.UNAUTHENTICATED

    def __init__(self, what: str, *, why: str = "", hint: str = "", reason: str = "unknown") -> None:
        super().__init__(what, why=why, hint=hint)
        self.reason = reason
        """One word for the metrics, of `security.refusal.Reason`; it does not travel."""


class Forbidden(AccessError):
    """The credential is valid but does not grant this operation."""

    code = "FORBIDDEN"


class CapacityError(CaxtonError):
    """A bound was reached; the request was refused whole."""

    code = "CAPACITY"
    category = Category.EXHAUSTED
    retryable = True


class ResourceLimit(CapacityError):
    """A limit of the agent or the node would be exceeded."""

    code = "RESOURCE_LIMIT_EXCEEDED"


class RateLimited(CapacityError):
    """A client has called too often, or all of them together; nothing was done.

    Args:
        what: As of every error.
        why: As of every error.
        hint: As of every error.
        retry_after_s: In how long the next call may come.
    """

    code = "RATE_LIMITED"

    def __init__(self, what: str, *, why: str = "", hint: str = "", retry_after_s: float = 0.0) -> None:
        super().__init__(what, why=why, hint=hint)
        self.retry_after_s = retry_after_s

    @property
    def retry_after(self) -> str:
        """Return it in whole seconds, as the header Retry-After has it: at least one."""
        return str(max(1, ceil(self.retry_after_s)))


class SlowReader(CapacityError):
    """A reader did not take what its stream had for it; the stream is kept a while, so it may resume."""

    code = "SLOW_READER"


class RemoteError(CaxtonError):
    """Another node or agent did not do its part; the message was returned to its sender or dead-lettered."""

    code = "REMOTE"
    category = Category.UNAVAILABLE
    retryable = True


class DeliveryFailed(RemoteError):
    """A message could not be given to any instance of its receiver."""

    code = "MESSAGE_DELIVERY_FAILED"
    category = Category.UNDELIVERED


class DeadlineExceeded(RemoteError):
    """No answer came in time; the work may still be going on."""

    code = "TIMEOUT"
    category = Category.TIMEOUT


class Unavailable(RemoteError):
    """The node is not reachable or is not ready."""

    code = "UNAVAILABLE"


class Partitioned(Unavailable):
    """This side of a split may not change what the cluster shares; nothing was changed."""

    code = "PARTITIONED"


class Overloaded(Unavailable):
    """The node has too much to do for a call of this kind; nothing was done."""

    code = "OVERLOADED"


class LocalError(CaxtonError):
    """This node's own surroundings are wrong; it did not start, or it stopped what it was doing."""

    code = "LOCAL"


class PortInUse(LocalError):
    """Another process holds the address."""

    code = "PORT_IN_USE"


class CorruptStore(LocalError):
    """A database or file fails its integrity check; it was left untouched."""

    code = "CORRUPT_STORE"


class InternalError(LocalError):
    """A bug in Caxton."""

    code = "INTERNAL_ERROR"
