"""Protobuf messages as plain Python values with the names and units of the schema.

The JSON of protobuf itself writes 64-bit integers as strings and enums in capitals with a prefix; people and
jq want `"state": "Running"` and numbers.
"""

from __future__ import annotations

import base64
from typing import Any

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor
from google.protobuf.json_format import MessageToDict
from google.protobuf.message import Message

# Agent states are written with a capital everywhere, member states are not (names of the product).
_CAPITALISED = {"AgentState", "DeploymentPhase", "TaskState"}


def plain(message: Message) -> dict[str, Any]:
    """Return every field of a message; absent messages are left out, absent scalars have their zero value."""
    values: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        if field.is_repeated or not field.has_presence or message.HasField(field.name):
            values[field.name] = _value(field, getattr(message, field.name))
    return values


def enum_word(enum: EnumDescriptor, number: int) -> str:
    """Return the word for an enum value: `Running`, `alive`; an unknown number stays a number."""
    value = enum.values_by_number.get(number)
    if value is None:
        return str(number)
    word = value.name.removeprefix(f"{enum.values_by_number[0].name.removesuffix('UNSPECIFIED')}").lower()
    return word.capitalize() if enum.name in _CAPITALISED else word


def text_of(content: bytes) -> str:
    """Return content as text; bytes that are no text are shown as base64."""
    try:
        return content.decode()
    except UnicodeDecodeError:
        return f"base64:{base64.b64encode(content).decode()}"


def _value(field: Any, value: Any) -> Any:  # noqa: ANN401  the stubs know two classes of descriptors
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return {str(key): item for key, item in sorted(value.items())}
    if field.is_repeated:
        return [_single(field, item) for item in value]
    return _single(field, value)


def _single(field: Any, value: Any) -> Any:  # noqa: ANN401  see _value
    if field.type == FieldDescriptor.TYPE_MESSAGE:
        return _message(value)
    if field.type == FieldDescriptor.TYPE_ENUM:
        return enum_word(field.enum_type, value)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return text_of(value)
    return value


def _message(value: Message) -> Any:  # noqa: ANN401  a Struct becomes whatever JSON it holds
    if value.DESCRIPTOR.file.package == "google.protobuf":
        return _integral(MessageToDict(value))
    return plain(value)


def _integral(value: Any) -> Any:  # noqa: ANN401  see _message
    """Write whole numbers without a point: a Struct knows only doubles."""
    if isinstance(value, dict):
        return {key: _integral(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_integral(item) for item in value]
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value
