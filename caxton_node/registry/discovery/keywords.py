"""What the keywords of schemas are about: types, drafts, references. Pure.

Here stands what is known of each word; `subschema.py` draws the conclusions.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caxton_node.registry.discovery.schemas import NoSchema, Schema, check_schema, target

TYPES = frozenset({"null", "boolean", "object", "array", "string", "number", "integer"})
SAYS_NOTHING = frozenset(
    {
        "$schema", "$id", "$comment", "$defs", "definitions", "$anchor", "title", "description", "default",
        "examples", "deprecated", "readOnly", "writeOnly", "format", "contentMediaType", "contentEncoding",
        "contentSchema",
    }
)  # fmt: skip
ALONE = frozenset(
    {
        "const", "enum", "pattern", "multipleOf", "uniqueItems", "not", "oneOf", "propertyNames",
        "dependentRequired",
    }
)  # fmt: skip
"""Keywords whose meaning depends on no other: they follow from their equal."""
# What a draft does not know although it stands there, by a part of the draft's name.
_FOREIGN: Mapping[str, frozenset[str]] = {
    "2020-12": frozenset(),
    "2019-09": frozenset({"prefixItems"}),
    "draft-07": frozenset({"prefixItems", "dependentRequired"}),
    "draft-06": frozenset({"prefixItems", "dependentRequired"}),
}
_OF_TYPE: Mapping[str, frozenset[str]] = {
    "number": frozenset(
        {"minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"}
    ),
    "string": frozenset({"minLength", "maxLength", "pattern"}),
    "array": frozenset({"items", "prefixItems", "minItems", "maxItems", "uniqueItems", "contains"}),
    "object": frozenset(
        {"properties", "required", "additionalProperties", "minProperties", "maxProperties", "propertyNames",
         "patternProperties", "dependentRequired", "dependentSchemas"}
    ),
}  # fmt: skip


def types_of(schema: Mapping[str, Any]) -> frozenset[str]:
    """Return the types that a schema may allow; whoever allows numbers allows integers."""
    given = schema.get("type")
    if given is None:
        return TYPES
    types = frozenset([given] if isinstance(given, str) else given)
    return types | {"integer"} if "number" in types else types


def is_moot(word: str, types: frozenset[str]) -> bool:
    """Tell whether a keyword is about a type that will not come."""
    for kind, words in _OF_TYPE.items():
        if word in words:
            return kind not in types and (kind != "number" or "integer" not in types)
    return False


def property_of(schema: Mapping[str, Any], name: str) -> Schema:
    """Return what a schema says of a property, if it is there."""
    given: Schema | None = schema.get("properties", {}).get(name)
    if given is not None:
        return given
    others: Schema = schema.get("additionalProperties", True)
    return True if "patternProperties" in schema else others


def is_modern(*schemas: Mapping[str, Any]) -> bool:
    """Tell whether items mean what they do since 2020-12: before, a list of them was the prefix."""
    return not any(isinstance(schema.get("items"), list) or "additionalItems" in schema for schema in schemas)


def take_reference(schema: Mapping[str, Any], root: Schema) -> tuple[Schema | None, dict[str, Any]]:
    """Return what `$ref` leads to, and what stands beside it."""
    rest = {word: value for word, value in schema.items() if word != "$ref"}
    return target(root, schema["$ref"]), rest


def draft_of(root: Schema) -> str:
    """Return a part of the name of a schema's draft, empty for one without rules here."""
    name = root.get("$schema", "2020-12") if isinstance(root, Mapping) else "2020-12"
    return next((part for part in _FOREIGN if part in name), "")


def is_comparable(root: Schema) -> bool:
    """Tell whether the rules hold for a schema: its draft knows its words, and it is one resource."""
    draft, words = draft_of(root), list(_words(root))
    inner_ids = words.count("$id") - (isinstance(root, Mapping) and "$id" in root)
    return bool(draft) and not inner_ids and _FOREIGN[draft].isdisjoint(words)


def refers(schema: object) -> bool:
    """Tell whether a schema has references."""
    return any(
        word in {"$ref", "$dynamicRef", "$recursiveRef", "$anchor", "$dynamicAnchor"}
        for word in _words(schema)
    )


def _words(part: object) -> Iterator[str]:
    if isinstance(part, Mapping):
        yield from part
        for inner in part.values():
            yield from _words(inner)
    elif isinstance(part, list):
        for inner in part:
            yield from _words(inner)


def is_sound(schema: Schema) -> bool:
    """Tell whether a schema is one: that of another node was checked there, or by nobody."""
    try:
        check_schema(schema, "a schema")
    except NoSchema:
        return False
    return True
