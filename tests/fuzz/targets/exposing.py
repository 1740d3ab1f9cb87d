"""Names for mutable globals, put into any module: it stays valid or refused, and exports what it did."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from random import Random
from zlib import crc32

import wasmtime

from caxton_node.runtime import Profile
from caxton_node.runtime.binary import SECTIONS_MAX, BrokenModule
from caxton_node.runtime.exposing import SLOTS_MAX, Exposed, expose
from caxton_node.runtime.profile import FEATURES
from caxton_node.runtime.settings import EngineSettings, make_config
from tests.fuzz.havoc import Blind
from tests.fuzz.modules import pool
from tests.fuzz.surgery import HEAD, Surgeon, take_apart
from tests.fuzz.text import check_text

SIZE_MAX = 65_536
EXAMPLES = 250
REASON_CHARS_MAX = 300
PROFILES = (Profile(), Profile(tuple(FEATURES)), Profile(("bulk-memory",)), Profile(("simd",)))


@cache
def _engine(profile: Profile) -> wasmtime.Engine:
    return wasmtime.Engine(make_config(profile, EngineSettings()))


def check(data: bytes) -> None:
    """Compare what an engine says of a module before and after."""
    profile = PROFILES[crc32(data) % len(PROFILES)]
    before = _find_exports(data, profile)
    exposed: Exposed | None
    try:
        exposed = expose(data, profile.features)
    except BrokenModule as error:
        check_text(str(error), REASON_CHARS_MAX)
        exposed = None
    if exposed is None:
        assert before is None or len(take_apart(data)) > SECTIONS_MAX, "it is valid, and broken"
    elif exposed.whole:
        _check_whole(data, exposed, before, _find_exports(exposed.binary, profile))
    else:
        check_text(exposed.reason, REASON_CHARS_MAX)
        assert (exposed.binary, exposed.globals, exposed.shift) == (data, (), 0)


def _check_whole(
    data: bytes, exposed: Exposed, before: dict[str, str] | None, after: dict[str, str] | None
) -> None:
    assert len(exposed.globals) <= SLOTS_MAX
    assert len(exposed.binary) == len(data) + exposed.shift
    if before is None:
        assert after is None, "it has become valid"
        return
    assert after is not None, "it has become invalid"
    added = {slot.name: f"mut {slot.type}" for slot in exposed.globals}
    assert not added.keys() & before.keys()
    assert after == before | added


def _find_exports(module: bytes, profile: Profile) -> dict[str, str] | None:
    """Return the exports with their types, None if no engine of this profile takes the module."""
    try:
        exports = wasmtime.Module(_engine(profile), module).exports
    except wasmtime.WasmtimeError:
        return None
    return {item.name: _draw(item.type) for item in exports}


def _draw(kind: wasmtime.AsExternType) -> str:
    if isinstance(kind, wasmtime.GlobalType):
        return f"{'mut ' if kind.mutable else ''}{kind.content}"
    if isinstance(kind, wasmtime.FuncType):
        return f"{list(map(str, kind.params))} {list(map(str, kind.results))}"
    return type(kind).__name__


def mutate(data: bytes, size_max: int, rng: Random, blind: Blind) -> bytes:
    """Change a section."""
    return Surgeon(rng, blind, size_max, pool()).operate(data)


def seeds() -> Iterator[bytes]:
    """Agents and features; a module of nothing."""
    yield from pool()
    yield HEAD
