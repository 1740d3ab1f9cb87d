"""One thing shown in full, for people: a head line, and sections of titles and values."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

import click

from caxton_node.cli.output import Output, cell, paint

Lines = Sequence[tuple[str, object]]
_UNITS = ((1024**3, "GiB"), (1024**2, "MiB"), (1024, "KiB"))
VALUE_CHARS_MAX = 1000


def show(output: Output, data: Mapping[str, object], head: str, sections: Mapping[str, Lines]) -> None:
    """Print the data for programs, else the sections; a value that is a list has a line for each element."""
    if output.for_programs:
        output.data(data)
        return
    output.line(head)
    width = max((len(title) for lines in sections.values() for title, _ in lines), default=0)
    for heading, lines in sections.items():
        output.line("")
        if heading:
            output.line(click.style(heading, bold=True))
        for title, value in lines:
            _show_line(output, title.ljust(width), value)


def _show_line(output: Output, title: str, value: object) -> None:
    rows = value if isinstance(value, list) else [value]
    for index, row in enumerate(rows):
        text = cell(row)
        shown = text if len(text) <= VALUE_CHARS_MAX else f"{text[: VALUE_CHARS_MAX - 1]}…"
        output.line(f"  {title if not index else ' ' * len(title)}  {paint(shown)}".rstrip())


def size(count: int) -> str:
    """Write bytes with the unit that suits them: `10 MiB`, `1.5 KiB`, `700 bytes`."""
    for unit, name in _UNITS:
        if count >= unit:
            return f"{count / unit:.3g} {name}" if count < 1000 * unit else f"{count / unit:,.0f} {name}"
    return f"{count} byte{'' if count == 1 else 's'}"


def period(seconds: float) -> str:
    """Write a time with the unit that suits it: `5 s`, `1.5 ms`, `17 µs`."""
    if seconds >= 1 or not seconds:
        return f"{seconds:,.3g} s" if seconds < 1000 else f"{seconds:,.0f} s"
    return f"{seconds * 1000:.3g} ms" if seconds >= 0.001 else f"{seconds * 1e6:.3g} µs"


def moment(unix_ms: int) -> str:
    """Write an instant in the time zone of this machine."""
    return f"{datetime.fromtimestamp(unix_ms / 1000).astimezone():%Y-%m-%d %H:%M:%S %z}"


def instant(unix_us: int, now: datetime | None = None) -> str:
    """Write an instant to the millisecond in the time zone of this machine, of today without the date."""
    found = datetime.fromtimestamp(unix_us / 1e6).astimezone()
    is_today = found.date() == (now or datetime.now().astimezone()).date()
    return f"{found:%H:%M:%S.%f}"[:-3] if is_today else f"{found:%Y-%m-%d %H:%M:%S}"


def listed(names: Sequence[object], empty: str) -> str:
    """Write names in one line, or what none of them means."""
    return ", ".join(map(str, names)) or empty
