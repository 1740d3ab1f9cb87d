"""The schemas as protoc understands them, with their comments: for the check, the reference and the tests."""
# ruff: noqa: INP001  proto/ holds schemas; its scripts are not a package

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import DescriptorProto, FileDescriptorProto, FileDescriptorSet
from grpc_tools import protoc  # type: ignore[import-untyped]  # it ships no types

HERE = Path(__file__).resolve().parent


def compile_schemas(root: Path = HERE) -> FileDescriptorSet:
    """Return the files of package caxton.v1, without what they import.

    Raises:
        RuntimeError: protoc refused a schema; it has printed where and why.
    """
    sources = sorted(str(path.relative_to(root)) for path in root.glob("caxton/v1/*.proto"))
    well_known = files("grpc_tools") / "_proto"
    annotations = Path(annotations_pb2.__file__).parents[2]
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder, "set.binpb")
        roots = [f"-I{each}" for each in (root, well_known, annotations)]
        options = [*roots, "--include_source_info", f"--descriptor_set_out={made}"]
        if protoc.main(["protoc", *options, *sources]) != 0:
            raise RuntimeError("protoc refused a schema")
        return FileDescriptorSet.FromString(made.read_bytes())


def comments_of(file: FileDescriptorProto) -> dict[tuple[int, ...], str]:
    """Return the comments of a file by the path of what they stand at, each in one line."""
    return {
        tuple(place.path): " ".join((place.leading_comments or place.trailing_comments).split())
        for place in file.source_code_info.location
    }


def uncommented(schemas: FileDescriptorSet) -> Iterator[str]:
    """Yield every service, method, message, field and enum that no comment explains."""
    for file in schemas.file:
        comments = comments_of(file)
        for name, path in _named(file):
            if not comments.get(path):
                yield f"{file.name}: {name}"


def _named(file: FileDescriptorProto) -> Iterator[tuple[str, tuple[int, ...]]]:
    for index, service in enumerate(file.service):
        yield service.name, (6, index)
        for at, method in enumerate(service.method):
            yield f"{service.name}.{method.name}", (6, index, 2, at)
    for index, enum in enumerate(file.enum_type):
        yield enum.name, (5, index)
    for index, message in enumerate(file.message_type):
        yield from _of_message(message.name, message, (4, index))


def _of_message(
    name: str, message: DescriptorProto, path: tuple[int, ...]
) -> Iterator[tuple[str, tuple[int, ...]]]:
    yield name, path
    for at, field in enumerate(message.field):
        yield f"{name}.{field.name}", (*path, 2, at)
    for at, enum in enumerate(message.enum_type):
        yield f"{name}.{enum.name}", (*path, 4, at)
    for at, nested in enumerate(message.nested_type):
        if not nested.options.map_entry:
            yield from _of_message(f"{name}.{nested.name}", nested, (*path, 3, at))
