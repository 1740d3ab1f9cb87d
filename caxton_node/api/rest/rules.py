"""Which requests reach an operation, as the `google.api.http` options of the protos say.

A path is made of words and `{field}`s; a field takes one segment, in which `%2F` stands for a slash (an
agent of another tenant is `acme%2Fbot`). One name thus has one path, and `agents/{name}/keys` cannot be
mistaken for an agent called `keys` of a tenant.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache

from google.api import annotations_pb2, http_pb2

from caxton_node.api.operations import OPERATIONS, SERVICES, Operation

VERBS = ("get", "post", "put", "patch", "delete")
WHOLE = "*"
_FIELD = re.compile(r"\{([a-z][a-z0-9_]*)\}")
_WORD = re.compile(r"[a-z0-9][a-z0-9.-]*")


@dataclass(frozen=True, slots=True)
class Rule:
    """One verb and path of an operation.

    Attributes:
        operation: What is run.
        verb: GET, POST, PUT, PATCH or DELETE.
        segments: Words and `{field}`s of the path.
        body: `*` if what the path does not say is in the body; else empty, and it is in the query.
    """

    operation: Operation
    verb: str
    segments: tuple[str, ...]
    body: str

    @property
    def path(self) -> str:
        """Return the path as the proto has it."""
        return "/" + "/".join(self.segments)

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields in the path, in order."""
        return tuple(segment[1:-1] for segment in self.segments if segment[0] == "{")


def rules_of(operation: Operation) -> Iterator[Rule]:
    """Yield the rules of one operation, its principal one first; none if its proto has none.

    Raises:
        ValueError: Its proto has one that cannot be served.
    """
    method = SERVICES[operation.service].methods_by_name[operation.name]
    option = method.GetOptions().Extensions[annotations_pb2.http]
    for binding in (option, *option.additional_bindings):
        if binding.WhichOneof("pattern"):
            yield _read(operation, binding)


@cache
def all_rules() -> tuple[Rule, ...]:
    """Return the rules of the table, in its order."""
    return tuple(rule for operation in OPERATIONS for rule in rules_of(operation))


def collisions(rules: Iterable[Rule]) -> Iterator[tuple[Rule, Rule]]:
    """Yield pairs of rules of which one request could mean both."""
    known: list[Rule] = []
    for rule in rules:
        yield from ((other, rule) for other in known if _overlap(other, rule))
        known.append(rule)


def _read(operation: Operation, binding: http_pb2.HttpRule) -> Rule:
    verb = binding.WhichOneof("pattern")
    where = f"{operation.method}: "
    if verb not in VERBS:
        raise ValueError(f"{where}the verb {verb} is not served")
    segments = tuple(getattr(binding, verb).removeprefix("/").split("/"))
    for segment in segments:
        if not _FIELD.fullmatch(segment) and not _WORD.fullmatch(segment):
            raise ValueError(f"{where}{segment!r} is neither a word nor a field")
    if binding.body not in {"", WHOLE}:
        raise ValueError(f"{where}a body is the whole request or nothing")
    rule = Rule(operation, verb.upper(), segments, binding.body)
    unknown = set(rule.fields) - set(operation.request.DESCRIPTOR.fields_by_name)
    if unknown:
        raise ValueError(f"{where}{', '.join(sorted(unknown))} is no field of its request")
    return rule


def _overlap(one: Rule, other: Rule) -> bool:
    if one.verb != other.verb or len(one.segments) != len(other.segments):
        return False
    pairs = zip(one.segments, other.segments, strict=True)
    return all(a == b or a[0] == "{" or b[0] == "{" for a, b in pairs)
