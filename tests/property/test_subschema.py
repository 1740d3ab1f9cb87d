"""Compatibility of schemas against a validator: a yes is never wrong."""

from __future__ import annotations

from typing import Any

import jsonschema_rs
import pytest
from hypothesis import event, given, settings
from hypothesis import strategies as st

from caxton_node.registry.discovery.schemas import check_schema
from caxton_node.registry.discovery.subschema import accepts
from caxton_node.registry.discovery.validators import accepts_sample

pytestmark = pytest.mark.story("025")

NAMES = ("a", "b", "c")
SMALL = st.integers(0, 3)
VALUES = st.recursive(
    st.one_of(
        st.none(), st.booleans(), st.integers(-2, 4), st.sampled_from([0.5, 1.0, "", "a", "ab", "abcd"])
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.sampled_from(NAMES), inner, max_size=3)
    ),
    max_leaves=5,
)
TYPES = st.sampled_from(["null", "boolean", "object", "array", "string", "number", "integer"])


def _with(**words: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries({}, optional=words)


def _schemas(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    objects = st.fixed_dictionaries(
        {"type": st.just("object")},
        optional={
            "properties": st.dictionaries(st.sampled_from(NAMES), inner, max_size=3),
            "required": st.lists(st.sampled_from(NAMES), max_size=2, unique=True),
            "additionalProperties": inner,
            "minProperties": SMALL,
            "maxProperties": SMALL,
            "patternProperties": st.dictionaries(st.sampled_from(["^a", "b$"]), inner, max_size=1),
        },
    )
    arrays = st.fixed_dictionaries(
        {"type": st.just("array")},
        optional={
            "items": inner,
            "prefixItems": st.lists(inner, min_size=1, max_size=2),
            "minItems": SMALL,
            "maxItems": SMALL,
            "uniqueItems": st.booleans(),
            "contains": inner,
        },
    )
    mixed = _with(
        type=st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=3, unique=True)),
        anyOf=st.lists(inner, min_size=1, max_size=2),
        allOf=st.lists(inner, min_size=1, max_size=2),
        oneOf=st.lists(inner, min_size=1, max_size=2),
        **{"not": inner},
        properties=st.dictionaries(st.sampled_from(NAMES), inner, max_size=2),
        items=inner,
    )
    return st.one_of(objects, arrays, mixed)


LEAVES = st.one_of(
    st.booleans(),
    _with(
        type=st.one_of(TYPES, st.lists(TYPES, min_size=1, max_size=2, unique=True)),
        minimum=st.integers(-2, 3),
        maximum=st.integers(-2, 3),
        exclusiveMinimum=st.integers(-2, 3),
        exclusiveMaximum=st.integers(-2, 3),
        multipleOf=st.sampled_from([1, 2, 0.5]),
        minLength=SMALL,
        maxLength=SMALL,
        pattern=st.sampled_from(["^a", "b"]),
        title=st.just("t"),
    ),
    st.builds(lambda value: {"const": value}, VALUES),
    st.builds(lambda values: {"enum": values}, st.lists(VALUES, min_size=1, max_size=3)),
    st.sampled_from([{"$ref": "#/$defs/p"}, {"$ref": "#/$defs/p", "minimum": 1}]),
)
PARTS = st.recursive(LEAVES, _schemas, max_leaves=6)
SCHEMAS = st.builds(
    lambda part, p: (
        {"allOf": [part], "$defs": {"p": p}} if isinstance(part, bool) else {**part, "$defs": {"p": p}}
    ),
    PARTS,
    st.recursive(LEAVES.filter(lambda leaf: "$ref" not in str(leaf)), _schemas, max_leaves=3).filter(
        lambda part: "$ref" not in str(part)
    ),
)


CHANGED = st.builds(
    # Schemas that are drawn apart hardly ever follow from one another; those that differ in a word may.
    lambda schema, words, left_out: (
        schema,
        {word: value for word, value in {**schema, **words}.items() if word not in left_out or word in words},
    ),
    SCHEMAS,
    PARTS.filter(lambda part: isinstance(part, dict)),
    st.sets(st.sampled_from(["type", "properties", "items", "minimum", "required", "additionalProperties"])),
)


@settings(max_examples=200, deadline=None)
@given(
    st.one_of(st.tuples(SCHEMAS, SCHEMAS), CHANGED, CHANGED.map(lambda pair: (pair[1], pair[0]))),
    st.lists(VALUES, min_size=12, max_size=12),
)
def test_what_follows_takes_every_value(pair: tuple[Any, Any], values: list[Any]) -> None:
    wide, narrow = pair
    follows = accepts(wide, narrow)
    event(f"follows: {follows}")
    if follows:
        strict, loose = jsonschema_rs.validator_for(wide), jsonschema_rs.validator_for(narrow)
        for value in values:
            assert strict.is_valid(value) or not loose.is_valid(value), (wide, narrow, value)


@settings(max_examples=60, deadline=None)
@given(SCHEMAS, st.data())
def test_a_schema_follows_from_itself_with_one_word_more(schema: Any, data: st.DataObject) -> None:
    assert accepts(schema, schema)
    assert accepts({}, schema)
    narrower = {"type": "object", "properties": {"a": schema}, "required": ["a"]}
    assert accepts({"type": "object", "required": ["a"]}, narrower)
    minimum = data.draw(st.integers(-5, 5))
    assert accepts({"type": "number", "minimum": minimum}, {"type": "integer", "minimum": minimum + 1})
    assert not accepts({"type": "integer", "minimum": minimum + 1}, {"type": "integer", "minimum": minimum})


@settings(max_examples=100, deadline=None)
@given(SCHEMAS, VALUES)
def test_a_sample_is_judged_as_the_validator_judges_it(schema: Any, value: Any) -> None:
    check_schema(schema, "it")
    assert accepts_sample(schema, value) == jsonschema_rs.is_valid(schema, value)
