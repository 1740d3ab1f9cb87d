"""How results look: tables for people, JSON and YAML for programs.

A table is plain when it is piped; on a terminal its head is bold and states have their color. It is written
by hand because the usual library costs more start-up time than everything else here.

Much of what is shown was written by agents, so control characters are spelled out: no agent moves the cursor
of an operator or forges a line.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import click

FORMATS: Final = ("table", "wide", "json", "yaml")
COLORS: Mapping[str, str] = {
    "Running": "green",
    "alive": "green",
    "up": "green",
    "ok": "green",
    "ready": "green",
    "passed": "green",
    "Completed": "green",
    "done": "green",
    "handled": "green",
    "queued": "yellow",
    "in hand": "yellow",
    "parked": "yellow",
    "forwarded": "yellow",
    "refused": "red",
    "expired": "red",
    "Draining": "yellow",
    "Loaded": "yellow",
    "suspect": "yellow",
    "Calling": "yellow",
    "Working": "yellow",
    "Partial": "yellow",
    "awarded": "yellow",
    "overdue": "red",
    "Failed": "red",
    "dead": "red",
    "valid": "green",
    "renewal-due": "yellow",
    "not-yet-valid": "yellow",
    "revoked": "red",
    "silent": "yellow",
    "failed": "red",
    "not ready": "red",
    "down": "yellow",
    "Stopped": "bright_black",
    "Cancelled": "bright_black",
    "rejected": "bright_black",
    "replaced": "bright_black",
    "disqualified": "bright_black",
    "skipped": "bright_black",
    "left": "bright_black",
    "majority": "green",
    "minority": "yellow",
    "isolated": "red",
}

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_CONTROL_IN_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f]")

Row = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a table.

    Attributes:
        title: Its head.
        value: What to show of a row.
        wide: Shown only with `-o wide`.
        right: Align to the right (numbers).
    """

    title: str
    value: Callable[[Row], object]
    wide: bool = False
    right: bool = False


def column(title: str, key: str, *, wide: bool = False, right: bool = False) -> Column:
    """Make a column that shows one key of a row."""
    return Column(title, lambda row: row.get(key, ""), wide=wide, right=right)


@dataclass(frozen=True, slots=True)
class Output:
    """Prints results in the format that was asked for.

    Attributes:
        format: One of `FORMATS`.
        color: False never colors; None colors on a terminal.
    """

    format: str = "table"
    color: bool | None = None

    @property
    def for_programs(self) -> bool:
        """Return whether a program reads the result."""
        return self.format in {"json", "yaml"}

    def rows(self, rows: Iterable[Row], columns: Sequence[Column], *, empty: str) -> None:
        """Print a list; `empty` is said on stderr when there is nothing to list."""
        if self.for_programs:
            self.data(list(rows))
            return
        found = list(rows)
        if not found:
            click.echo(empty, err=True, color=self.color)
            return
        shown = [each for each in columns if not each.wide or self.format == "wide"]
        for line in _table([[cell(each.value(row)) for each in shown] for row in found], shown):
            self.line(line)

    def facts(self, data: Row, lines: Sequence[tuple[str, object]]) -> None:
        """Print one thing: its data for programs, else the lines, title and value."""
        if self.for_programs:
            self.data(data)
            return
        width = max((len(title) for title, _ in lines), default=0)
        for title, value in lines:
            text = cell(value)
            self.line(f"{click.style(title.ljust(width), bold=True)}  {_paint(text, text)}")

    def data(self, data: object) -> None:
        """Print JSON or YAML."""
        if self.format == "yaml":
            import yaml

            click.echo(yaml.safe_dump(data, sort_keys=False, allow_unicode=True), nl=False)
        else:
            click.echo(json.dumps(data, indent=2, ensure_ascii=False))

    def event(self, data: object, line: str) -> None:
        """Print one element of a stream: a JSON line, a YAML document, or the line for people."""
        if self.format == "json":
            click.echo(json.dumps(data, ensure_ascii=False))
        elif self.format == "yaml":
            click.echo("---")
            self.data(data)
        else:
            self.line(line)
        sys.stdout.flush()

    def done(self, data: object, line: str) -> None:
        """Say that something was done: the data for programs, one line for people."""
        if self.for_programs:
            self.data(data)
        else:
            self.line(line)

    def line(self, text: str) -> None:
        """Print one line for people."""
        click.echo(text, color=self.color)


def paint(word: str) -> str:
    """Color a word by its meaning; a word without one stays as it is."""
    return _paint(word, word)


def _table(cells: Sequence[Sequence[str]], columns: Sequence[Column]) -> Iterable[str]:
    widths = [max(len(each.title), *(len(row[index]) for row in cells)) for index, each in enumerate(columns)]
    yield click.style(_join([each.title for each in columns], columns, widths).rstrip(), bold=True)
    for row in cells:
        yield _join(row, columns, widths, painted=True).rstrip()


def _join(
    row: Sequence[str], columns: Sequence[Column], widths: Sequence[int], *, painted: bool = False
) -> str:
    parts = []
    for text, each, width in zip(row, columns, widths, strict=True):
        shown, pad = _paint(text, text) if painted else text, " " * (width - len(text))
        parts.append(pad + shown if each.right else shown + pad)
    return "  ".join(parts)


def _paint(word: str, text: str) -> str:
    color = COLORS.get(word)
    return click.style(text, fg=color) if color else text


def visible(text: str) -> str:
    """Spell out control characters, other than tabs and line breaks."""
    return _CONTROL_IN_TEXT.sub(_spell, text)


def cell(value: object) -> str:
    """Return a value as it stands in a table: one line, without control characters."""
    return _CONTROL.sub(_spell, _text(value))


def _spell(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode()


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, float):
        return f"{value:.3g}"
    if isinstance(value, list | tuple):
        return ", ".join(str(item) for item in value)
    return str(value)
