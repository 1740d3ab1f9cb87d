"""Errors on their way out: the gRPC status, and what stands in the trailing metadata.

The way back in is `caxton_node/client/errors.py`.
"""

from __future__ import annotations

from collections.abc import Iterator

from google.protobuf.any_pb2 import Any
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from caxton_node.client.errors import cut, describe
from caxton_node.core.errors import CaxtonError, RateLimited, Unavailable
from caxton_node.pb.errors_pb2 import ErrorDetail

DOMAIN = "caxton.v1"

# Numbers of gRPC's status codes, which google.rpc.Status carries too.
STATUS_NUMBERS = {
    "INVALID_ARGUMENT": 3,
    "DEADLINE_EXCEEDED": 4,
    "NOT_FOUND": 5,
    "PERMISSION_DENIED": 7,
    "RESOURCE_EXHAUSTED": 8,
    "FAILED_PRECONDITION": 9,
    "ABORTED": 10,
    "INTERNAL": 13,
    "UNAVAILABLE": 14,
    "UNAUTHENTICATED": 16,
}


def status_bytes(error: CaxtonError, *, trace_id: str, node: str) -> bytes:
    """Return the google.rpc.Status of an error: our ErrorDetail, and what any client understands."""
    detail = describe(error, trace_id=trace_id, node=node)
    messages = [detail, _info(detail), *_retry(error), *_violation(error)]
    status = status_pb2.Status(
        code=STATUS_NUMBERS[error.surface.grpc], message=cut(str(error)), details=map(_pack, messages)
    )
    data: bytes = status.SerializeToString()
    return data


def _info(detail: ErrorDetail) -> Message:
    """Name the error; the sentences stand in our own detail, since trailing metadata are short."""
    facts = {"trace_id": detail.trace_id, **detail.metadata}
    info: Message = error_details_pb2.ErrorInfo(reason=detail.code, domain=DOMAIN, metadata=facts)
    return info


def _retry(error: CaxtonError) -> Iterator[Message]:
    """Say when to come again."""
    if isinstance(error, RateLimited) and error.retry_after_s:
        retry = error_details_pb2.RetryInfo()
        retry.retry_delay.FromMilliseconds(int(error.retry_after_s * 1000) + 1)
        yield retry


def _violation(error: CaxtonError) -> Iterator[Message]:
    """Say which field is to blame."""
    if error.request_field:
        violation = error_details_pb2.BadRequest.FieldViolation(
            field=error.request_field, description=cut(error.what), reason=error.code
        )
        yield error_details_pb2.BadRequest(field_violations=[violation])


def _pack(message: Message) -> Any:
    packed = Any()
    packed.Pack(message)
    return packed


def going_down() -> Unavailable:
    """Return what is said of calls and streams that are under way when the node stops."""
    return Unavailable(
        "the node goes down",
        why="it was told to stop before this was done; it may have begun",
        hint="ask another node, or this one when it is back",
    )
