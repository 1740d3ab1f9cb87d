"""What a query may say of a request, by parameter: `limit`, `filter.reason`, `attributes[key]`."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from caxton_node.api.rest import descriptors
from caxton_node.api.rest.openapi.schemas import STRUCT
from caxton_node.api.rest.rules import Rule


def parameters_of(rule: Rule) -> Iterator[tuple[str, descriptors.Field]]:
    """Yield the parameters of a rule without a body, with the fields that they fill."""
    return _fields_of(rule.operation.request.DESCRIPTOR, rule.fields)


def _fields_of(
    message: descriptors.Message, in_path: Collection[str]
) -> Iterator[tuple[str, descriptors.Field]]:
    """Scalars, lists of them and maps of text; other messages are too much for a query."""
    for field in message.fields:
        if field.name in in_path:
            continue
        if _is_simple(field):
            yield field.name, field
        elif not field.is_repeated and field.message_type.full_name != STRUCT:
            inner = _fields_of(field.message_type, ())
            yield from ((f"{field.name}.{name}", part) for name, part in inner)


def _is_simple(field: descriptors.Field) -> bool:
    if field.message_type is None:
        return True
    if field.message_type.GetOptions().map_entry:
        return field.message_type.fields_by_name["value"].message_type is None
    return False
