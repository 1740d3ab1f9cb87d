"""Schemas of capabilities: what is one, what takes a sample, and what follows from what."""

from __future__ import annotations

from typing import Any

import pytest

from caxton_node.registry.discovery.schemas import NoSchema, check_schema, is_small, target
from caxton_node.registry.discovery.subschema import accepts
from caxton_node.registry.discovery.validators import accepts_sample

pytestmark = pytest.mark.story("025")

PERSON = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": 20}, "age": {"type": "integer", "minimum": 0}},
    "required": ["name"],
}
EXPONENTIAL = {
    "$ref": "#/$defs/s0",
    "$defs": {f"s{n}": {"allOf": [{"$ref": f"#/$defs/s{n + 1}"}] * 2} for n in range(40)} | {"s40": True},
}
LIST = {"type": "object", "properties": {"next": {"$ref": "#"}}}


@pytest.mark.parametrize(
    "schema", [{}, PERSON, LIST, EXPONENTIAL, {"$schema": "http://json-schema.org/draft-07/schema#"}]
)
def test_a_schema_is_one(schema: dict[str, Any]) -> None:
    check_schema(schema, "it")


@pytest.mark.parametrize(
    ("schema", "why"),
    [
        ({"type": "objct"}, "objct"),
        ({"properties": {"a": {"minLength": -1}}}, "properties/a/minLength"),
        ({"required": "name"}, "name"),
        ({"$ref": "https://example.org/schema"}, "leads out of it"),
        ({"items": {"$ref": "file:///etc/passwd"}}, "leads out of it"),
        ({"$ref": "#/$defs/nothing"}, "leads nowhere"),
        ({"$schema": "https://example.org/dialect"}, "none of drafts"),
    ],
)
def test_what_is_none_is_refused_with_the_place_and_the_reason(schema: dict[str, Any], why: str) -> None:
    with pytest.raises(NoSchema, match="the input of x is no JSON Schema") as caught:
        check_schema(schema, "the input of x")
    assert why in str(caught.value)


def test_references_are_followed_within_the_schema() -> None:
    root = {"$defs": {"a/b": [1, {"type": "null"}]}}
    assert target(root, "#/$defs/a~1b/1") == {"type": "null"}
    assert target(root, "#") is root
    assert [target(root, reference) for reference in ("#x", "#/$defs/a~1b/7", "#/$defs/a~1b/0")] == [None] * 3


def test_a_sample_is_taken_or_not() -> None:
    assert accepts_sample(PERSON, {"name": "Ada"})
    assert not accepts_sample(PERSON, {"age": 3})
    assert accepts_sample({"type": "string", "pattern": "^a+$"}, "aaa")


@pytest.mark.parametrize(
    "schema", [EXPONENTIAL, LIST, {"pattern": "(?=a)b"}, {"pattern": "("}, {"$dynamicRef": "#"}]
)
def test_what_cannot_be_told_with_little_work_is_not_taken(schema: dict[str, Any]) -> None:
    assert not accepts_sample(schema, "b")


def test_a_pattern_runs_in_linear_time() -> None:
    assert not accepts_sample({"type": "string", "pattern": "^(a+)+$"}, "a" * 2_000 + "b")


def test_a_schema_is_small_with_its_references_unfolded() -> None:
    assert is_small(PERSON)
    assert is_small({"$ref": "#/$defs/p", "$defs": {"p": PERSON}})
    assert not is_small(LIST)
    assert not is_small(EXPONENTIAL)


FOLLOWS = [
    ({}, PERSON),
    (PERSON, PERSON),
    (PERSON, {**PERSON, "title": "somebody", "additionalProperties": False}),
    ({"type": "number"}, {"type": "integer"}),
    ({"type": ["string", "null"]}, {"type": "string"}),
    ({"anyOf": [{"type": "string"}, {"type": "null"}]}, {"type": ["null", "string"]}),
    ({"type": "string", "maxLength": 10}, {"enum": ["red", "green"]}),
    ({"type": "string", "minLength": 1}, {"const": "x"}),
    ({"minimum": 0}, {"type": "number", "exclusiveMinimum": 0}),
    ({"exclusiveMinimum": 0}, {"type": "number", "minimum": 1}),
    ({"minimum": 0, "type": ["number", "string"]}, {"type": "string"}),
    ({"properties": {"a": {"type": "number"}}}, {"type": "object", "properties": {"a": {"type": "integer"}}}),
    (
        {"type": "object", "additionalProperties": False, "properties": {"a": True}},
        {"type": "object", "additionalProperties": False, "properties": {"a": {"type": "null"}}},
    ),
    ({"type": "array", "items": {"type": "number"}}, {"type": "array", "items": {"type": "integer"}}),
    (
        {"type": "array", "prefixItems": [{"type": "number"}], "items": {"type": "string"}},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"const": "x"}], "items": False},
    ),
    ({"$ref": "#/$defs/a", "$defs": {"a": {"type": "number"}}}, {"type": "integer"}),
    ({"type": "number"}, {"$ref": "#/$defs/a", "$defs": {"a": {"type": "integer"}}}),
    ({"type": "string"}, {"oneOf": [{"const": "a"}, {"type": "string", "minLength": 3}]}),
    ({"allOf": [{"type": "string"}, {"maxLength": 9}]}, {"type": "string", "maxLength": 5}),
    ({"type": "string", "pattern": "^a"}, {"type": "string", "pattern": "^a", "maxLength": 3}),
]
DOES_NOT = [
    (PERSON, {}),
    (PERSON, {"type": "object", "properties": PERSON["properties"]}),
    ({"type": "integer"}, {"type": "number"}),
    ({"const": 1}, {"const": True}),
    ({"not": {"const": 1}}, {"not": {"const": True}}),
    ({"minimum": 1}, {"type": "number", "exclusiveMinimum": 0}),
    ({"exclusiveMinimum": 0}, {"type": "number", "minimum": 0}),
    (
        {"type": "object", "additionalProperties": False},
        {"type": "object", "properties": {"a": {"type": "null"}}, "additionalProperties": False},
    ),
    ({"type": "object", "additionalProperties": {"type": "string"}}, {"type": "object"}),
    ({"type": "array", "items": {"type": "string"}}, {"type": "array", "prefixItems": [{"type": "string"}]}),
    ({"type": "object", "patternProperties": {"^a": False}}, {"type": "object", "properties": {"ab": True}}),
    ({"$ref": "#"}, {"type": "string"}),
    ({"type": "string", "unheardOf": 1}, {"type": "string"}),
    ({"dependentSchemas": {"a": False}}, {"type": "object"}),
    (
        {"$schema": "http://json-schema.org/draft-04/schema#", "minimum": 0, "exclusiveMinimum": True},
        {"type": "number", "minimum": 0},
    ),
    ({"oneOf": [{"type": "number"}, {"type": "integer"}]}, {"type": "integer"}),
]


@pytest.mark.parametrize(("wide", "narrow"), FOLLOWS)
def test_what_will_be_sent_is_taken(wide: Any, narrow: Any) -> None:
    assert accepts(wide, narrow)


@pytest.mark.parametrize(("wide", "narrow"), DOES_NOT)
def test_what_might_not_be_taken_does_not_follow(wide: Any, narrow: Any) -> None:
    assert not accepts(wide, narrow)


def test_a_question_that_takes_too_many_steps_is_answered_by_no() -> None:
    deep: dict[str, Any] = {"type": "string"}
    for _ in range(9):
        deep = {"anyOf": [deep, {"type": "null", "title": "no"}, deep]}
    assert not accepts(deep, {"type": "integer"})
    rings = {"$ref": "#/$defs/a", "$defs": {"a": {"anyOf": [{"$ref": "#/$defs/a"}] * 8}}}
    assert not accepts(rings, {"type": "integer"})
    assert not accepts({"type": "integer"}, rings)
