"""From path, query and body to the request message, by proto JSON.

What nobody knows is refused with its name: a misspelt field that is ignored would be a setting that silently
does not hold.
"""

from __future__ import annotations

import json
import math
import re
from functools import lru_cache
from typing import Any
from urllib.parse import parse_qsl

import jsonschema_rs
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.json_format import ParseDict, ParseError
from google.protobuf.message import Message

from caxton_node.api.rest import descriptors
from caxton_node.api.rest.openapi.schemas import BASE64, Schemas
from caxton_node.api.rest.parameters import parameters_of
from caxton_node.api.rest.routes import Match
from caxton_node.api.rest.rules import Rule
from caxton_node.core.errors import InvalidArgument

PARAMETERS_MAX = 1000
VALUE_CHARS_MAX = 80
NAME_CHARS_MAX = 200
WHY_CHARS_MAX = 300
_MAP_KEY = re.compile(r"([A-Za-z0-9_.]+)\[([^\[\]]+)\]")
_INTEGER = re.compile(r"-?[0-9]{1,20}")
_NUMBER = re.compile(r"-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,3})?")
_BASE64 = re.compile(BASE64)
_WHERE = re.compile(r' at "[A-Za-z0-9_.\[\]]*"')
_F = FieldDescriptor
_INTEGERS = frozenset({_F.CPPTYPE_INT32, _F.CPPTYPE_INT64, _F.CPPTYPE_UINT32, _F.CPPTYPE_UINT64})
_NUMBERS = frozenset({_F.CPPTYPE_DOUBLE, _F.CPPTYPE_FLOAT})


def bind(match: Match, query: str, body: bytes) -> Message:
    """Return the request message of an operation.

    Args:
        match: The rule, and what the path says.
        query: The query as it came.
        body: The body as it came; JSON, or empty.

    Raises:
        InvalidArgument: A field is unknown, given twice or not of its type; the error names it.
    """
    rule, request = match.rule, match.rule.operation.request
    parameters = _parameters(query)
    if rule.body:
        if parameters:
            raise _unknown_parameter(parameters[0][0], "this operation takes its fields in the body")
        fields = _read_body(body)
        _check_body(rule, fields)
    elif body:
        raise InvalidArgument(
            "this operation takes no body", hint="give its fields in the query, as in /docs"
        )
    else:
        fields = _read_query(rule, parameters)
    for name, text in match.values.items():
        fields[name] = _value(request.DESCRIPTOR.fields_by_name[name], text)
    return _parse(fields, request())


def _parameters(query: str) -> list[tuple[str, str]]:
    if not query:
        return []
    try:
        return parse_qsl(
            query, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=PARAMETERS_MAX
        )
    except ValueError as err:
        raise InvalidArgument(
            "the query cannot be read", why=str(err), hint="write ?name=value&name=value"
        ) from err


def _read_query(rule: Rule, parameters: list[tuple[str, str]]) -> dict[str, Any]:
    known, fields = _known_parameters(rule), dict[str, Any]()
    for name, text in parameters:
        keyed = _MAP_KEY.fullmatch(name)
        path = keyed[1] if keyed else name
        field = known.get(path)
        if field is None or bool(keyed) != (field.message_type is not None):
            raise _unknown_parameter(name, "the path says it" if name in rule.fields else "")
        *above, last = path.split(".")
        holder = fields
        for part in above:
            holder = holder.setdefault(part, {})
        if keyed:
            value = _value(field.message_type.fields_by_name["value"], text)
            _put_once(holder.setdefault(last, {}), keyed[2], value, name)
        elif field.is_repeated:
            holder.setdefault(last, []).append(_value(field, text))
        else:
            _put_once(holder, last, _value(field, text), name)
    return fields


@lru_cache(maxsize=1024)
def _known_parameters(rule: Rule) -> dict[str, descriptors.Field]:
    return dict(parameters_of(rule))


def _put_once(fields: dict[str, Any], key: str, value: Any, name: str) -> None:  # noqa: ANN401  any JSON value
    if key in fields:
        raise InvalidArgument(f"the parameter {name[:VALUE_CHARS_MAX]} is given twice", hint="give it once")
    fields[key] = value


def _value(field: descriptors.Field, text: str) -> Any:  # noqa: ANN401  any JSON value
    """Return a parameter as the JSON value that proto JSON would have."""
    if field.cpp_type == _F.CPPTYPE_BOOL:
        if text not in {"true", "false"}:
            raise _wrong(field, text, "true or false")
        return text == "true"
    if field.cpp_type in _INTEGERS and not _INTEGER.fullmatch(text):
        raise _wrong(field, text, "an integer")
    if field.cpp_type in _NUMBERS and not _NUMBER.fullmatch(text):
        raise _wrong(field, text, "a number")
    if field.enum_type is not None and text not in field.enum_type.values_by_name:
        raise _wrong(field, text, "one of " + ", ".join(field.enum_type.values_by_name))
    if field.type == _F.TYPE_BYTES and not _BASE64.fullmatch(text):
        raise _wrong(field, text, "base64")
    return text


def _read_body(body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    try:
        fields = json.loads(
            body.decode(), object_pairs_hook=_no_repeats, parse_constant=_no_constant, parse_float=_finite
        )
    except UnicodeDecodeError as err:
        raise InvalidArgument("the body is not UTF-8", why=str(err)) from err
    except (ValueError, RecursionError) as err:
        raise InvalidArgument("the body is not JSON", why=str(err), hint="compare it with /docs") from err
    if not isinstance(fields, dict):
        raise InvalidArgument(
            "the body is not a JSON object",
            why=f"it is a {type(fields).__name__}",
            hint='write {"name": value}',
        )
    return fields


def _no_repeats(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) < len(pairs):
        seen: set[str] = set()
        twice = next(name for name, _ in pairs if name in seen or seen.add(name))  # type: ignore[func-returns-value]
        raise ValueError(f"{twice[:VALUE_CHARS_MAX]} is given twice")
    return fields


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _finite(text: str) -> float:
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(f"{text[:VALUE_CHARS_MAX]} is too large a number")
    return value


def _check_body(rule: Rule, fields: dict[str, Any]) -> None:
    """Compare a body with the description of the API; proto JSON itself would take more than that."""
    try:
        error = next(_validator(rule).iter_errors(fields), None)
    except ValueError as err:  # a lone surrogate, or an integer of thousands of digits
        raise InvalidArgument("the body cannot be read", why=str(err)[:WHY_CHARS_MAX]) from err
    if error is None:
        return
    where = ".".join(str(part) for part in error.instance_path)
    raise InvalidArgument(
        f"{where[:NAME_CHARS_MAX] or 'the body'} is not what it should be",
        why=error.message if len(error.message) <= WHY_CHARS_MAX else f"{error.message[:WHY_CHARS_MAX]}…",
        hint="compare it with /docs",
    )


@lru_cache(maxsize=1024)
def _validator(rule: Rule) -> jsonschema_rs.Draft202012Validator:
    schemas = Schemas()
    schema = schemas.request(rule.operation.request.DESCRIPTOR, without=rule.fields)
    return jsonschema_rs.Draft202012Validator(schema | {"components": {"schemas": schemas.components}})


def _parse(fields: dict[str, Any], message: Message) -> Message:
    try:
        return ParseDict(fields, message)
    except ParseError as err:
        raise InvalidArgument(
            "the request cannot be read", why=_why(err), hint="compare it with /docs"
        ) from err
    except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as err:
        raise InvalidArgument(
            "the request cannot be read",
            why=str(err)[:WHY_CHARS_MAX] or "it is nested too deeply",
            hint="compare it with /docs",
        ) from err


def _why(err: ParseError) -> str:
    """Return what proto JSON found, without its list of everything that would have been right."""
    text, _, _ = str(err).partition("\n")
    return _WHERE.sub("", text).replace("caxton.v1.", "").rstrip(". ")[:WHY_CHARS_MAX]


def _unknown_parameter(name: str, why: str = "") -> InvalidArgument:
    return InvalidArgument(
        f"there is no parameter {name[:VALUE_CHARS_MAX]} here", why=why, hint="the parameters are in /docs"
    )


def _wrong(field: descriptors.Field, text: str, wanted: str) -> InvalidArgument:
    return InvalidArgument(f"{field.name} is not {wanted}", why=f"it is {text[:VALUE_CHARS_MAX]!r}")
