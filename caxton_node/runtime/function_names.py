"""What the functions of a module are called: kept by the node, and hidden from the engine. Pure.

wasmtime writes the names of functions into the text of every trap, and turns those that look mangled back
into C++. Both are in the hands of the module's author. A name with line breaks forges frames, and one of 700
bytes unfolds to gigabytes, since each of its parts may stand for all before it, twice. So the engine is
given a module whose names it does not find, and the node puts in those that it has read itself.

Rejected: to read frames by wasmtime's functions for them, which give names as they are. The text of an error
can be had only with the unfolded names in it.

The section keeps its place and size and gets another name, so no offset moves.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from caxton_node.core.shown import show
from caxton_node.runtime.binary import CUSTOM, Layout, Reader, sections

_NAME, _HIDDEN = b"name", b"nome"
_MANGLED_CHARS_MAX = 300
_MANGLED = re.compile(r"_ZN([0-9A-Za-z_$.]{1,300})E")
_LENGTH = re.compile(r"[1-9][0-9]{0,2}")
_HASH = re.compile(r"h[0-9a-f]{16}")
_SIGNS = {
    "$LT$": "<", "$GT$": ">", "$u20$": " ", "$RF$": "&", "$BP$": "*", "$LP$": "(", "$RP$": ")", "$C$": ",",
    "$u7b$": "{", "$u7d$": "}", "$u5b$": "[", "$u5d$": "]", "..": "::",
}  # fmt: skip
_SIGN = re.compile("|".join(map(re.escape, _SIGNS)))


def hide_names(binary: bytes) -> bytes:
    """Return a module in which an engine finds no names of functions; it is as long as before.

    Raises:
        BrokenModule: A section overruns the module.
    """
    ends = list(_find_names(binary))
    if not ends:
        return binary
    hidden = bytearray(binary)
    for end in ends:
        hidden[end - len(_NAME) : end] = _HIDDEN
    return bytes(hidden)


def read_names(binary: bytes) -> dict[int, str]:
    """Return the names of functions by index, fit to be shown; of those without one, that of an export.

    Raises:
        BrokenModule: A section overruns the module.
    """
    layout = Layout(binary)
    names = layout.export_names() | layout.debug_names()
    return {index: show(unmangle(name)) for index, name in names.items() if name}


def unmangle(name: str) -> str:
    """Return `core::fmt::write` for `_ZN4core3fmt5write17h0123456789abcdefE`, and any other name as it is.

    That is Rust's older scheme, a list of parts. C++ and Rust's newer one refer back to what they have said
    before and so can grow without bound.
    """
    found = _MANGLED.fullmatch(name[: _MANGLED_CHARS_MAX + 1])
    parts = _split(found[1]) if found else []
    if len(parts) < 2 or not _HASH.fullmatch(parts[-1]):
        return name
    return "::".join(_read_signs(part) for part in parts[:-1])


def _read_signs(part: str) -> str:
    """Put back what may not stand in a symbol: `_$LT$u8$GT$` becomes `<u8>`."""
    plain = part.removeprefix("_") if part.startswith("_$") else part
    return _SIGN.sub(lambda sign: _SIGNS[sign[0]], plain)


def _split(path: str) -> list[str]:
    """Cut `3foo3bar` into its parts; none if it is anything else."""
    parts = []
    at = 0
    while at < len(path):
        length = _LENGTH.match(path, at)
        if length is None or length.end() + int(length[0]) > len(path):
            return []
        at = length.end() + int(length[0])
        parts.append(path[length.end() : at])
    return parts


def _find_names(binary: bytes) -> Iterator[int]:
    """Return where the name of each section of names ends."""
    for section in sections(binary):
        if section.kind == CUSTOM:
            reader = Reader(binary, section.content, section.end)
            if reader.text() == _NAME.decode():
                yield reader.position
