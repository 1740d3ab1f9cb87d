"""Kinds of option values: durations, sizes, settings, content."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import click

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
        return float(found[1]) * _SECONDS[found[2]]


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
        return int(float(found[1]) * _BYTES[(found[2] or "b")[0].lower()])


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


def read_content(text: str) -> bytes:
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
        raise click.BadParameter(
            f"{text[1:]} cannot be read: {err.strerror}", param_hint="--content"
        ) from err
