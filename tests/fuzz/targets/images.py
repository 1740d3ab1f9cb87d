"""Bytes that should be a memory image: refused with a reason, or restored exactly as they say."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from struct import pack

import msgspec
import wasmtime

from caxton_node.core.errors import CaxtonError, ResourceLimit
from caxton_node.runtime import Limits, Profile, StartFailed
from caxton_node.runtime.exposing import GlobalSlot, expose
from caxton_node.runtime.images import BLOCK_BYTES, BrokenImage, Image, ImageMismatch, Origin, unpack
from caxton_node.runtime.imaging import restore, take
from caxton_node.runtime.limits import PAGE_BYTES
from caxton_node.runtime.native import Guest
from caxton_node.runtime.settings import EngineSettings, make_config
from tests.fuzz.puppets import check_trap, dress, puppet
from tests.fuzz.source import Source, inflate
from tests.fuzz.text import check_text

MEMORY_BYTES_MAX = 5 * PAGE_BYTES
EXAMPLES = 300
TEXT_CHARS_MAX = 1_000
LIMITS = Limits(memory_bytes=MEMORY_BYTES_MAX, fuel_per_message=20_000, wall_time_s=600)
_TEXT = """(module (memory (export "memory") 2 4) (data (i32.const 70000) "fresh")
  (data (i32.const 131000) "end")
  (global (mut i32) (i32.const 1)) (global (mut i64) (i64.const 2))
  (global (mut f32) (f32.const nan)) (global (mut f64) (f64.const 4)))"""
_SHA256 = "ab" * 32


@cache
def _module() -> tuple[wasmtime.Engine, wasmtime.InstancePre, tuple[GlobalSlot, ...]]:
    engine = wasmtime.Engine(make_config(Profile(), EngineSettings()))
    exposed = expose(bytes(wasmtime.wat2wasm(_TEXT)))
    pre = wasmtime.Linker(engine).instantiate_pre(wasmtime.Module(engine, exposed.binary))
    return engine, pre, exposed.globals


def check(data: bytes) -> None:
    """Take the input as it is, or as the parts of an image whose checksum is right; then restore it."""
    source = Source(data)
    packed = source.rest() if source.number() % 2 else _assemble(source)
    try:
        image = unpack(packed, memory_bytes_max=MEMORY_BYTES_MAX)
    except (BrokenImage, ResourceLimit) as error:
        check_text(str(error), TEXT_CHARS_MAX)
        return
    assert image.memory_bytes <= MEMORY_BYTES_MAX
    _check_runs(image)
    assert unpack(image.pack(), memory_bytes_max=MEMORY_BYTES_MAX) == image
    _restore(image)
    _start(replace(image, module_sha256=puppet().sha256).pack())


def _check_runs(image: Image) -> None:
    end = total = 0
    for first, count in image.runs:
        assert end <= first < first + count <= image.memory_bytes // BLOCK_BYTES
        end, total = first + count, total + count
    assert len(image.content) == total * BLOCK_BYTES


def _assemble(source: Source) -> bytes:
    """Write pages and a header that the input holds, with their checksum, and content that may fit."""
    pages, length, blocks = source.number() % 8, source.number(2) % 512, source.number() % 80
    header = source.take(length)
    content = inflate(source.rest(), blocks * BLOCK_BYTES).ljust(blocks * BLOCK_BYTES, b"\x5a")
    prefix = pack("<4sIIII", b"CXIM", 1, pages, len(header), zlib.crc32(header, pages))
    return prefix + header + zlib.compress(content, 1)


def _restore(image: Image) -> None:
    engine, pre, slots = _module()
    guest = Guest(engine)
    guest.limit(MEMORY_BYTES_MAX, 10)
    try:
        guest.refill(1_000, 1_000)
        guest.instantiate(pre)
        memory = guest.find_memory()
        assert memory is not None
        fresh = take(guest, memory, Origin(_SHA256, image.profile, slots))
        for digest in (_SHA256, image.module_sha256):
            origin = Origin(digest, image.profile, slots)
            try:
                restore(image, guest, memory, origin, memory_bytes_max=MEMORY_BYTES_MAX)
            except (ImageMismatch, BrokenImage, ResourceLimit) as error:
                check_text(str(error), TEXT_CHARS_MAX)
                assert take(guest, memory, Origin(_SHA256, image.profile, slots)) == fresh
            else:
                _check_same(image, take(guest, memory, origin, block=image.block))
                return
    finally:
        guest.close()


def _start(packed: bytes) -> None:
    """Let the puppet go on from this state, if it is one of its own."""
    sandbox = dress(puppet(), LIMITS, b"")
    try:
        sandbox.start_from_image(packed)
        outcome = sandbox.handle([b"hello"])
        if outcome.trap is not None:
            check_trap(outcome.trap)
    except StartFailed as error:
        check_trap(error.trap)
    except CaxtonError as error:
        check_text(str(error), TEXT_CHARS_MAX)
    finally:
        sandbox.close()


def _check_same(image: Image, found: Image) -> None:
    """The memory is equal; which of its zeros are written down may differ."""
    assert _memory(found) == _memory(image)
    assert replace(found, runs=image.runs, content=image.content) == image


def _memory(image: Image) -> bytes:
    memory, at = bytearray(image.memory_bytes), 0
    for first, count in image.runs:
        length = count * BLOCK_BYTES
        memory[first * BLOCK_BYTES : first * BLOCK_BYTES + length] = image.content[at : at + length]
        at += length
    return bytes(memory)


_RUNS = (
    (2, ((0, 1),)), (3, ((0, 2), (17, 3))), (4, ((63, 1),)), (1, ()),
    (2, ((5, 1), (4, 1))), (2, ((5, 1), (5, 1))), (2, ((31, 2),)),
)  # fmt: skip
_GLOBALS = ((7, 2**63, 2**31, 9), (2**32, 0, 0, 0), (0, 0, 0), (1, 2, 2**40, 3))


def seeds() -> Iterator[bytes]:
    """Images that fit, of more pages, of another module, and damaged ones; one of the puppet."""
    for pages, runs in _RUNS:
        content = bytes(range(256)) * 16 * sum(count for _, count in runs)
        yield from _both_forms(Image(_SHA256, "both", pages, 64, _GLOBALS[0], runs, content).pack())
    for values in _GLOBALS:
        yield bytes([1]) + Image(_SHA256, "both", 2, 64, values, (), b"").pack()
    yield bytes([1]) + b"CXIM" + bytes(16)
    header = msgspec.msgpack.encode((bytes(32), "", 2**32 - 1, (0,) * 5, ((0, 2**64 - 1),)))
    yield bytes([0, 2]) + len(header).to_bytes(2, "little") + bytes([1]) + header
    sandbox = dress(puppet(), LIMITS, b"")
    sandbox.start({})
    yield from _both_forms(sandbox.take_image())
    assert sandbox._memory is not None
    sandbox._memory.refresh()[64] = 9  # no ABI that there is
    yield bytes([1]) + sandbox.take_image()
    sandbox.close()


def _both_forms(packed: bytes) -> Iterator[bytes]:
    """Return an image as it is, and taken apart as `_assemble` reads it."""
    yield bytes([1]) + packed
    header = packed[20 : 20 + int.from_bytes(packed[12:16], "little")]
    content = zlib.decompress(packed[20 + len(header) :])
    parts = bytes([0, packed[8]]), len(header).to_bytes(2, "little"), bytes([len(content) // BLOCK_BYTES])
    yield b"".join((*parts, header, content))
