"""Errors on their way out: the gRPC status, and what stands in the trailing metadata.

The way back in is `caxton_node/client/errors.py`.
"""

from __future__ import annotations

from google.protobuf.any_pb2 import Any
from google.rpc import status_pb2

from caxton_node.client.errors import cut, describe
from caxton_node.core.errors import CaxtonError

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
    """Return the google.rpc.Status of an error, with its ErrorDetail inside."""
    packed = Any()
    packed.Pack(describe(error, trace_id=trace_id, node=node))
    status = status_pb2.Status(
        code=STATUS_NUMBERS[error.surface.grpc], message=cut(str(error)), details=[packed]
    )
    data: bytes = status.SerializeToString()
    return data
