"""Warm instances, ready to become any agent of their module: instantiated, initialised, and checked.

    take    an agent starts: it gets a warm instance if there is one; either way the module is in demand
    tend    a thread of its own warms what is in demand, throws out what is stale, broken or not wanted

What a warm instance saves is the module's own start: nothing for a small Rust agent (0.1 ms), milliseconds
for a language runtime. A guest that says so in its control block (`cloneable`) is initialised once and then
copied from a memory image; without the flag each runs its own `_initialize`, since copies would share the
random numbers that it drew there.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from threading import Condition, Lock, Thread
from weakref import WeakKeyDictionary

from caxton_node.core.clock import Clock, SystemClock
from caxton_node.core.errors import CaxtonError
from caxton_node.observability.logs import get_logger
from caxton_node.runtime.engine import CompiledModule, Engine
from caxton_node.runtime.limits import Limits
from caxton_node.runtime.pool_size import PoolSize
from caxton_node.runtime.ports import LogLevel
from caxton_node.runtime.sandbox import Sandbox

TEND_EVERY_S = 1.0
WARMING = Limits(wall_time_s=0.02)
"""A second for the whole of it: a module that takes longer is not worth the thread that all others need."""

_log = get_logger("runtime")


@dataclass(frozen=True, slots=True)
class PoolSettings:
    """How much may be kept warm.

    Attributes:
        instances_max: Warm instances of one module.
        memory_bytes_max: Linear memory of all warm instances together; 0 keeps none.
        age_max_s: Age at which a warm instance is replaced by a fresh one.
    """

    instances_max: int = 16
    memory_bytes_max: int = 64 * 1024 * 1024
    age_max_s: float = 600.0


@dataclass(frozen=True, slots=True)
class PoolNumbers:
    """What the pool has done.

    Attributes:
        warm: Instances that wait.
        memory_bytes: Their linear memory.
        hits: Starts that found one.
        misses: Starts that found none.
        recycled: Instances thrown out because they were old, broken or not wanted any more.
    """

    warm: int
    memory_bytes: int
    hits: int
    misses: int
    recycled: int


class _Shelf:
    """The warm instances of one module, and how much memory the latest of them had."""

    __slots__ = ("image", "memory_bytes", "size", "warm")

    def __init__(self, most: int) -> None:
        self.size = PoolSize(most)
        self.warm: deque[tuple[float, Sandbox]] = deque()
        self.image: bytes | None = None
        self.memory_bytes = 0


class Pool:
    """Keeps warm instances. Thread-safe; close it before its engine.

    Args:
        engine: Of the modules.
        settings: How much may be kept.
        clock: For age and demand.
    """

    def __init__(
        self, engine: Engine, settings: PoolSettings | None = None, clock: Clock | None = None
    ) -> None:
        self._engine = engine
        self.settings = settings or PoolSettings()
        self._clock = clock or SystemClock()
        self._shelves: WeakKeyDictionary[CompiledModule, _Shelf] = WeakKeyDictionary()
        self._lock = Lock()
        self._changed = Condition(self._lock)
        self._bytes = 0
        self._hits = self._misses = self._recycled = 0
        self._thread: Thread | None = None
        self._closed = False

    def take(self, module: CompiledModule, limits: Limits) -> Sandbox | None:
        """Return a warm instance for an agent to `adopt`, or None; the module is in demand either way.

        An agent that may have less than the warm one has already gets none.
        """
        if not self.settings.memory_bytes_max or limits.table_elements < WARMING.table_elements:
            return None
        with self._changed:
            shelf = self._shelves.get(module)
            if shelf is None:
                shelf = self._shelves[module] = _Shelf(self.settings.instances_max)
            shelf.size.note_start(self._clock.now())
            found = self._take_sound(shelf, limits.memory_bytes)
            self._hits += found is not None
            self._misses += found is None
            if shelf.size.wanted(self._clock.now()) > len(shelf.warm):
                self._wake()
        return found

    def tend(self) -> None:
        """Warm what is in demand and throw out what is not; blocks while guests initialise."""
        self._throw_out()
        for module in self._in_demand():
            self._warm_up(module)

    def numbers(self) -> PoolNumbers:
        """Read what the pool has done."""
        with self._lock:
            warm = sum(len(shelf.warm) for shelf in self._shelves.values())
            return PoolNumbers(warm, self._bytes, self._hits, self._misses, self._recycled)

    def close(self) -> None:
        """Free every warm instance; none is taken afterwards."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not None:
            self._thread.join()
        with self._lock:
            left = [one for shelf in self._shelves.values() for _, one in shelf.warm]
            self._shelves.clear()
            self._bytes = 0
        for sandbox in left:
            sandbox.close()

    # -- with the lock --------------------------------------------------------------------------------------

    def _take_sound(self, shelf: _Shelf, memory_bytes: int) -> Sandbox | None:
        while shelf.warm and shelf.warm[-1][1].memory_bytes <= memory_bytes:
            _, sandbox = shelf.warm.pop()  # the youngest, so that old ones are left to be recycled
            self._bytes -= sandbox.memory_bytes
            if sandbox.is_warm:
                return sandbox
            self._recycled += 1
            sandbox.close()
        return None

    def _wake(self) -> None:
        if self._thread is None and not self._closed:
            self._thread = Thread(target=self._work, name="caxton-pool", daemon=True)
            self._thread.start()
        self._changed.notify()

    # -- the thread -----------------------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            try:
                self.tend()
            except Exception:  # noqa: BLE001  a bug of the host; without this thread nothing is warmed again
                _log.exception("the pool failed")
            with self._changed:
                if self._closed:
                    return
                self._changed.wait(TEND_EVERY_S)
                if self._closed:
                    return

    def _throw_out(self) -> None:
        """Take out what is stale, broken or not wanted, and free it."""
        with self._lock:
            now = self._clock.now()
            shelves = list(self._shelves.items())
            out = [one for module, shelf in shelves for one in self._excess(module, shelf, now)]
            self._recycled += len(out)
        for sandbox in out:
            sandbox.close()

    def _excess(self, module: CompiledModule, shelf: _Shelf, now: float) -> Iterator[Sandbox]:
        wanted = shelf.size.wanted(now)
        kept: deque[tuple[float, Sandbox]] = deque()
        for born_at, sandbox in shelf.warm:
            if sandbox.is_warm and now - born_at < self.settings.age_max_s and len(kept) < wanted:
                kept.append((born_at, sandbox))
            else:
                self._bytes -= sandbox.memory_bytes
                yield sandbox
        shelf.warm = kept
        if not kept and shelf.size.is_forgotten(now):
            del self._shelves[module]

    def _in_demand(self) -> Iterator[CompiledModule]:
        """Yield a module for each instance that is missing and would fit, by the size of the latest one."""
        while True:
            with self._lock:
                now, free = self._clock.now(), self.settings.memory_bytes_max - self._bytes
                if self._closed or free <= 0:
                    return
                short = [
                    module
                    for module, shelf in self._shelves.items()
                    if len(shelf.warm) < shelf.size.wanted(now) and shelf.memory_bytes <= free
                ]
            if not short:
                return
            yield from short

    def _warm_up(self, module: CompiledModule) -> None:
        """Put one more warm instance of a module on its shelf, if it has one and there is room."""
        try:
            sandbox = self._make(module)
        except CaxtonError:  # the agent that is started next meets the same, and says so
            self._drop(module)
            return
        except Exception:
            self._drop(module)  # or it would be the first that is tried again
            raise
        with self._lock:
            shelf, memory_bytes = self._shelves.get(module), sandbox.memory_bytes
            if shelf is not None:
                shelf.memory_bytes = memory_bytes
                if self._bytes + memory_bytes <= self.settings.memory_bytes_max and not self._closed:
                    shelf.warm.append((self._clock.now(), sandbox))
                    self._bytes += memory_bytes
                    return
        sandbox.close()

    def _drop(self, module: CompiledModule) -> None:
        """Forget a module that does not warm, and free what was warm of it."""
        with self._lock:
            shelf = self._shelves.pop(module, None)
            out = [sandbox for _, sandbox in shelf.warm] if shelf is not None else []
            self._bytes -= sum(sandbox.memory_bytes for sandbox in out)
            self._recycled += len(out)
        for sandbox in out:
            sandbox.close()

    def _make(self, module: CompiledModule) -> Sandbox:
        sandbox = Sandbox(self._engine, module, WARMING, _ignore)
        try:
            self._initialise(sandbox, module)
        except BaseException:
            sandbox.close()
            raise
        return sandbox

    def _initialise(self, sandbox: Sandbox, module: CompiledModule) -> None:
        with self._lock:
            shelf = self._shelves.get(module)
            image = shelf.image if shelf is not None else None
        if image is not None:
            sandbox.start_from_image(image, started=False)
            return
        sandbox.warm()
        if shelf is not None and module.is_whole and sandbox.is_cloneable:
            shelf.image = sandbox.take_image()


def _ignore(level: LogLevel, text: str) -> None:
    """Drop what a module says before it is anybody's."""
