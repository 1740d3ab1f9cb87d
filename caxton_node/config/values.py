"""From the text of a value to the value: one rule per kind.

Values are texts until here, wherever they come from, so that `port: "7946"` in a file, a variable and `--set`
all mean the same.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from difflib import get_close_matches
from pathlib import Path

from caxton_node.config.setting import Kind, Setting, Value

_QUANTITY = re.compile(r"([0-9]+(?:\.[0-9]+)?|\.[0-9]+)\s*([a-zA-Z]*)\Z")
_SECONDS = {"": 1, "us": 1e-6, "ms": 1e-3, "s": 1, "m": 60, "h": 3600, "d": 86_400}
_BYTES = {
    "": 1, "B": 1,
    "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12,
    "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40,
}  # fmt: skip
_WORDS = {"true": True, "yes": True, "on": True, "false": False, "no": False, "off": False}


class Unfit(ValueError):
    """The text is no value for the setting; the message says what was expected.

    Args:
        expected: What would have fitted.
        meant: The closest word that would have fitted, or empty.
    """

    def __init__(self, expected: str, meant: str = "") -> None:
        super().__init__(expected)
        self.expected = expected
        self.meant = meant


def read_value(setting: Setting, text: str) -> Value:
    """Return the value that a text stands for.

    Raises:
        Unfit: The text does not fit the kind or lies outside its bounds.
    """
    value = _READERS[setting.kind](setting, text.strip())
    if isinstance(value, int | float) and not isinstance(value, bool):
        _check_bounds(setting, value)
    return value


def closest(word: str, words: Mapping[str, object] | tuple[str, ...]) -> str:
    """Return the known word that was probably meant, or empty."""
    return next(iter(get_close_matches(word, words, n=1, cutoff=0.6)), "")


def _read_text(_setting: Setting, text: str) -> str:
    return text


def _read_path(_setting: Setting, text: str) -> Path:
    if not text:
        raise Unfit("a path")
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise Unfit("a path; ~name must be a user of this machine") from None


def _read_boolean(_setting: Setting, text: str) -> bool:
    try:
        return _WORDS[text.lower()]
    except KeyError:
        raise Unfit("true or false") from None


def _read_choice(setting: Setting, text: str) -> str:
    if text not in setting.choices:
        raise Unfit(f"one of {', '.join(setting.choices)}", closest(text.lower(), setting.choices))
    return text


def _read_integer(_setting: Setting, text: str) -> int:
    try:
        return int(text)
    except ValueError:
        raise Unfit("a whole number") from None


def _read_port(setting: Setting, text: str) -> int:
    port = _read_integer(setting, text)
    if not 0 <= port <= 65535:
        raise Unfit("a port from 0 to 65535")
    return port


def _read_number(_setting: Setting, text: str) -> float:
    try:
        number = float(text)
    except ValueError:
        raise Unfit("a number") from None
    if not math.isfinite(number):
        raise Unfit("a finite number")
    return number


def _read_duration(_setting: Setting, text: str) -> float:
    number, factor = _read_quantity(text, _SECONDS, "a duration like 500ms, 10s, 5m or 2h")
    return number * factor


def _read_size(_setting: Setting, text: str) -> int:
    number, factor = _read_quantity(text, _BYTES, "a size like 512KiB, 10MiB or 1GB")
    size = number * factor
    if size != int(size):
        raise Unfit("a whole number of bytes")
    return int(size)


def _read_quantity(text: str, units: Mapping[str, float], expected: str) -> tuple[float, float]:
    match = _QUANTITY.match(text)
    if match is None:
        raise Unfit(expected)
    if match[2] not in units:
        folded = {unit.lower(): unit for unit in units}
        raise Unfit(expected, f"{match[1]}{folded[match[2].lower()]}" if match[2].lower() in folded else "")
    return float(match[1]), units[match[2]]


def _check_bounds(setting: Setting, value: float) -> None:
    if setting.minimum is not None and value < setting.minimum:
        raise Unfit(f"at least {_plain(setting, setting.minimum)}")
    if setting.maximum is not None and value > setting.maximum:
        raise Unfit(f"at most {_plain(setting, setting.maximum)}")


def _plain(setting: Setting, bound: float) -> str:
    return f"{bound:.15g} {setting.unit}".strip()


_READERS: Mapping[Kind, Callable[[Setting, str], Value]] = {
    Kind.TEXT: _read_text,
    Kind.PATH: _read_path,
    Kind.BOOLEAN: _read_boolean,
    Kind.CHOICE: _read_choice,
    Kind.INTEGER: _read_integer,
    Kind.NUMBER: _read_number,
    Kind.DURATION: _read_duration,
    Kind.SIZE: _read_size,
    Kind.PORT: _read_port,
}
