"""What a node must be to run a replica: `zone=a`, `zone=a|b`, `disk!=slow`, `node!=n3`.

A label that a node does not have is equal to nothing: `zone=a` excludes it, `zone!=a` lets it in. `node` is
the node's own id.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from caxton_node.core.errors import InvalidArgument
from caxton_node.core.ids import SHOWN_CHARS

NODE = "node"
LABEL = re.compile(r"[a-z0-9](?:[a-z0-9._-]{0,30}[a-z0-9])?\Z")
LABELS_BYTES_MAX = 56
"""They travel in every membership record, which has room for 128 bytes of facts altogether."""
VALUES_MAX = 64
TEXT_CHARS_MAX = 1024

_VALUE = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?\Z")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A node that might run replicas.

    Attributes:
        node: Its id.
        labels: What an operator says of it.
    """

    node: str
    labels: Mapping[str, str]

    def label(self, name: str) -> str:
        """Return a label's value, empty if it has none; `node` is the node's id."""
        return self.node if name == NODE else self.labels.get(name, "")


@dataclass(frozen=True, slots=True)
class Constraint:
    """One thing that a node must be, or must not be.

    Attributes:
        label: Name of a label, or `node`.
        values: Any one of these.
        is_not: None of them instead.
    """

    label: str
    values: tuple[str, ...]
    is_not: bool = False

    def __str__(self) -> str:
        """Write it as it is read."""
        return f"{self.label}{'!=' if self.is_not else '='}{'|'.join(self.values)}"

    def admits(self, candidate: Candidate) -> bool:
        """Tell whether a node is what it must be."""
        return (candidate.label(self.label) in self.values) is not self.is_not


def parse_constraint(text: str) -> Constraint:
    """Read `LABEL=VALUE`, `LABEL!=VALUE`, or several values with `|` between them.

    Raises:
        InvalidArgument: It is none.
    """
    label, sign, rest = text.partition("=")
    values = tuple(rest.split("|"))
    is_fit = len(text) <= TEXT_CHARS_MAX and len(values) <= VALUES_MAX and all(map(_VALUE.match, values))
    if not (sign and is_fit and LABEL.match(label.removesuffix("!"))):
        raise InvalidArgument(
            f"{text[:SHOWN_CHARS]!r} is not a constraint",
            why="it is LABEL=VALUE or LABEL!=VALUE, several values with | between them",
            hint="for example zone=a, zone=a|b, node!=n3",
        )
    return Constraint(label.removesuffix("!"), values, is_not=label.endswith("!"))


def parse_labels(text: str) -> dict[str, str]:
    """Read `zone=a,disk=ssd`; empty text has none.

    Raises:
        InvalidArgument: It is not of this form, or too long for a membership record.
    """
    labels: dict[str, str] = {}
    for part in filter(None, (piece.strip() for piece in text.split(","))):
        name, _, value = part.partition("=")
        if not LABEL.match(name) or not _VALUE.match(value) or name == NODE:
            raise InvalidArgument(
                f"{part[:SHOWN_CHARS]!r} is not a label",
                why="it is NAME=VALUE, the name of a-z, 0-9 . _ -, and `node` is taken for the node's id",
                hint="for example node.labels = zone=a,disk=ssd",
            )
        labels[name] = value
    if len(text.encode()) > LABELS_BYTES_MAX:
        raise InvalidArgument(
            f"the labels have {len(text.encode())} bytes",
            why=f"they travel with every mention of this node, so {LABELS_BYTES_MAX} are allowed",
            hint="use short names and values",
        )
    return labels


def first_obstacle(constraints: Iterable[Constraint], candidate: Candidate) -> str:
    """Return the constraint that keeps a node from running it, as text; empty if none does."""
    return next((str(found) for found in constraints if not found.admits(candidate)), "")
