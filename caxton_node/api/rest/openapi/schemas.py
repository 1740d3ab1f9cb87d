"""Messages as JSON schemas: what proto JSON writes, and what is taken of it.

What is taken is closed: a field that nobody knows is an error of the client. What is written is open, since a
newer node may write more.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from caxton_node.api.rest import descriptors
from caxton_node.api.rest.openapi.comments import read_comments

Schema = dict[str, Any]

BASE64 = r"^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$"
STRUCT = "google.protobuf.Struct"
_PREFIX = "#/components/schemas/"
_F = FieldDescriptor

_SCALARS: Mapping[int, Schema] = {
    _F.CPPTYPE_BOOL: {"type": "boolean"},
    _F.CPPTYPE_INT32: {"type": "integer", "format": "int32", "minimum": -(2**31), "maximum": 2**31 - 1},
    _F.CPPTYPE_UINT32: {"type": "integer", "format": "uint32", "minimum": 0, "maximum": 2**32 - 1},
    # Above 2^53 many programs cannot read a number exactly, so proto JSON writes these as strings.
    _F.CPPTYPE_INT64: {
        "type": ["string", "integer"],
        "format": "int64",
        "pattern": r"^-?[0-9]{1,19}$",
        "minimum": -(2**63),
        "maximum": 2**63 - 1,
    },
    _F.CPPTYPE_UINT64: {
        "type": ["string", "integer"],
        "format": "uint64",
        "pattern": r"^[0-9]{1,20}$",
        "minimum": 0,
        "maximum": 2**64 - 1,
    },
    _F.CPPTYPE_DOUBLE: {"type": "number", "format": "double"},
    _F.CPPTYPE_FLOAT: {"type": "number", "format": "float"},
    _F.CPPTYPE_STRING: {"type": "string"},
}


class Schemas:
    """Collects the schemas of messages, each once.

    Attributes:
        components: By name; messages of requests end in `Input`, unless the whole request is one.
    """

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def answer(self, message: descriptors.Message) -> Schema:
        """Return a reference to what an answer is."""
        return self._refer(message, closed=False)

    def request(self, message: descriptors.Message, *, without: Collection[str] = ()) -> Schema:
        """Return what the body of a request is.

        Args:
            message: The request.
            without: Fields that are in the path.
        """
        return self._object(message, closed=True, without=without)

    def field(self, field: descriptors.Field, *, closed: bool) -> Schema:
        """Return what one field is, without what is said about it."""
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            value = self._one(field.message_type.fields_by_name["value"], closed=closed)
            return {"type": "object", "additionalProperties": value}
        one = self._one(field, closed=closed)
        return {"type": "array", "items": one} if field.is_repeated else one

    def described(self, field: descriptors.Field, *, closed: bool) -> Schema:
        """Return what one field is, and what the proto says about it."""
        comment = read_comments().get(field.full_name, "")
        return {**self.field(field, closed=closed), **({"description": comment} if comment else {})}

    def _one(self, field: descriptors.Field, *, closed: bool) -> Schema:
        if field.message_type is not None:
            return self._refer(field.message_type, closed=closed)
        if field.enum_type is not None:
            return self._enumeration(field)
        if field.type == _F.TYPE_BYTES:
            return {"type": "string", "contentEncoding": "base64", "pattern": BASE64}
        return dict(_SCALARS[field.cpp_type])

    def _refer(self, message: descriptors.Message, *, closed: bool) -> Schema:
        if message.full_name == STRUCT:
            return {"type": "object", "additionalProperties": True}
        name = message.name + ("Input" if closed else "")
        if name not in self.components:
            self.components[name] = {}  # so that a message within itself comes to an end
            self.components[name] = self._object(message, closed=closed, without=())
        return {"$ref": _PREFIX + name}

    def _enumeration(self, field: descriptors.Field) -> Schema:
        kind = field.enum_type
        if kind.name not in self.components:
            comments = read_comments()
            told = [(value.name, comments.get(f"{kind.full_name}.{value.name}", "")) for value in kind.values]
            lines = [
                comments.get(kind.full_name, ""),
                *(f"- `{name}`: {text}" for name, text in told if text),
            ]
            self.components[kind.name] = {
                "type": "string",
                "enum": [name for name, _ in told],
                "description": "\n".join(filter(None, lines)),
            }
        return {"$ref": _PREFIX + kind.name}

    def _object(self, message: descriptors.Message, *, closed: bool, without: Collection[str]) -> Schema:
        fields = [field for field in message.fields if field.name not in without]
        schema: Schema = {
            "type": "object",
            "properties": {field.name: self.described(field, closed=closed) for field in fields},
        }
        comment = read_comments().get(message.full_name, "")
        if comment:
            schema["description"] = comment
        if closed:
            schema["additionalProperties"] = False
        elif always := [field.name for field in fields if not field.has_presence]:
            schema["required"] = always
        return schema
