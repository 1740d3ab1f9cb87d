"""Whether everything that one schema allows is allowed by another: what will be sent, against what is taken.

The question cannot be decided for all schemas with bounded work, so the answer is yes or *not known*, never
a wrong yes: each keyword of the wide schema must follow from the narrow one by a rule below, and a keyword
without a rule follows only from its equal. That covers what schemas of messages are made of: types,
properties, items, bounds, enums, alternatives, and references within the schema. Each answer takes at most
`work.SCHEMA_UNITS_MAX`. Drafts before 6 are compared by equality only; where a keyword means something else
in a draft, a schema that has it is too.

The rejected alternative, to compile both to automata, is complete and has no bound.

Source: JSON Schema 2020-12, core and validation; Habib et al., "Finding data compatibility bugs with JSON
subschema checking" (2021), for the rules.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from caxton_node.registry.discovery.keywords import (
    ALONE,
    SAYS_NOTHING,
    draft_of,
    is_comparable,
    is_modern,
    is_moot,
    is_sound,
    property_of,
    refers,
    take_reference,
    types_of,
)
from caxton_node.registry.discovery.pricing import length_units
from caxton_node.registry.discovery.ranges import RANGES
from caxton_node.registry.discovery.remembered import Remembered
from caxton_node.registry.discovery.schemas import Schema, canonical
from caxton_node.registry.discovery.validators import make_validator, sample_of
from caxton_node.registry.discovery.work import SCHEMA_UNITS_MAX, Work

_encode = msgspec.json.Encoder(order="deterministic").encode

DEPTH_MAX = 40
UNITS_PER_STEP = 6
WORDS_PER_UNIT = 8
"""Of a list of names that a step goes through."""
BYTES_WALKED_PER_UNIT = 10
BYTES_READ_PER_UNIT = 100
ANSWERS_BYTES_MAX = 4 * 1024 * 1024
ENTRY_BYTES = 200


class Narrow:
    """What will be sent, read once for all schemas that it is held against.

    Attributes:
        schema: The schema.
        text: The same, as `canonical` writes it.
        is_comparable: The rules hold for it.
        refers: It has references.
    """

    __slots__ = ("is_comparable", "refers", "schema", "text")

    def __init__(self, text: bytes) -> None:
        self.text = text
        self.schema: Schema = msgspec.json.decode(text)
        self.is_comparable = is_comparable(self.schema)
        self.refers = refers(self.schema)


def narrow_of(schema: Schema) -> Narrow:
    """Read what will be sent."""
    return Narrow(canonical(schema))


def accepts(wide: Schema, narrow: Schema) -> bool:
    """Tell whether every value that is valid by `narrow` is known to be valid by `wide`."""
    return takes_all(canonical(wide), narrow_of(narrow), Work())


def takes_all(wide_json: bytes, narrow: Narrow, work: Work) -> bool:
    """Tell the same of a schema as `canonical` writes it; answers are remembered.

    Args:
        wide_json: What is taken.
        narrow: What will be sent.
        work: Of the search that asks.
    """
    if wide_json == narrow.text:
        return True
    key = (wide_json, narrow.text)
    answer = _answers.find(key, work)
    if answer is None:
        answer = _compare(wide_json, narrow, work)
        _answers.put(key, answer, ENTRY_BYTES + len(wide_json) + len(narrow.text), work)
    return answer


def _compare(wide_json: bytes, narrow: Narrow, work: Work) -> bool:
    if not narrow.is_comparable or length_units(len(wide_json)) > SCHEMA_UNITS_MAX:
        work.spend(1)
        return False
    work.spend(5 + len(wide_json) / BYTES_READ_PER_UNIT)
    wide = msgspec.json.decode(wide_json)
    if not _is_usable(wide_json, wide, work):
        return False
    comparison = _Comparison(wide, narrow)
    answer = comparison.follows(wide, narrow.schema)
    work.spend(comparison.units)
    return answer


def _is_usable(wide_json: bytes, wide: Schema, work: Work) -> bool:
    """Tell whether a schema is one, and the rules hold for it; answers are remembered."""
    usable = _usable.find(wide_json, work)
    if usable is None:
        work.spend(length_units(len(wide_json)) * 1.5)
        usable = is_sound(wide) and is_comparable(wide)
        _usable.put(wide_json, usable, ENTRY_BYTES + len(wide_json), work)
    return usable


_answers: Remembered[tuple[bytes, bytes], bool] = Remembered(ANSWERS_BYTES_MAX)
_usable: Remembered[bytes, bool] = Remembered(ANSWERS_BYTES_MAX)


class _Comparison:
    """One question: its two roots, and how much it may still take."""

    def __init__(self, wide: Schema, narrow: Narrow) -> None:
        self._wide, self._narrow = wide, narrow.schema
        self._work = Work(SCHEMA_UNITS_MAX)
        self._depth = 0
        # The same words mean different things where references lead to different roots.
        self._no_references = not (narrow.refers or refers(wide))

    @property
    def units(self) -> float:
        """Return what has been spent so far."""
        return SCHEMA_UNITS_MAX - self._work.left

    def follows(self, wide: Schema, narrow: Schema) -> bool:
        """Tell whether `wide` follows from `narrow`."""
        self._work.spend(UNITS_PER_STEP)
        if self._work.is_done or self._depth >= DEPTH_MAX:
            return False
        self._depth += 1
        try:
            return self._compare(wide, narrow)
        finally:
            self._depth -= 1

    def _compare(self, wide: Schema, narrow: Schema) -> bool:
        if wide is True or wide == {} or narrow is False:
            return True
        if wide is False or not isinstance(wide, Mapping):
            return False
        if narrow is True or not isinstance(narrow, Mapping):
            return self._all_follow(wide, {})
        if self._is_same(wide, narrow):
            return True
        return self._unfold(wide, narrow)

    def _is_same(self, wide: object, narrow: object) -> bool:
        """Tell whether two parts mean the same because they are; 1 and true are equal only to Python."""
        return self._no_references and wide == narrow and _encode(wide) == _encode(narrow)

    def _unfold(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """Take alternatives and references of the narrow one apart, then compare keyword by keyword."""
        if "$ref" in narrow:
            referred, rest = take_reference(narrow, self._narrow)
            if referred is not None and self.follows(wide, referred):
                return True
            return draft_of(self._narrow) in {"2019-09", "2020-12"} and self.follows(wide, rest)
        if isinstance(types := narrow.get("type"), list) and len(types) > 1:
            self._work.spend(len(narrow) * len(types) / WORDS_PER_UNIT)
            return all(self.follows(wide, {**narrow, "type": each}) for each in types)
        if "const" in narrow or "enum" in narrow:
            values = [narrow["const"]] if "const" in narrow else narrow["enum"]
            if self._all_are_taken(wide, values):
                return True
        if self._all_follow(wide, narrow):
            return True
        for word in ("anyOf", "oneOf"):
            if word in narrow and all(self.follows(wide, each) for each in narrow[word]):
                return True
        return any(self.follows(wide, each) for each in narrow.get("allOf", ()))

    def _all_are_taken(self, wide: Mapping[str, Any], values: Sequence[object]) -> bool:
        draft = (
            {"$schema": self._wide["$schema"]}
            if isinstance(self._wide, Mapping) and "$schema" in self._wide
            else {}
        )
        part_json = canonical({**wide, **draft})
        self._work.spend(len(part_json) / BYTES_WALKED_PER_UNIT)
        if self._work.is_done or refers(wide):  # a part with references means nothing without its root
            return False
        validator = make_validator(part_json, self._work)
        return all(not self._work.is_done and validator.takes(sample_of(v), self._work) for v in values)

    def _all_follow(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        if "$ref" in wide:
            referred, rest = take_reference(wide, self._wide)
            return referred is not None and self.follows(referred, narrow) and self.follows(rest, narrow)
        types = types_of(narrow)
        return all(self._follows_keyword(word, wide, narrow, types) for word in wide)

    def _follows_keyword(
        self, word: str, wide: Mapping[str, Any], narrow: Mapping[str, Any], types: frozenset[str]
    ) -> bool:
        if word in SAYS_NOTHING or is_moot(word, types):
            return True
        if word in ALONE and word in narrow and self._is_same(wide[word], narrow[word]):
            return True
        if word in RANGES:
            return RANGES[word](wide, narrow)
        rule = _RULES.get(word)
        return rule is not None and rule(self, wide, narrow)

    # -- one rule for each keyword --------------------------------------------------------------------------

    def type(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """Only types that are taken may come."""
        return types_of(narrow) <= types_of(wide)

    def all_of(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """Each follows."""
        return all(self.follows(each, narrow) for each in wide["allOf"])

    def any_of(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """One follows; a narrow one with alternatives has been taken apart before or is after."""
        return any(self.follows(each, narrow) for each in wide["anyOf"])

    def required(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """What must be there will be there."""
        self._work.spend((len(wide["required"]) + len(narrow.get("required", ()))) / WORDS_PER_UNIT)
        return set(wide["required"]) <= set(narrow.get("required", ()))

    def properties(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """Each property that may come is as it must be."""
        return all(self.follows(each, property_of(narrow, name)) for name, each in wide["properties"].items())

    def additional(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """Properties that the wide one does not name are as its additional ones must be."""
        if "patternProperties" in wide:
            return False
        allowed, named = wide["additionalProperties"], wide.get("properties", {})
        self._work.spend(len(narrow.get("properties", ())) / WORDS_PER_UNIT)
        others = [each for name, each in narrow.get("properties", {}).items() if name not in named]
        others += narrow.get("patternProperties", {}).values()
        others.append(narrow.get("additionalProperties", True))
        return all(self.follows(allowed, each) for each in others)

    def items(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """Each item beyond the wide one's prefix is as its items must be."""
        if not is_modern(wide, narrow):
            return False
        beyond = narrow.get("prefixItems", [])[len(wide.get("prefixItems", [])) :]
        return all(self.follows(wide["items"], each) for each in [*beyond, narrow.get("items", True)])

    def prefix_items(self, wide: Mapping[str, Any], narrow: Mapping[str, Any]) -> bool:
        """Each item of the wide one's prefix is as it must be there."""
        if not is_modern(wide, narrow):
            return False
        given, rest = narrow.get("prefixItems", []), narrow.get("items", True)
        return all(
            self.follows(each, given[index] if index < len(given) else rest)
            for index, each in enumerate(wide["prefixItems"])
        )


_Rule = Callable[[_Comparison, Mapping[str, Any], Mapping[str, Any]], bool]
_RULES: Mapping[str, _Rule] = {
    "type": _Comparison.type,
    "allOf": _Comparison.all_of,
    "anyOf": _Comparison.any_of,
    "required": _Comparison.required,
    "properties": _Comparison.properties,
    "additionalProperties": _Comparison.additional,
    "items": _Comparison.items,
    "prefixItems": _Comparison.prefix_items,
}
