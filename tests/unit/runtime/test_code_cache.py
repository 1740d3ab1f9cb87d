"""Machine code is kept for the next run of the node, and taken only if this node wrote it."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest
import wasmtime

from caxton_node.runtime.code_cache import CacheCounts, CodeCache
from caxton_node.runtime.engine import Engine, LocalCompiler
from caxton_node.runtime.profile import STRICT, Cpu, Profile
from caxton_node.runtime.settings import EngineSettings
from tests.support.guests import contents, request, start, tiny, wat

pytestmark = pytest.mark.story("001")
SETTINGS = EngineSettings()


class Compiled:
    """A real module with its digest and its code."""

    def __init__(self, text: str) -> None:
        self.binary = bytes(wasmtime.wat2wasm(text))
        self.sha256 = hashlib.sha256(self.binary).hexdigest()
        self.code = LocalCompiler(SETTINGS).compile(self.binary, STRICT)


ECHO = Compiled(wat("echo"))
OTHERS = [Compiled(tiny(init=f"(i32.const {number})")) for number in range(4)]
FILE_BYTES = max(len(each.code) for each in OTHERS) + 40


def opened(folder: Path, *modules: Compiled, bytes_max: int = 1024**3) -> CodeCache:
    cache = CodeCache(folder, SETTINGS, bytes_max=bytes_max)
    for each in modules:
        cache.keep(each.sha256, STRICT, each.code)
    return cache


def find(cache: CodeCache, module: Compiled) -> bytes | None:
    return cache.find(module.sha256, STRICT)


def path_of(folder: Path, module: Compiled) -> Path:
    (found,) = folder.glob(f"{module.sha256}*.code")
    return found


def test_code_is_found_by_the_next_run_of_the_node(tmp_path):
    opened(tmp_path / "new" / "code", ECHO)
    second = opened(tmp_path / "new" / "code")
    assert find(second, ECHO) == ECHO.code
    assert second.counts == CacheCounts(hits=1)


def test_what_was_never_kept_is_a_miss(tmp_path):
    cache = opened(tmp_path, ECHO)
    assert find(cache, OTHERS[0]) is None
    assert cache.find(ECHO.sha256, Profile(cpu=Cpu.METERED)) is None
    assert cache.counts == CacheCounts(misses=2)


def test_only_the_node_itself_can_read_the_folder(tmp_path):
    opened(tmp_path / "code", ECHO)
    items = [tmp_path / "code", *(tmp_path / "code").iterdir()]
    modes = {item.name: item.stat().st_mode & 0o777 for item in items}
    assert modes == {"code": 0o700, "key": 0o600, path_of(tmp_path / "code", ECHO).name: 0o600}


def flip(at: int) -> Callable[[bytes], bytes]:
    return lambda data: data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


HARMS: dict[str, Callable[[bytes], bytes]] = {
    "a bit of the magic": flip(0),
    "a bit of the digest": flip(20),
    "a bit of the code": flip(5_000),
    "the last bit": lambda data: data[:-1] + bytes([data[-1] ^ 0x80]),
    "the last byte cut": lambda data: data[:-1],
    "half of it cut": lambda data: data[: len(data) // 2],
    "the head alone": lambda data: data[:40],
    "nothing left": lambda _: b"",
    "a byte more": lambda data: data + b"\0",
    "code without a head": lambda data: data[40:],
}


@pytest.mark.parametrize("harm", HARMS)
@pytest.mark.parametrize("is_running", [True, False], ids=["while it runs", "while it is down"])
def test_a_file_that_was_touched_is_removed_and_not_taken(tmp_path, harm, is_running):
    cache = opened(tmp_path, ECHO)
    path = path_of(tmp_path, ECHO)
    path.write_bytes(HARMS[harm](path.read_bytes()))
    cache = cache if is_running else opened(tmp_path)
    assert find(cache, ECHO) is None
    assert not path.exists()
    assert cache.counts == CacheCounts(misses=1, rejected=1)
    cache.keep(ECHO.sha256, STRICT, ECHO.code)
    assert find(cache, ECHO) == ECHO.code


def test_code_of_another_module_under_this_ones_name_is_not_taken(tmp_path):
    cache = opened(tmp_path, ECHO, OTHERS[0])
    shutil.copy(path_of(tmp_path, OTHERS[0]), path_of(tmp_path, ECHO))
    assert find(cache, ECHO) is None
    assert find(cache, OTHERS[0]) == OTHERS[0].code


def test_code_of_another_profile_is_not_taken(tmp_path):
    metered = Profile(cpu=Cpu.METERED)
    cache = opened(tmp_path, ECHO)
    cache.keep(ECHO.sha256, metered, LocalCompiler(SETTINGS).compile(ECHO.binary, metered))
    both, other = sorted(tmp_path.glob("*.code"))
    assert (both.name.split(".")[1], other.name.split(".")[1]) == ("both", "metered")
    shutil.copy(both, other)
    assert cache.find(ECHO.sha256, metered) is None
    assert find(cache, ECHO) == ECHO.code


def test_code_of_other_settings_is_not_taken(tmp_path):
    opened(tmp_path, ECHO)
    cache = CodeCache(tmp_path, replace(SETTINGS, growth_reservation_bytes=1 << 20))
    assert find(cache, ECHO) is None
    assert cache.counts.rejected == 1


def test_code_of_another_version_of_wasmtime_is_removed_when_the_node_starts(tmp_path):
    opened(tmp_path, ECHO)
    path = path_of(tmp_path, ECHO)
    old = path.rename(tmp_path / f"{ECHO.sha256}.both.49.0.0.code")
    cache = opened(tmp_path)
    assert not old.exists()
    assert cache.counts.rejected == 1
    assert find(cache, ECHO) is None


def test_code_that_another_node_wrote_is_not_taken(tmp_path):
    mine, theirs = tmp_path / "mine", tmp_path / "theirs"
    opened(mine, ECHO)
    opened(theirs, ECHO)
    shutil.copy(path_of(theirs, ECHO), path_of(mine, ECHO))
    cache = opened(mine)
    assert find(cache, ECHO) is None
    assert cache.counts.rejected == 1


KEYS: dict[str, Callable[[Path], object]] = {
    "is gone": lambda path: path.unlink(),
    "is another one": lambda path: path.write_bytes(os.urandom(32)),
    "was cut": lambda path: path.write_bytes(path.read_bytes()[:16]),
    "is too long": lambda path: path.write_bytes(path.read_bytes() + b"\0"),
    "could be read by others": lambda path: path.chmod(0o644),
    "is a link": lambda path: path.rename(path.with_name("elsewhere")) and path.symlink_to("elsewhere"),
}


@pytest.mark.parametrize("harm", KEYS)
def test_nothing_is_taken_when_the_key(tmp_path, harm):
    opened(tmp_path, ECHO)
    KEYS[harm](tmp_path / "key")
    cache = opened(tmp_path)
    assert find(cache, ECHO) is None


@pytest.mark.parametrize("harm", sorted(set(KEYS) - {"is a link"}))
def test_a_node_without_its_key_makes_a_new_one(tmp_path, harm):
    opened(tmp_path, ECHO)
    KEYS[harm](tmp_path / "key")
    opened(tmp_path, ECHO)
    assert find(opened(tmp_path), ECHO) == ECHO.code
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


PLACES: dict[str, Callable[[Path, Path], object]] = {
    "a link": lambda path, moved: path.symlink_to(moved),
    "a pipe": lambda path, _: os.mkfifo(path),
    "a folder": lambda path, _: path.mkdir(),
}


@pytest.mark.parametrize("kind", PLACES)
def test_what_is_not_a_file_is_not_read(tmp_path, kind):
    cache = opened(tmp_path / "code", ECHO)
    path = path_of(tmp_path / "code", ECHO)
    moved = path.rename(tmp_path / "moved")
    PLACES[kind](path, moved)
    assert find(cache, ECHO) is None
    assert cache.counts.misses == 1


def test_a_file_that_somebody_removed_is_a_miss_and_can_be_kept_again(tmp_path):
    cache = opened(tmp_path, ECHO)
    path_of(tmp_path, ECHO).unlink()
    assert find(cache, ECHO) is None
    cache.keep(ECHO.sha256, STRICT, ECHO.code)
    assert find(cache, ECHO) == ECHO.code


def test_where_no_folder_can_be_made_nothing_is_kept_and_nothing_fails(tmp_path):
    (tmp_path / "code").write_text("a file in its place")
    cache = opened(tmp_path / "code", ECHO)
    assert find(cache, ECHO) is None
    cache.forget(ECHO.sha256, STRICT)
    assert cache.counts.failed >= 1
    assert cache.counts.misses == 1


def test_a_disk_that_can_be_written_to_again_is_used_again(tmp_path):
    folder = tmp_path / "code"
    folder.write_text("a file in its place")
    cache = opened(folder, ECHO)
    folder.unlink()
    cache.keep(ECHO.sha256, STRICT, ECHO.code)
    assert find(cache, ECHO) == ECHO.code
    assert find(opened(folder), ECHO) == ECHO.code


def test_a_full_disk_leaves_no_half_of_a_file(tmp_path, monkeypatch):
    cache = opened(tmp_path)
    real = os.open

    def open_full(path: Path, *rest: int) -> int:
        return real("/dev/full", os.O_WRONLY) if ".new-" in str(path) else real(path, *rest)

    monkeypatch.setattr(os, "open", open_full)
    cache.keep(ECHO.sha256, STRICT, ECHO.code)
    monkeypatch.undo()
    assert cache.counts == CacheCounts(failed=1)
    assert [item.name for item in tmp_path.iterdir()] == ["key"]
    assert find(cache, ECHO) is None


def test_half_a_file_of_a_killed_node_is_removed_by_the_next(tmp_path):
    (tmp_path / ".new-0123").write_bytes(ECHO.code[:100])
    cache = opened(tmp_path)
    assert [item.name for item in tmp_path.iterdir()] == ["key"]
    assert cache.counts == CacheCounts()


def test_files_that_are_not_the_caches_are_left_alone(tmp_path):
    (tmp_path / "README").write_text("hello")
    opened(tmp_path, *OTHERS, bytes_max=1)
    assert (tmp_path / "README").read_text() == "hello"


def test_what_was_used_least_recently_goes_when_the_cache_is_full(tmp_path):
    cache = opened(tmp_path, *OTHERS[:3], bytes_max=3 * FILE_BYTES)
    assert find(cache, OTHERS[0])
    cache.keep(OTHERS[3].sha256, STRICT, OTHERS[3].code)
    assert [find(cache, each) is not None for each in OTHERS] == [True, False, True, True]
    assert cache.counts.evicted == 1
    assert sum(item.stat().st_size for item in tmp_path.glob("*.code")) <= 3 * FILE_BYTES


def test_the_order_of_use_is_known_to_the_next_run(tmp_path):
    cache = opened(tmp_path, *OTHERS[:3])
    for age, each in enumerate(OTHERS[:3]):
        os.utime(path_of(tmp_path, each), ns=(age, age))
    assert find(cache, OTHERS[0])
    smaller = opened(tmp_path, bytes_max=2 * FILE_BYTES)
    assert [find(smaller, each) is not None for each in OTHERS[:3]] == [True, False, True]


def test_code_larger_than_the_whole_cache_throws_nothing_out(tmp_path):
    cache = opened(tmp_path, OTHERS[0], bytes_max=FILE_BYTES)
    cache.keep(ECHO.sha256, STRICT, bytes(FILE_BYTES))
    assert find(cache, OTHERS[0])
    assert (cache.counts.failed, cache.counts.evicted) == (1, 0)


def test_keeping_the_same_code_again_takes_no_more_room(tmp_path):
    cache = opened(tmp_path, *[OTHERS[0]] * 5, OTHERS[1], bytes_max=2 * FILE_BYTES)
    assert find(cache, OTHERS[0])
    assert cache.counts.evicted == 0


def test_code_that_the_engine_refuses_is_forgotten_and_compiled_anew(tmp_path):
    cache = opened(tmp_path)
    for engine in (Engine(SETTINGS, codes=cache), Engine(SETTINGS, codes=cache)):
        sandbox, _ = start(engine, wat("echo"))
        assert contents(sandbox.handle([request("hello")])) == [b"hello"]
        (file,) = tmp_path.glob("*.code")
        cache.keep(file.name[:64], STRICT, b"of a machine with other instructions")
        engine.close()
    assert (cache.counts.hits, cache.counts.rejected) == (1, 1)


def test_many_threads_share_a_small_cache(tmp_path):
    cache = opened(tmp_path, bytes_max=2 * FILE_BYTES)

    def work(number: int) -> bool:
        each = OTHERS[number % len(OTHERS)]
        cache.keep(each.sha256, STRICT, each.code)
        return find(cache, each) in {each.code, None}

    with ThreadPoolExecutor(8) as pool:
        assert all(pool.map(work, range(200)))
    assert sum(item.stat().st_size for item in tmp_path.glob("*.code")) <= 2 * FILE_BYTES
