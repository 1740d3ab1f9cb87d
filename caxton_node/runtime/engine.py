"""The engines of a node, one for each profile, and modules compiled for them once.

    text or binary -> digest -> in memory? -> in the code cache? -> compiler -> ready to be instantiated

Compiling is somebody else's (`compiler.py`, by default in this process; a node gives the one that works in a
child process); what comes back is machine code of this version of wasmtime for this machine.
"""

from __future__ import annotations

import hashlib
import threading
import time
from collections.abc import Sequence
from typing import Protocol
from weakref import ReferenceType, WeakValueDictionary, ref

import wasmtime

from caxton_node.core.errors import InvalidModule, ResourceLimit
from caxton_node.core.shown import show
from caxton_node.runtime.binary import BrokenModule
from caxton_node.runtime.exports import check_counts, check_exports, check_imports
from caxton_node.runtime.exposing import Exposed, expose
from caxton_node.runtime.function_names import hide_names, read_names
from caxton_node.runtime.host.imports import make_linker
from caxton_node.runtime.images import Origin
from caxton_node.runtime.profile import STRICT, Profile
from caxton_node.runtime.refusals import explain
from caxton_node.runtime.settings import EngineSettings, make_config
from caxton_node.runtime.trap_facts import Symbols

__all__ = ["CompiledModule", "Engine", "EngineSettings", "make_config", "to_binary"]

_MAGIC = b"\0asm"
_COMPONENT = b"\0asm\x0d\x00\x01\x00"
_HINT = "build a core module, or give its text form (.wat)"
# Each engine costs a few hundred KB and its own copy of compiled code; operators need a handful of profiles.
PROFILES_MAX = 32
TEXT_BYTES_MAX = 512 * 1024
TEXT_CHARS_MAX = 500


class Compiler(Protocol):
    """Whoever turns modules into machine code."""

    def compile(self, binary: bytes, profile: Profile) -> bytes:
        """Return what `wasmtime.Module.serialize` gives; any thread.

        Raises:
            InvalidModule: It is not valid; `why` holds wasmtime's own words.
            ResourceLimit: Compiling took more time or memory than is allowed.
        """
        ...


class Codes(Protocol):
    """Where machine code is kept between runs."""

    def find(self, sha256: str, profile: Profile) -> bytes | None:
        """Return code that this node has kept, or None."""
        ...

    def keep(self, sha256: str, profile: Profile, code: bytes) -> None:
        """Keep code, if there is room."""
        ...

    def forget(self, sha256: str, profile: Profile) -> None:
        """Drop code that the engine does not take."""
        ...


class CompiledModule:
    """Machine code of one module, ready to be instantiated any number of times.

    Attributes:
        sha256: Digest of the binary module, in hex; for WAT text, of what it was translated to.
        size: Bytes of the binary module.
        profile: The kind of engine that it was compiled for.
        imports: What it imports, as `module.name`.
        exports: Names of its exports.
        symbols: How places in its code are called in backtraces.
        origin: What images of its instances are taken from; None if an image would not be their whole state.
        raw: The engine that owns it.
        pre: Linked and ready.
    """

    def __init__(
        self,
        sha256: str,
        size: int,
        *,
        imports: Sequence[str],
        exports: Sequence[str],
        exposed: Exposed,
        symbols: Symbols,
        pre: wasmtime.InstancePre,
        shop: _Shop,
    ) -> None:
        added = {slot.name for slot in exposed.globals}
        self.sha256 = sha256
        self.size = size
        self.profile = shop.profile
        self.imports = tuple(imports)
        self.exports = tuple(name for name in exports if name not in added)
        self.symbols = symbols
        self.origin = Origin(sha256, shop.profile.key, exposed.globals) if exposed.whole else None
        self.raw = shop.raw
        self.pre = pre

    def has(self, export: str) -> bool:
        """Return whether it has an optional export."""
        return export in self.exports

    @property
    def is_whole(self) -> bool:
        """Return whether an image of an instance is its whole state."""
        return self.origin is not None


class LocalCompiler:
    """Compiles in this process: for tools and tests, which trust what they compile.

    Args:
        settings: As of the engine that shall run the code.
    """

    def __init__(self, settings: EngineSettings) -> None:
        self._settings = settings

    def compile(self, binary: bytes, profile: Profile) -> bytes:
        """Return machine code; see `Compiler`."""
        engine = wasmtime.Engine(make_config(profile, self._settings))
        try:
            wasmtime.Module.validate(engine, binary)
            return bytes(wasmtime.Module(engine, binary).serialize())
        except wasmtime.WasmtimeError as error:
            raise InvalidModule("the module does not compile", why=str(error)) from None


class _Shop:
    """One engine with its linker and the modules that it has in memory."""

    def __init__(self, profile: Profile, settings: EngineSettings) -> None:
        self.profile = profile
        self.raw = wasmtime.Engine(make_config(profile, settings))
        self.linker = make_linker(self.raw)
        self.modules: WeakValueDictionary[str, CompiledModule] = WeakValueDictionary()
        self.customers = 0

    @property
    def is_idle(self) -> bool:
        """Return whether nothing runs on its engine or is being compiled for it; with the engines' lock."""
        return not self.customers and not self.modules


class Engine:
    """Compiles modules and keeps the time of guests. Thread-safe; close it when its last sandbox is closed.

    Args:
        settings: What all its agents share.
        compiler: Turns modules into machine code; by default in this process.
        codes: Keeps machine code for the next run of the node; by default it is compiled anew.
    """

    def __init__(
        self,
        settings: EngineSettings | None = None,
        *,
        compiler: Compiler | None = None,
        codes: Codes | None = None,
    ) -> None:
        self.settings = settings or EngineSettings()
        self._compiler = compiler or LocalCompiler(self.settings)
        self._codes = codes
        self._shops: dict[Profile, _Shop] = {}
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(
            target=_tick,
            args=(ref(self), self.settings.tick_s, self._closed),
            name="wasm-epochs",
            daemon=True,
        ).start()

    def compile(self, data: bytes | str, profile: Profile = STRICT) -> CompiledModule:
        """Compile a module, or return it if this engine has it already.

        Takes from milliseconds to seconds and releases the GIL meanwhile: call it from a worker thread.

        Args:
            data: The module, binary or as WAT text.
            profile: The kind of machine that it shall run on.

        Raises:
            InvalidModule: It is not a core module, needs a feature that is off (the error names feature and
                function), imports what is not linked, or lacks an export of ABI v1.
            ResourceLimit: Compiling it took too long or too much memory, or there are too many profiles.
        """
        binary = to_binary(data)
        if len(binary) > self.settings.module_bytes_max:
            raise InvalidModule(
                f"the module has {len(binary):,} bytes",
                why=f"at most {self.settings.module_bytes_max:,} are taken",
                hint="strip it (wasm-opt -Os, wasm-strip), or raise agents.module_bytes_max",
            )
        sha256 = hashlib.sha256(binary).hexdigest()
        shop = self._enter(profile)
        try:
            with self._lock:
                found = shop.modules.get(sha256)
            return found or self._make(sha256, binary, shop)
        finally:
            with self._lock:
                shop.customers -= 1

    def advance(self) -> None:
        """Move the epoch of every engine."""
        for shop in list(self._shops.values()):
            shop.raw.increment_epoch()

    def close(self) -> None:
        """Stop the epoch thread. Guests of this engine must not be called any more."""
        self._closed.set()

    def _enter(self, profile: Profile) -> _Shop:
        """Return the shop of a profile, which stays open until its `customers` are gone."""
        with self._lock:
            shop = self._shops.get(profile)
            if shop is None:
                if len(self._shops) >= PROFILES_MAX and not self._close_shop():
                    raise ResourceLimit(
                        f"profile {profile.key} would be one too many",
                        why=f"agents of one node share at most {PROFILES_MAX} combinations of features",
                        hint="allow the same features to agents that are alike",
                    )
                shop = self._shops[profile] = _Shop(profile, self.settings)
            shop.customers += 1
            return shop

    def _close_shop(self) -> bool:
        """Give up an engine that nothing runs on, the oldest; False if there is none.

        A sandbox keeps its module, so no guest is left without somebody who moves its epoch.
        """
        idle = next((profile for profile, shop in self._shops.items() if shop.is_idle), None)
        if idle is not None:
            del self._shops[idle]
        return idle is not None

    def _make(self, sha256: str, binary: bytes, shop: _Shop) -> CompiledModule:
        try:
            check_counts(binary)
            exposed = expose(hide_names(binary), shop.profile.features)
            symbols = Symbols(read_names(binary), exposed.shift)
        except BrokenModule as error:
            # Validation has better words, unless it has no objection to what this reader does not take.
            raise explain(shop.raw, binary, str(error)) from None
        module = self._load(exposed.binary, binary, shop)
        imports, exports = module.imports, module.exports  # each asks the engine for all of them anew
        check_imports(imports)
        check_exports(exports)
        compiled = CompiledModule(
            sha256,
            len(binary),
            imports=[f"{item.module}.{item.name}" for item in imports],
            exports=[item.name for item in exports],
            exposed=exposed,
            symbols=symbols,
            pre=shop.linker.instantiate_pre(module),
            shop=shop,
        )
        with self._lock:
            return shop.modules.setdefault(sha256, compiled)

    def _load(self, exposed: bytes, original: bytes, shop: _Shop) -> wasmtime.Module:
        """Return machine code from the cache or the compiler; errors are about the original."""
        sha256 = hashlib.sha256(exposed).hexdigest()
        module = self._recall(sha256, shop)
        if module is not None:
            return module
        try:
            code = self._compiler.compile(exposed, shop.profile)
        except InvalidModule as error:
            raise explain(shop.raw, original, error.why) from None
        if self._codes is not None:
            self._codes.keep(sha256, shop.profile, code)
        return wasmtime.Module.deserialize(shop.raw, code)

    def _recall(self, sha256: str, shop: _Shop) -> wasmtime.Module | None:
        """Return a module from the code cache, or None."""
        code = self._codes.find(sha256, shop.profile) if self._codes else None
        if code is None:
            return None
        try:
            return wasmtime.Module.deserialize(shop.raw, code)
        except wasmtime.WasmtimeError:  # of another version, or of a machine with other instructions
            assert self._codes is not None
            self._codes.forget(sha256, shop.profile)
            return None


def to_binary(data: bytes | str) -> bytes:
    """Return a core module in binary form, translating WAT text.

    Raises:
        InvalidModule: It is neither, or the text does not parse.
    """
    if isinstance(data, bytes) and data.startswith(_COMPONENT):
        raise InvalidModule("this is a component", why="agents are core modules", hint=_HINT)
    if isinstance(data, bytes) and data.startswith(_MAGIC):
        return data
    raw = data.encode() if isinstance(data, str) else data
    if len(raw) > TEXT_BYTES_MAX and raw.lstrip()[:2].startswith((b"(", b";;")):
        raise InvalidModule(
            f"the WAT text has {len(raw):,} bytes",
            why=f"at most {TEXT_BYTES_MAX:,} are translated, which takes a hundred times as much memory",
            hint="translate it with wat2wasm and give the binary",
        )
    if not raw.lstrip().startswith((b"(", b";;")):
        raise InvalidModule(
            "this is not a WebAssembly module", why=f"it starts with {bytes(raw[:8])!r}", hint=_HINT
        )
    try:
        return bytes(wasmtime.wat2wasm(raw))
    except wasmtime.WasmtimeError as error:
        raise InvalidModule("the WAT text does not parse", why=_first_lines(str(error))) from None


def _first_lines(message: str) -> str:
    lines = [line.strip() for line in message.splitlines() if line.strip()]
    return show(" ".join(lines[:2]).replace("--> <anon>:", "at line "), TEXT_CHARS_MAX)


def _tick(engine: ReferenceType[Engine], tick_s: float, closed: threading.Event) -> None:
    """Move the epoch until the engine is closed or gone.

    On a schedule that does not drift; a late tick only makes the next look at a guest late. `time.sleep`
    rather than waiting on the event: it is a third of the cost, a hundred times a second.
    """
    due_at = time.monotonic()
    while not closed.is_set():
        now = time.monotonic()
        due_at = max(due_at + tick_s, now)
        time.sleep(due_at - now)
        alive = engine()
        if alive is None:
            return
        alive.advance()
        del alive
