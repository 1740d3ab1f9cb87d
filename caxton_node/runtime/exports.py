"""Whether a module fits ABI v1: what it imports is linked, what it must export is there with the right type.

The check is the licence for the unchecked calls of `native.py`: after it, no signature can be wrong.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import wasmtime

from caxton_node.core.errors import InvalidModule
from caxton_node.core.shown import show
from caxton_node.runtime.abi import OPTIONAL_EXPORTS, REQUIRED_EXPORTS
from caxton_node.runtime.binary import EXPORT, IMPORT, Reader, sections
from caxton_node.runtime.host.imports import BY_NAME, TABLE

_LINKED = ", ".join(f"{entry.module}.{entry.name}" for entry in TABLE if entry.module == "caxton")
NAMES_MAX = 10
ENTRIES_MAX = 2_000
"""Imports, or exports, of one module. Real ones have up to some hundred, and each costs the node 20 us."""


def check_counts(binary: bytes) -> None:
    """Refuse a module with more imports or exports than any agent needs, by what its sections say.

    Raises:
        InvalidModule: Naming the number.
        BrokenModule: A section overruns the module.
    """
    for section in sections(binary):
        if section.kind not in {IMPORT, EXPORT}:
            continue
        count = Reader(binary, section.content, section.end).count()
        if count > ENTRIES_MAX:
            raise InvalidModule(
                f"the module has {count:,} {section.name}s",
                why=f"at most {ENTRIES_MAX:,} are taken",
                hint="leave out what ABI v1 does not name",
            )


def check_imports(imports: Sequence[wasmtime.ImportType]) -> None:
    """Refuse a module that wants more than the table of host functions.

    Raises:
        InvalidModule: Naming every import that is not linked, or the one with another type.
    """
    unknown = [f"{item.module}.{item.name}" for item in imports if (item.module, item.name) not in BY_NAME]
    if unknown:
        raise InvalidModule(
            f"the module imports {_list(unknown)}",
            why=f"agents may import {_LINKED} and the part of WASI preview 1 that needs no files or sockets",
            hint="ask for anything else by a message to a platform agent",
        )
    for item in imports:
        entry = BY_NAME[item.module, item.name or ""]
        wanted, found = (entry.params, entry.results), _signature(item.type)
        if found != wanted:
            raise InvalidModule(
                f"import {entry.module}.{entry.name} has type {_draw(found)}",
                why=f"the host function has type {_draw(wanted)}",
            )


def check_exports(exports: Iterable[wasmtime.ExportType]) -> None:
    """Refuse a module that lacks a part of ABI v1.

    Raises:
        InvalidModule: Naming every missing export, or the one with another type.
    """
    types = {item.name: item.type for item in exports}
    missing = [name for name in ("memory", *REQUIRED_EXPORTS) if name not in types]
    if missing:
        raise InvalidModule(
            f"the module does not export {', '.join(missing)}",
            why="agents implement ABI v1",
            hint="build it with a Caxton SDK, or see the agent ABI in the reference",
        )
    if not isinstance(types["memory"], wasmtime.MemoryType):
        raise InvalidModule("export memory is not a memory", why="agents implement ABI v1")
    for name, wanted in (REQUIRED_EXPORTS | OPTIONAL_EXPORTS).items():
        if name in types and (found := _signature(types[name])) != wanted:
            raise InvalidModule(f"export {name} has type {_draw(found)}", why=f"ABI v1 says {_draw(wanted)}")


def _list(names: Sequence[str]) -> str:
    shown = ", ".join(show(name) for name in names[:NAMES_MAX])
    return f"{shown} and {len(names) - NAMES_MAX:,} more" if len(names) > NAMES_MAX else shown


_Signature = tuple[tuple[str, ...], tuple[str, ...]]


def _signature(kind: object) -> _Signature | None:
    if not isinstance(kind, wasmtime.FuncType):
        return None
    return tuple(map(str, kind.params)), tuple(map(str, kind.results))


def _draw(signature: _Signature | None) -> str:
    if signature is None:
        return "other than a function"
    params, results = signature
    return f"({', '.join(params)}) -> ({', '.join(results)})"
