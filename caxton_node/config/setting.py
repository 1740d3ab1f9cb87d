"""One row of the table of settings, and how a field of a section becomes one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, TypeAlias

Value: TypeAlias = str | int | float | bool | Path | None

SYSTEM_DIR = Path("/var/lib/caxton")
KIB = 1024
MIB = 1024 * KIB
GIB = 1024 * MIB


class Kind(StrEnum):
    """How the text of a value is read; `values.py` has one rule for each."""

    TEXT = "text"
    PATH = "path"
    BOOLEAN = "boolean"
    CHOICE = "choice"
    INTEGER = "integer"
    NUMBER = "number"
    DURATION = "duration"
    SIZE = "size"
    PORT = "port"


UNITS = {Kind.DURATION: "s", Kind.SIZE: "bytes"}


@dataclass(frozen=True, slots=True)
class Setting:
    """One row of the table.

    Attributes:
        key: `section.name`.
        kind: How its text is read.
        unit: Unit of the value once read, or empty.
        default: Its value when nobody sets it; None leaves the choice to the package, as `help` says.
        reloadable: A running daemon takes a new value without a restart.
        help: What it does, one sentence.
        choices: The allowed words of a choice.
        minimum: Smallest allowed value, or None.
        maximum: Largest allowed value, or None.
    """

    key: str
    kind: Kind
    unit: str
    default: Value
    reloadable: bool
    help: str
    choices: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None


def setting(
    default: Value,
    kind: Kind,
    help: str,  # noqa: A002 - the table's column is called help
    *,
    choices: Sequence[str] = (),
    minimum: float | None = None,
    maximum: float | None = None,
    reloadable: bool = False,
) -> Any:  # noqa: ANN401 - stands for a field of the annotated type, as dataclasses.field does
    """Return a field of a section, with its row of the table."""
    row = {"kind": kind, "help": help, "choices": tuple(choices), "reloadable": reloadable}
    return field(default=default, metadata=row | {"minimum": minimum, "maximum": maximum})
