"""The reference of the management API, from the schemas and their comments."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache

from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

from caxton_node.api.operations import BY_METHOD, PACKAGE
from docs.reference.markdown import note, page, table
from proto.check import urls_of
from proto.descriptors import comments_of, compile_schemas

_LABELS, _TYPES = FieldDescriptorProto.Label, FieldDescriptorProto.Type
MESSAGE, ENUM, SERVICE = 4, 5, 6  # where FileDescriptorProto has them, as a path of comments counts
FIELD, NESTED, NESTED_ENUM, METHOD, VALUE = 2, 3, 4, 2, 2


def protos() -> str:
    """Return the page of the management API."""
    files = schemas().file
    return page(
        "# The management API, message by message",
        note("`proto/caxton/v1/*.proto`"),
        f"Package `{PACKAGE}`. [Operations](operations.md) is the short table; this page is for whoever "
        "writes a client. Each method stands with its URL in the REST API, the permission that it needs, the "
        "class of calls whose limits it counts against, and whether every call of it is in the audit log. A "
        "field of kind *optional* tells whether it was given.",
        *(part for file in files for service in _services(file) for part in service),
        "# Messages",
        *(part for file in files for part in _messages(file)),
    )


@cache
def schemas() -> FileDescriptorSet:
    """Return the schemas, compiled once."""
    return compile_schemas()


def _services(file: FileDescriptorProto) -> Iterator[Iterator[str]]:
    comments = comments_of(file)
    for index, service in enumerate(file.service):
        path = (SERVICE, index)
        rows = [
            _method(service.name, method, comments.get((*path, METHOD, at), ""))
            for at, method in enumerate(service.method)
        ]
        yield iter(
            [
                f"## {service.name}",
                comments.get(path, ""),
                table(["method", "what it does", "REST", "permission", "class", "audited"], rows),
            ]
        )


def _method(service: str, method: MethodDescriptorProto, comment: str) -> list[str]:
    operation = BY_METHOD.get(f"{service}/{method.name}")
    asks, answers = _link(method.input_type), _link(method.output_type)
    asks = f"stream of {asks}" if method.client_streaming else asks
    answers = f"stream of {answers}" if method.server_streaming else answers
    urls = "<br>".join(f"`{url.partition(' (body')[0]}`" for url in sorted(urls_of(method)))
    if operation is None:
        return [f"`{method.name}`", comment, urls, "", "", ""]
    permission = f"`{operation.permission}`" if operation.permission else "none"
    what = f"{comment}<br>{asks} → {answers}"
    return [
        f"`{method.name}`", what, urls, permission, str(operation.rate), "yes" if operation.audited else ""
    ]  # fmt: skip


def _messages(file: FileDescriptorProto) -> Iterator[str]:
    comments = comments_of(file)
    for index, enum in enumerate(file.enum_type):
        yield from _enum(enum.name, enum, (ENUM, index), comments)
    for index, message in enumerate(file.message_type):
        yield from _message(message.name, message, (MESSAGE, index), comments)


def _message(
    name: str, message: DescriptorProto, path: tuple[int, ...], comments: Mapping[tuple[int, ...], str]
) -> Iterator[str]:
    yield f"### {name}"
    yield comments.get(path, "")
    maps = {inner.name: inner for inner in message.nested_type if inner.options.map_entry}
    rows = [
        [f"`{field.name}`", str(field.number), _kind(field, maps), comments.get((*path, FIELD, at), "")]
        for at, field in enumerate(message.field)
    ]
    yield table(["field", "number", "kind", "meaning"], rows) if rows else "It has no fields."
    for at, enum in enumerate(message.enum_type):
        yield from _enum(f"{name}.{enum.name}", enum, (*path, NESTED_ENUM, at), comments)
    for at, inner in enumerate(message.nested_type):
        if not inner.options.map_entry:
            yield from _message(f"{name}.{inner.name}", inner, (*path, NESTED, at), comments)


def _enum(
    name: str, enum: EnumDescriptorProto, path: tuple[int, ...], comments: Mapping[tuple[int, ...], str]
) -> Iterator[str]:
    yield f"### {name}"
    yield comments.get(path, "")
    rows = [
        [f"`{value.name}`", str(value.number), comments.get((*path, VALUE, at), "")]
        for at, value in enumerate(enum.value)
    ]
    yield table(["value", "number", "meaning"], rows)


def _kind(field: FieldDescriptorProto, maps: Mapping[str, DescriptorProto]) -> str:
    entry = maps.get(field.type_name.rpartition(".")[2])
    if entry is not None:
        key, value = entry.field
        return f"map of {_type(key)} to {_type(value)}"
    label = "list of " if field.label == _LABELS.Value("LABEL_REPEATED") else ""
    return f"{'optional ' if field.proto3_optional else ''}{label}{_type(field)}"


def _type(field: FieldDescriptorProto) -> str:
    return (
        _link(field.type_name) if field.type_name else _TYPES.Name(field.type).removeprefix("TYPE_").lower()
    )


def _link(type_name: str) -> str:
    """Return a type's name, as a link to it if it is ours."""
    ours = type_name.removeprefix(f".{PACKAGE}.")
    if ours == type_name:
        return f"`{type_name.lstrip('.')}`"
    return f"[{ours}](#{ours.lower().replace('.', '')})"
