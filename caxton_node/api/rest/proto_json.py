"""From messages to the values of proto JSON, as `google.protobuf.json_format` has them, but in order.

The library writes what is set before what is not, so one thing would look different from the next. Here
fields come in the order of the schema. What a message is made of is looked up once for each type, which takes
a third less time: it is the event loop's.
"""

from __future__ import annotations

import math
from base64 import b64encode
from collections.abc import Callable
from functools import cache
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import MessageToDict

from caxton_node.api.rest import descriptors

Write = Callable[[Any], Any]

_F = FieldDescriptor
_WIDE = frozenset({_F.CPPTYPE_INT64, _F.CPPTYPE_UINT64})
_WELL_KNOWN = "google.protobuf."


def to_dict(message: Any) -> dict[str, Any]:  # noqa: ANN401  any message
    """Return a message as the values of proto JSON: names as in the schema, defaults written out."""
    written: dict[str, Any] = _writer(message.DESCRIPTOR)(message)
    return written


@cache
def _writer(message: descriptors.Message) -> Write:
    """Return what writes messages of one type."""
    if message.full_name.startswith(_WELL_KNOWN):
        return MessageToDict
    always = [(field.name, _field_writer(field)) for field in message.fields if not field.has_presence]
    present = {field.name for field in message.fields} - {name for name, _ in always}
    if not present:
        return lambda each: {name: write(getattr(each, name)) for name, write in always}
    plan = [(field.name, _field_writer(field), field.has_presence) for field in message.fields]
    return lambda each: {
        name: write(getattr(each, name))
        for name, write, may_lack in plan
        if not may_lack or each.HasField(name)
    }


def _field_writer(field: descriptors.Field) -> Write:
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        key, value = (_value_writer(field.message_type.fields_by_name[name]) for name in ("key", "value"))
        is_text = field.message_type.fields_by_name["key"].cpp_type == _F.CPPTYPE_STRING
        name_of = key if is_text else (lambda each: str(key(each)).lower())
        return lambda each: {name_of(name): value(each[name]) for name in each}
    one = _value_writer(field)
    if not field.is_repeated:
        return one
    return list if one is _as_it_is else (lambda each: [one(item) for item in each])


def _value_writer(field: descriptors.Field) -> Write:
    if field.message_type is not None:
        kind = field.message_type
        return lambda each: _writer(kind)(each)  # noqa: PLW0108  not before: messages may be within themselves
    if field.enum_type is not None:
        names = {number: value.name for number, value in field.enum_type.values_by_number.items()}
        return lambda each: names.get(each, each)
    if field.type == _F.TYPE_BYTES:
        return lambda each: b64encode(each).decode()
    if field.cpp_type in _WIDE:
        return str
    assert field.type != _F.TYPE_FLOAT, f"{field.full_name} is a float; make it a double"
    return _finite if field.type == _F.TYPE_DOUBLE else _as_it_is


def _as_it_is(value: Any) -> Any:  # noqa: ANN401  any scalar
    return value


def _finite(value: float) -> float | str:
    if math.isfinite(value):
        return value
    return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
