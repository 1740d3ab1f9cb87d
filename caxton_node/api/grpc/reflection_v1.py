"""Server reflection v1: the same messages as v1alpha, under the name that current tools ask for first."""

from __future__ import annotations

from collections.abc import Iterable

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor_pb2 import FileDescriptorProto
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

METHOD = "ServerReflectionInfo"
_OLD, _NEW = "grpc.reflection.v1alpha", "grpc.reflection.v1"
SERVICE_NAME = reflection.SERVICE_NAME.replace(_OLD, _NEW)


def make_handler(names: Iterable[str]) -> grpc.GenericRpcHandler:  # type: ignore[type-arg]  # generic in the stubs only
    """Return what serves it.

    Args:
        names: Full names of the services to show.
    """
    _describe()
    servicer = ReflectionServicer(names)
    handler = grpc.stream_stream_rpc_method_handler(
        servicer.ServerReflectionInfo,
        request_deserializer=reflection_pb2.ServerReflectionRequest.FromString,
        response_serializer=reflection_pb2.ServerReflectionResponse.SerializeToString,
    )
    return grpc.method_handlers_generic_handler(SERVICE_NAME, {METHOD: handler})


def _describe() -> None:
    """Make the v1 schema known too, since tools ask for the schema of each service that is listed."""
    file = FileDescriptorProto()
    reflection_pb2.DESCRIPTOR.CopyToProto(file)
    file.name, file.package = file.name.replace("v1alpha", "v1"), _NEW
    for message in file.message_type:
        for field in (each for each in message.field if each.type_name):
            field.type_name = field.type_name.replace(_OLD, _NEW)
    for method in file.service[0].method:
        method.input_type = method.input_type.replace(_OLD, _NEW)
        method.output_type = method.output_type.replace(_OLD, _NEW)
    descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
