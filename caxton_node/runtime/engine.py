"""The strict engine: MVP WebAssembly with fuel and epochs, and modules compiled for it once.

Memory is reserved page by page, without guard regions: either costs a second mapping for each agent, and the
kernel stops at about 32,000 of those. DESIGN.md has the price in both directions.
"""

from __future__ import annotations

import hashlib
import threading
import time
from dataclasses import dataclass
from math import ceil
from weakref import ReferenceType, WeakValueDictionary, ref

import wasmtime

from caxton_node.core.errors import InvalidModule
from caxton_node.runtime import native
from caxton_node.runtime.binary import Layout
from caxton_node.runtime.exports import check_exports, check_imports
from caxton_node.runtime.host.imports import make_linker
from caxton_node.runtime.refusals import explain

_MAGIC = b"\0asm"
_COMPONENT = b"\0asm\x0d\x00\x01\x00"
_HINT = "build a core module, or give its text form (.wat)"


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What all agents of one engine share.

    Attributes:
        module_bytes_max: Largest module that is compiled.
        growth_reservation_bytes: Address space kept free behind each memory. With 0 a memory that grows is
            copied (0.4 ms at 0.5 MiB, and all its pages become resident), but a node can hold 100,000 agents.
            With as much as the memory limit growth is free, for at most 30,000 agents unless
            `vm.max_map_count` is raised.
        tick_s: Length of an epoch: how exactly wall time is kept, in seconds.
        parallel_compilation: Whether compiling a large module may take all cores.
    """

    module_bytes_max: int = 50 * 1024 * 1024
    growth_reservation_bytes: int = 0
    tick_s: float = 0.01
    parallel_compilation: bool = True


class CompiledModule:
    """Machine code of one module, ready to be instantiated any number of times by its own engine.

    Attributes:
        sha256: Digest of the binary module, in hex; for WAT text, of what it was translated to.
        size: Bytes of the binary module.
        imports: What it imports, as `module.name`.
        exports: Names of its exports.
        function_names: Names of the exported functions by index, for backtraces of stripped modules.
    """

    def __init__(self, sha256: str, binary: bytes, module: wasmtime.Module, linker: wasmtime.Linker) -> None:
        self.sha256 = sha256
        self.size = len(binary)
        self.imports = tuple(f"{item.module}.{item.name}" for item in module.imports)
        self.exports = tuple(item.name for item in module.exports)
        self.function_names = Layout(binary).export_names()
        self.pre = linker.instantiate_pre(module)


class Engine:
    """Compiles modules and keeps their time. Thread-safe; close it when its last sandbox is closed.

    Args:
        settings: What all its agents share.
    """

    def __init__(self, settings: EngineSettings | None = None) -> None:
        self.settings = settings or EngineSettings()
        config = native.strict_config()
        config.consume_fuel = True
        config.epoch_interruption = True
        config.parallel_compilation = self.settings.parallel_compilation
        config.memory_reservation = 0
        config.memory_guard_size = 0
        config.memory_reservation_for_growth = self.settings.growth_reservation_bytes
        config.memory_init_cow = False
        self.raw = wasmtime.Engine(config)
        self._linker = make_linker(self.raw)
        self._modules: WeakValueDictionary[str, CompiledModule] = WeakValueDictionary()
        self._lock = threading.Lock()
        self._closed = threading.Event()
        threading.Thread(
            target=_tick,
            args=(ref(self), self.settings.tick_s, self._closed),
            name="wasm-epochs",
            daemon=True,
        ).start()

    def compile(self, data: bytes | str) -> CompiledModule:
        """Compile a module, or return it if this engine has it already.

        Takes from milliseconds to seconds and releases the GIL meanwhile: call it from a worker thread.

        Args:
            data: The module, binary or as WAT text.

        Raises:
            InvalidModule: It is not a core module, needs a feature that is off (the error names feature and
                function), imports what is not linked, or lacks an export of ABI v1.
        """
        binary = to_binary(data)
        if len(binary) > self.settings.module_bytes_max:
            raise InvalidModule(
                f"the module has {len(binary):,} bytes",
                why=f"at most {self.settings.module_bytes_max:,} are taken",
                hint="strip it (wasm-opt -Os, wasm-strip), or raise agents.module_bytes_max",
            )
        sha256 = hashlib.sha256(binary).hexdigest()
        with self._lock:
            found = self._modules.get(sha256)
        return found or self._compile(sha256, binary)

    def ticks(self, seconds: float) -> int:
        """Return how many epochs make at least this time."""
        return ceil(seconds / self.settings.tick_s) + 1

    def close(self) -> None:
        """Stop the epoch thread. Guests of this engine must not be called any more."""
        self._closed.set()

    def _compile(self, sha256: str, binary: bytes) -> CompiledModule:
        try:
            module = wasmtime.Module(self.raw, binary)
        except wasmtime.WasmtimeError as error:
            raise explain(self.raw, binary, str(error)) from None
        check_imports(module.imports)
        check_exports(module.exports)
        compiled = CompiledModule(sha256, binary, module, self._linker)
        with self._lock:
            return self._modules.setdefault(sha256, compiled)


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
    return " ".join(lines[:2]).replace("--> <anon>:", "at line ")


def _tick(engine: ReferenceType[Engine], tick_s: float, closed: threading.Event) -> None:
    """Move the epoch until the engine is closed or gone.

    A late tick only lengthens a deadline. `time.sleep` rather than waiting on the event: it is a third of the
    cost, a hundred times a second.
    """
    while not closed.is_set():
        time.sleep(tick_s)
        alive = engine()
        if alive is None:
            return
        alive.raw.increment_epoch()
        del alive
