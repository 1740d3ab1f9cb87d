"""All that is no message, and what is said about it: the families and their cases.

A case is bytes, the words that its answer must contain, and the field that it must name. The tables are in
the `malformed_*` modules, one for each door by which messages come in.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

from caxton_node.fipa.message import POSITIONS


@dataclass(frozen=True)
class Case:
    """One thing that must be refused.

    Attributes:
        family: What kind of fault it has.
        name: Which one.
        data: The bytes that come in.
        words: What the answer must say.
        field: Which field it must name; None if there is none to name.
        known: Whether the answer can belong to the conversation of the message.
    """

    family: str
    name: str
    data: bytes
    words: str
    field: str | None = None
    known: bool = True

    @property
    def position(self) -> int | None:
        """Return the position of the field."""
        return None if self.field is None else POSITIONS.index(self.field)


def cases(table: Sequence[Case]) -> pytest.MarkDecorator:
    """Run a test for every case of a table."""
    return pytest.mark.parametrize("case", table, ids=lambda case: f"{case.family}: {case.name}")
