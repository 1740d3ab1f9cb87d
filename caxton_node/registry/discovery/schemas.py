"""JSON Schemas of what a capability takes and gives: what is one, and what stands in it.

They come from guests. So a schema names nothing outside itself, and whatever is done with it is bounded by
its size: forty lines of references can otherwise ask for 2^40 steps. A schema whose references go in rings,
or unfold to more than `UNFOLDED_MAX` parts, is valid and found by everything but samples
(`validators.accepts_sample`).

Drafts 4 to 2020-12 as `$schema` says, else 2020-12. `format` is an annotation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

import jsonschema_rs
import msgspec

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.shown import show

REASON_CHARS_MAX = 200
UNFOLDED_MAX = 1000
REFERENCES_DEEP_MAX = 32
_REFERENCES = ("$ref", "$dynamicRef", "$recursiveRef")
_DRAFTS = re.compile(
    r"https?://json-schema\.org/(draft-0[467]/schema#?|draft/(2019-09|2020-12)/schema#?)", re.ASCII
)

Schema = Mapping[str, Any] | bool

_canonical = msgspec.json.Encoder(order="deterministic").encode


class NoSchema(InvalidArgument):
    """What should be a JSON Schema is none."""

    code = "INVALID_SCHEMA"


def canonical(schema: Schema) -> bytes:
    """Return the same bytes for the same schema, whatever the order of its keys.

    Raises:
        NoSchema: JSON cannot say it, for instance because a key is no text.
    """
    try:
        return _canonical(schema)
    except (TypeError, ValueError, RecursionError) as err:
        raise _refuse("a schema", str(err)) from err


def check_schema(schema: Schema, subject: str) -> None:
    """Refuse what is no JSON Schema, or names something outside itself.

    Args:
        schema: As it came; its depth and size have been bounded.
        subject: What it describes, for the error.

    Raises:
        NoSchema: It is none; the error says where and why.
    """
    draft = schema.get("$schema") if isinstance(schema, Mapping) else None
    if draft is not None and not (isinstance(draft, str) and _DRAFTS.fullmatch(draft)):
        raise _refuse(
            subject, f"its $schema {show(str(draft))} is none of drafts 4, 6, 7, 2019-09 and 2020-12"
        )
    try:
        jsonschema_rs.meta.validate(_plain(schema))
    except (jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError, ValueError, TypeError) as err:
        raise _refuse(subject, _words(err)) from err
    for part in parts_of(schema):
        for word in _REFERENCES:
            reference = part.get(word)
            if isinstance(reference, str) and not reference.startswith("#"):
                raise _refuse(subject, f"{word} {show(reference)} leads out of it")
            if (
                isinstance(reference, str)
                and reference.startswith("#/")
                and target(schema, reference) is None
            ):
                raise _refuse(subject, f"{word} {show(reference)} leads nowhere")


def target(root: Schema, reference: str) -> Schema | None:
    """Return what a reference `#` or `#/...` leads to, None if it is none that can be followed."""
    if reference == "#":
        return root
    if not reference.startswith("#/"):
        return None
    found: object = root
    for step in unquote(reference[2:]).split("/"):
        key = step.replace("~1", "/").replace("~0", "~")
        if isinstance(found, Mapping) and key in found:
            found = found[key]
        elif (
            isinstance(found, Sequence)
            and not isinstance(found, str)
            and key.isdigit()
            and int(key) < len(found)
        ):
            found = found[int(key)]
        else:
            return None
    return found if isinstance(found, Mapping | bool) else None


def is_small(schema: Schema) -> bool:
    """Tell whether a schema with all its references unfolded has at most `UNFOLDED_MAX` parts."""
    return unfolded(schema) <= UNFOLDED_MAX


def unfolded(schema: Schema) -> float:
    """Return how many parts a schema has with its references unfolded; infinite where they go in rings."""
    return _unfolded(schema, schema, {}, frozenset())


def _unfolded(part: object, root: Schema, known: dict[str, float], above: frozenset[str]) -> float:
    """Count the parts; infinitely many where a reference leads back to where it came from."""
    if isinstance(part, Mapping):
        if any(word in part for word in _REFERENCES[1:]):
            return float("inf")
        count = 1 + sum(_unfolded(inner, root, known, above) for inner in part.values())
        reference = part.get("$ref")
        return count + _followed(reference, root, known, above) if isinstance(reference, str) else count
    if isinstance(part, Sequence) and not isinstance(part, str):
        return sum(_unfolded(inner, root, known, above) for inner in part)
    return 0


def _followed(reference: str, root: Schema, known: dict[str, float], above: frozenset[str]) -> float:
    if reference in above or len(above) >= REFERENCES_DEEP_MAX:
        return float("inf")
    if reference not in known:
        known[reference] = _unfolded(target(root, reference), root, known, above | {reference})
    return known[reference]


def parts_of(schema: object) -> Iterator[Mapping[str, Any]]:
    """Go through all objects in a schema, in no particular order."""
    waiting: list[object] = [schema]
    while waiting:
        part = waiting.pop()
        if isinstance(part, Mapping):
            yield part
            waiting.extend(part.values())
        elif isinstance(part, Sequence) and not isinstance(part, str):
            waiting.extend(part)


def _plain(schema: Schema) -> dict[str, Any] | bool:
    return dict(schema) if isinstance(schema, Mapping) else schema


def _words(err: Exception) -> str:
    """Say what is wrong with a schema, and where."""
    if not isinstance(err, jsonschema_rs.ValidationError):
        return str(err)
    place = "/".join(str(step) for step in err.instance_path)
    return f"{err.message} (at {place})" if place else err.message


def _refuse(subject: str, why: str) -> NoSchema:
    return NoSchema(
        f"{subject} is no JSON Schema",
        why=show(why, REASON_CHARS_MAX),
        hint="json-schema.org tells what it may say; references begin with #",
    )
