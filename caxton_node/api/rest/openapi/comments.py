"""What the protos say about each of their parts."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2

FILE = "descriptors.binpb"
_SERVICES, _MESSAGES, _ENUMS = 6, 4, 5  # numbers of fields of FileDescriptorProto, which make up paths
_NESTED = {
    "DescriptorProto": {2: "field", 3: "nested_type", 4: "enum_type"},
    "ServiceDescriptorProto": {2: "method"},
    "EnumDescriptorProto": {2: "value"},
}
_TOP = {_SERVICES: "service", _MESSAGES: "message_type", _ENUMS: "enum_type"}


@cache
def read_comments() -> Mapping[str, str]:
    """Return comments as one line each, by full name: `caxton.v1.Agent.state`; files by their path."""
    described = descriptor_pb2.FileDescriptorSet.FromString(
        files("caxton_node.pb").joinpath(FILE).read_bytes()
    )
    return {name: text for file in described.file for name, text in _of_file(file)}


def _of_file(file: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401  the stubs know no path of this kind
    for location in file.source_code_info.location:
        text = " ".join(location.leading_comments.split())
        if text:
            yield _name(file, list(location.path)), text


def _name(file: Any, path: list[int]) -> str:  # noqa: ANN401
    """Return the full name of the part at a path; the file's own for its head."""
    if len(path) < 2 or path[0] not in _TOP:
        return str(file.name)
    part = getattr(file, _TOP[path[0]])[path[1]]
    names = [file.package, part.name]
    for number, index in zip(path[2::2], path[3::2], strict=False):
        field = _NESTED.get(part.DESCRIPTOR.name, {}).get(number)
        if field is None:
            return str(file.name)
        part = getattr(part, field)[index]
        names.append(part.name)
    return ".".join(names)
