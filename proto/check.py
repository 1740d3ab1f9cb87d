"""Refuse changes of the schemas that break clients of a released version.

    python proto/check.py              compare with the release, `proto/baseline.binpb`
    python proto/check.py --release    make the schemas of now the release

What may come: services, methods, messages, fields and enum values. What was released may not go or change:
a field keeps its number, name (JSON and clients use it), type and label; a method its types, its streams and
its URL. Whatever must break anyhow goes into a package `caxton.v2`.
"""
# ruff: noqa: INP001  proto/ holds schemas; its scripts are not a package

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from google.api import annotations_pb2
from google.protobuf.descriptor_pb2 import (
    DescriptorProto,
    EnumDescriptorProto,
    FieldDescriptorProto,
    FileDescriptorSet,
    MethodDescriptorProto,
)

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from proto.descriptors import compile_schemas  # noqa: E402  found from the root, wherever this was started

BASELINE = HERE / "baseline.binpb"
_TYPES = FieldDescriptorProto.Type
_LABELS = FieldDescriptorProto.Label


def breaks(old: FileDescriptorSet, new: FileDescriptorSet) -> Iterator[str]:
    """Yield what in the new schemas breaks clients of the old ones, one sentence each."""
    yield from _lost("service", services_of(old), services_of(new))
    yield from _lost("message", messages_of(old), messages_of(new))
    yield from _lost("enum", enums_of(old), enums_of(new))
    for name, methods in services_of(old).items():
        yield from _method_breaks(name, methods, services_of(new).get(name, {}))
    for name, message in messages_of(old).items():
        if found := messages_of(new).get(name):
            yield from _field_breaks(name, message, found)
    for name, enum in enums_of(old).items():
        if (now := enums_of(new).get(name)) is not None:
            yield from _value_breaks(name, enum, now)


def _lost(kind: str, old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[str]:
    return (f"{kind} {name} was removed" for name in old if name not in new)


def _method_breaks(
    service: str, old: Mapping[str, MethodDescriptorProto], new: Mapping[str, MethodDescriptorProto]
) -> Iterator[str]:
    for name, before in old.items():
        now = new.get(name)
        if now is None:
            yield f"method {service}.{name} was removed"
            continue
        for part in ("input_type", "output_type", "client_streaming", "server_streaming"):
            if (was := getattr(before, part)) != (is_now := getattr(now, part)):
                yield f"method {service}.{name} changed its {part} from {was} to {is_now}"
        if lost := urls_of(before) - urls_of(now):
            yield f"method {service}.{name} is not at {', '.join(sorted(lost))} any more"


def _field_breaks(message: str, old: DescriptorProto, new: DescriptorProto) -> Iterator[str]:
    now_by_number = {field.number: field for field in new.field}
    reserved = {number for span in new.reserved_range for number in range(span.start, span.end)}
    for field in old.field:
        now = now_by_number.get(field.number)
        name = f"field {message}.{field.name} = {field.number}"
        if now is None:
            kept = "" if field.number in reserved else ", and its number is not reserved"
            yield f"{name} was removed{kept}"
        elif now.name != field.name:
            yield f"{name} is called {now.name} now"
        elif (was := _kind(field)) != (is_now := _kind(now)):
            yield f"{name} changed from {was} to {is_now}"


def _kind(field: FieldDescriptorProto) -> str:
    """Return all of a field that decides how it is written."""
    label = _LABELS.Name(field.label).removeprefix("LABEL_").lower()
    presence = " with presence" if field.proto3_optional else ""
    choice = " in a choice" if field.HasField("oneof_index") and not field.proto3_optional else ""
    return f"{label} {field.type_name or _TYPES.Name(field.type)}{presence}{choice}"


def _value_breaks(enum: str, old: EnumDescriptorProto, new: EnumDescriptorProto) -> Iterator[str]:
    now = {value.number: value.name for value in new.value}
    for value in old.value:
        if value.number not in now:
            yield f"value {enum}.{value.name} = {value.number} was removed"
        elif now[value.number] != value.name:
            yield f"value {enum}.{value.name} = {value.number} is called {now[value.number]} now"


# -- reading a set ------------------------------------------------------------------------------------------


def services_of(schemas: FileDescriptorSet) -> dict[str, dict[str, MethodDescriptorProto]]:
    """Return the methods of each service by name."""
    return {
        service.name: {method.name: method for method in service.method}
        for file in schemas.file
        for service in file.service
    }


def messages_of(schemas: FileDescriptorSet) -> dict[str, DescriptorProto]:
    """Return every message by its name, nested ones behind a dot."""
    return {
        name: found
        for file in schemas.file
        for one in file.message_type
        for name, found in _nested(one.name, one)
    }


def enums_of(schemas: FileDescriptorSet) -> dict[str, EnumDescriptorProto]:
    """Return every enum by its name, nested ones behind a dot."""
    top = {enum.name: enum for file in schemas.file for enum in file.enum_type}
    inner = {
        f"{name}.{enum.name}": enum
        for name, message in messages_of(schemas).items()
        for enum in message.enum_type
    }
    return top | inner


def _nested(name: str, message: DescriptorProto) -> Iterator[tuple[str, DescriptorProto]]:
    yield name, message
    for inner in message.nested_type:
        yield from _nested(f"{name}.{inner.name}", inner)


def urls_of(method: MethodDescriptorProto) -> set[str]:
    """Return where REST has a method: `GET /api/v1/agents`, with what its body is."""
    rule = method.options.Extensions[annotations_pb2.http]
    rules = [rule, *rule.additional_bindings]
    return {
        f"{verb.upper()} {getattr(each, verb)}" + (f" (body {each.body})" if each.body else "")
        for each in rules
        if (verb := each.WhichOneof("pattern")) and verb != "custom"
    }


def main(words: list[str]) -> int:
    """Compare, or move the baseline on; return the exit code."""
    schemas = compile_schemas()
    if words == ["--release"]:
        for file in schemas.file:
            file.ClearField("source_code_info")
        BASELINE.write_bytes(schemas.SerializeToString(deterministic=True))
        print(f"released: {len(services_of(schemas))} services, {len(messages_of(schemas))} messages")  # noqa: T201
        return 0
    found = list(breaks(FileDescriptorSet.FromString(BASELINE.read_bytes()), schemas))
    for sentence in found:
        print(f"breaking: {sentence}")  # noqa: T201  a script that is run by hand says what it found
    if found:
        print("next: undo it, or give what must break a new name; see docs/grpc.md, Versions")  # noqa: T201
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
