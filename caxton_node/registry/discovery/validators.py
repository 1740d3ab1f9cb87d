"""Holding schemas against samples: validators, made when first needed and kept within a bound.

Some schemas are valid and match no sample here, because to tell would take too much: those that are dear to
compile, whose references go in rings or unfold to more than `UNFOLDED_MAX` parts, and those with a pattern
that looks back or ahead, or grows beyond `REGEX_BYTES_MAX`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NoReturn

import jsonschema_rs
import msgspec

from caxton_node.registry.discovery.pricing import length_units, price_of, sample_units
from caxton_node.registry.discovery.remembered import Remembered
from caxton_node.registry.discovery.schemas import UNFOLDED_MAX, Schema, canonical, unfolded
from caxton_node.registry.discovery.work import SCHEMA_UNITS_MAX, Work

REGEX_BYTES_MAX = 64 * 1024
REGEX_CACHE_BYTES_MAX = 32 * 1024
VALIDATORS_UNITS_MAX = 400_000.0
"""What all validators that are kept took to make: some 80 bytes of memory each, so 32 MB."""

_PATTERNS = jsonschema_rs.RegexOptions(size_limit=REGEX_BYTES_MAX, dfa_size_limit=REGEX_CACHE_BYTES_MAX)
_UNUSABLE = (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError)


@dataclass(frozen=True, slots=True)
class Sample:
    """A value to hold schemas against.

    Attributes:
        value: The value, as JSON decodes.
        size_bytes: Its length as JSON.
    """

    value: object
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Validator:
    """A schema, ready to be held against samples.

    Attributes:
        compiled: What does it; None if nothing can with little work.
        make_units: What it took to make.
        weight: How heavy it is to use, see `pricing.sample_units`.
        parts: How many parts it has.
    """

    compiled: jsonschema_rs.Validator | None
    make_units: float
    weight: float = 0
    parts: float = 0

    def takes(self, sample: Sample, work: Work) -> bool:
        """Tell whether a sample is valid; False also where that takes too much."""
        units = sample_units(sample.size_bytes, weight=self.weight, parts=self.parts)
        if self.compiled is None or units > SCHEMA_UNITS_MAX:
            work.spend(1)
            return False
        work.spend(units)
        try:
            return bool(self.compiled.is_valid(sample.value))
        except (ValueError, TypeError, OverflowError):
            return False


def sample_of(value: object) -> Sample:
    """Return a value as a sample."""
    return Sample(value, len(msgspec.json.encode(value)))


def accepts_sample(schema: Schema, value: object) -> bool:
    """Tell whether a value is valid by a schema; False also where that cannot be told with little work."""
    work = Work()
    return validator_of(canonical(schema), work).takes(sample_of(value), work)


def validator_of(schema_json: bytes, work: Work) -> Validator:
    """Return the validator of a schema, made now if it is not kept.

    Args:
        schema_json: The schema, as `canonical` writes it.
        work: Of the search that asks.
    """
    found = _kept.find(schema_json, work)
    if found is None:
        found = make_validator(schema_json, work)
        _kept.put(schema_json, found, found.make_units, work)
    return found


def make_validator(schema_json: bytes, work: Work) -> Validator:
    """Make the validator of a schema, if that is cheap enough."""
    dear = length_units(len(schema_json))
    if dear > SCHEMA_UNITS_MAX:
        work.spend(1)
        return Validator(None, 1)
    schema = msgspec.json.decode(schema_json)
    price = price_of(schema, len(schema_json))
    if price.make > SCHEMA_UNITS_MAX:
        work.spend(dear)
        return Validator(None, dear)
    work.spend(price.make)
    parts = unfolded(schema)
    compiled = _compile(schema) if parts <= UNFOLDED_MAX else None
    return Validator(compiled, price.make, price.weight * max(1.0, parts / 50), parts)


def _compile(schema: dict[str, Any] | bool) -> jsonschema_rs.Validator | None:
    try:
        return jsonschema_rs.validator_for(schema, retriever=_refuse_to_fetch, pattern_options=_PATTERNS)
    except _UNUSABLE:
        return None


def _refuse_to_fetch(uri: str) -> NoReturn:
    raise ValueError(f"{uri} is not fetched")


_kept: Remembered[bytes, Validator] = Remembered(VALIDATORS_UNITS_MAX)
