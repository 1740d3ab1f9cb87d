"""Errors that only HTTP knows. Each has the status that it is told with; nothing was changed."""

from __future__ import annotations

from typing import ClassVar

from caxton_node.core.errors import SURFACES, Category, CaxtonError, InputError, RequestTooLarge


class Refusal(InputError):
    """An HTTP request that reaches no operation.

    Attributes:
        status: HTTP status.
        headers: What the answer must say beside its body.
    """

    code = "BAD_REQUEST"
    status: ClassVar[int] = 400

    def __init__(
        self, what: str, *, why: str = "", hint: str = "", headers: dict[str, str] | None = None
    ) -> None:
        super().__init__(what, why=why, hint=hint)
        self.headers = headers or {}


class NoSuchPath(Refusal):
    """Nothing is served there."""

    code = "NO_SUCH_PATH"
    category = Category.NOT_FOUND
    status = 404


class MethodNotAllowed(Refusal):
    """The path is served, with other methods."""

    code = "METHOD_NOT_ALLOWED"
    status = 405


class TooSlow(Refusal):
    """The request did not arrive in time."""

    code = "REQUEST_TIMEOUT"
    status = 408


class StillRunning(Refusal):
    """A request with this idempotency key has not come to its end, as far as is known."""

    code = "IDEMPOTENCY_KEY_IN_USE"
    category = Category.CONFLICT
    status = 409


class PreconditionFailed(Refusal):
    """The object is another than `If-Match` says."""

    code = "PRECONDITION_FAILED"
    category = Category.CONFLICT
    status = 412


class BodyTooLarge(Refusal):
    """The body is larger than this node takes."""

    code = "BODY_TOO_LARGE"
    status = 413


class UriTooLong(Refusal):
    """Path and query are longer than this node takes."""

    code = "URI_TOO_LONG"
    status = 414


class UnsupportedMedia(Refusal):
    """The body is not JSON."""

    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415


class Misdirected(Refusal):
    """The host in the request is not one of this node's."""

    code = "MISDIRECTED"
    status = 421


class KeyReused(Refusal):
    """The idempotency key came with another request before."""

    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422


class HeadersTooLarge(Refusal):
    """The headers are larger than this node takes."""

    code = "HEADERS_TOO_LARGE"
    status = 431


class WrongVersion(Refusal):
    """The request is of another HTTP."""

    code = "HTTP_VERSION_NOT_SUPPORTED"
    status = 505


class ForeignOrigin(Refusal):
    """A page of another origin may not change anything here."""

    code = "FOREIGN_ORIGIN"
    category = Category.DENIED
    status = 403


def status_of(kind: type[CaxtonError]) -> int:
    """Return the HTTP status of a class of errors."""
    if issubclass(kind, RequestTooLarge):
        return BodyTooLarge.status
    return kind.status if issubclass(kind, Refusal) else SURFACES[kind.category].http
