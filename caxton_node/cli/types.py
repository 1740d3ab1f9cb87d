"""Kinds of option values: durations, sizes, settings, content."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

DURATION_S_MAX = 30 * 86_400.0  # in milliseconds it fits the schema's 32 bits
SIZE_BYTES_MAX = 2**50

_DURATION = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)?\Z")
_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, None: 1.0}
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*(B|K|KB|KiB|M|MB|MiB|G|GB|GiB)?\Z", re.IGNORECASE)
_BYTES = {"b": 1, "k": 1024, "m": 1024**2, "g": 1024**3}


class Duration(click.ParamType[float]):
    """Seconds, written as `500ms`, `30s`, `5m`, `2h`, `7d` or a bare number of seconds."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return seconds."""
        if isinstance(value, float):
            return value
        found = _DURATION.match(str(value))
        if not found:
            self.fail(f"{value!r} is not a duration; write for example 500ms, 30s or 5m", param, ctx)
        seconds = float(found[1]) * _SECONDS[found[2]]
        if seconds > DURATION_S_MAX:
            self.fail(f"{value!r} is longer than 30 days", param, ctx)
        return seconds


class Size(click.ParamType[int]):
    """Bytes, written as `65536`, `512KiB`, `10M`; K, M and G count in 1024."""

    name = "size"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return bytes."""
        if isinstance(value, int):
            return value
        found = _SIZE.match(str(value))
        if not found:
            self.fail(f"{value!r} is not a size; write for example 512KiB or 10M", param, ctx)
        size = float(found[1]) * _BYTES[(found[2] or "b")[0].lower()]
        if size > SIZE_BYTES_MAX:
            self.fail(f"{value!r} is more than a pebibyte", param, ctx)
        return int(size)


class Count(click.ParamType[int]):
    """A whole number that is not negative.

    Args:
        largest: What the request can hold.
    """

    name = "number"

    def __init__(self, largest: int = 2**32 - 1) -> None:
        self._largest = largest

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        text = str(value)
        if not (text.isascii() and text.isdigit()) or int(text[:20]) > self._largest:
            self.fail(f"{value!r} is not a number from 0 to {self._largest:,}", param, ctx)
        return int(text)


class KeyValue(click.ParamType[tuple[str, object]]):
    """`key=value`, where the value is JSON, or text if it is not."""

    name = "key=value"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, object]:
        """Return the key and the value."""
        key, equals, text = str(value).partition("=")
        if not (key and equals):
            self.fail(f"{value!r} is not key=value", param, ctx)
        try:
            return key, json.loads(text)
        except ValueError:
            return key, text


def read_content(text: str, option: str = "--content") -> bytes:
    """Return the content that an option means: `@file` a file, `-` standard input, else the text itself.

    Raises:
        click.BadParameter: The file cannot be read.
    """
    if text == "-":
        return sys.stdin.buffer.read()
    if not text.startswith("@"):
        return text.encode()
    try:
        return Path(text[1:]).read_bytes()
    except OSError as err:
        raise click.BadParameter(f"{text[1:]} cannot be read: {err.strerror}", param_hint=option) from err
