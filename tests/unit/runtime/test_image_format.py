from __future__ import annotations

import struct
import tracemalloc
import zlib
from collections.abc import Iterator
from contextlib import contextmanager

import msgpack
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from caxton_node.core.errors import ResourceLimit
from caxton_node.runtime.images import BLOCK_BYTES, BrokenImage, Image, unpack
from caxton_node.runtime.limits import PAGE_BYTES

pytestmark = pytest.mark.story("047")

LIMIT = 10 * 1024 * 1024
GOOD = Image("ab" * 32, "both", 4, 64, (1, 2**64 - 1), ((0, 1), (3, 2)), bytes(range(256)) * 48)


def packed(
    header: object = None,
    content: bytes = GOOD.content,
    *,
    version: int = 1,
    pages: int = 4,
    checksum: int | None = None,
) -> bytes:
    """Write an image by hand; parts of it may be wrong."""
    fields = [bytes.fromhex(GOOD.module_sha256), "both", 64, GOOD.globals, GOOD.runs]
    data = msgpack.packb(fields if header is None else header)
    crc = zlib.crc32(data, pages) if checksum is None else checksum
    return struct.pack("<4sIIII", b"CXIM", version, pages, len(data), crc) + data + zlib.compress(content, 1)


def fields(**changed: object) -> list[object]:
    names = {
        "digest": b"\xab" * 32,
        "profile": "both",
        "block": 64,
        "globals": [1, 2],
        "runs": [[0, 1], [3, 2]],
    }
    return list((names | changed).values())


def test_the_format_is_what_its_description_says() -> None:
    assert unpack(packed(), memory_bytes_max=LIMIT) == GOOD
    assert unpack(GOOD.pack(), memory_bytes_max=LIMIT) == GOOD


BROKEN = [
    (b"", "not a memory image"),
    (b"CXIM", "not a memory image"),
    (b"\0asm\x01\0\0\0" * 9, "not a memory image"),
    (packed(version=2), "format 2"),
    (packed(checksum=1), "checksum"),
    (packed(header="text"), "header: Expected `array`"),
    (packed(fields()[:-1]), "header"),
    (packed([*fields(), 1]), "header"),
    (packed(fields(digest=b"short")), "header"),
    (packed(fields(digest="a" * 32)), "header"),
    (packed(fields(profile="x" * 201)), "header"),
    (packed(fields(block=2**32)), "header"),
    (packed(fields(block=4 * PAGE_BYTES - 19)), "control block"),
    (packed(fields(globals=[-1])), "header"),
    (packed(fields(globals=[1.5])), "header"),
    (packed(fields(globals=[0] * 1_001)), "header"),
    (packed(fields(runs=[[0, 0]])), "header"),
    (packed(fields(runs=[[-1, 1]])), "header"),
    (packed(fields(runs=[[0, 1, 1]])), "header"),
    (packed(fields(runs=[[3, 2], [0, 1]])), "begins before"),
    (packed(fields(runs=[[0, 2], [1, 1]])), "begins before"),
    (packed(fields(runs=[[63, 2]])), "content behind"),
    (packed(fields(runs=[[2**64 - 1, 2**64 - 1]])), "content behind"),
    (packed(fields(runs=[])), "not the 0 bytes"),
    (packed(content=b""), "not the 12,288 bytes"),
    (packed(content=GOOD.content + b"\0"), "not the 12,288 bytes"),
    (packed() + b"\0", "1 bytes follow"),
    (packed()[:-1], "not the 12,288 bytes"),
    (packed()[:-200], "broken"),
    (packed(fields(runs=[[0, 1]] * 9_000)), "header has"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("data", "match"), BROKEN, ids=[f"{at}: {match}" for at, (_, match) in enumerate(BROKEN)]
)
def test_bytes_that_are_no_image_are_refused_with_a_reason(data: bytes, match: str) -> None:
    with pytest.raises(BrokenImage) as caught:
        unpack(data, memory_bytes_max=LIMIT)
    assert match in str(caught.value)


def test_a_bomb_is_stopped_at_the_size_that_it_declares() -> None:
    bomb = zlib.compress(bytes(50_000_000), 1)
    with measured_peak() as peak, pytest.raises(BrokenImage, match="broken"):
        unpack(packed()[: -len(zlib.compress(GOOD.content, 1))] + bomb, memory_bytes_max=LIMIT)
    assert peak[0] < 2_000_000


def test_a_declared_size_above_the_limit_costs_no_memory() -> None:
    content = bytes(50_000_000)
    for pages in (161, 65_536, 2**32 - 1):
        data = packed(fields(runs=[[0, 16 * pages]]), content, pages=pages)
        with (
            measured_peak() as peak,
            pytest.raises(ResourceLimit, match=f"needs {pages * PAGE_BYTES:,} bytes"),
        ):
            unpack(data, memory_bytes_max=LIMIT)
        assert peak[0] < 100_000


@contextmanager
def measured_peak() -> Iterator[list[int]]:
    """Tell the most memory that Python had meanwhile, beyond what it had before."""
    peak = [0]
    tracemalloc.start()
    try:
        yield peak
        peak[0] = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def test_every_cut_and_every_flipped_bit_is_noticed() -> None:
    data = GOOD.pack()
    for end in range(len(data)):
        with pytest.raises(BrokenImage):
            unpack(data[:end], memory_bytes_max=LIMIT)
    for bit in range(8 * len(data)):
        flipped = bytearray(data)
        flipped[bit // 8] ^= 1 << bit % 8
        try:
            assert unpack(bytes(flipped), memory_bytes_max=LIMIT) == GOOD  # bits of zlib that mean nothing
        except (BrokenImage, ResourceLimit):
            continue


@given(st.binary(max_size=80), st.integers(0, 2**32 - 1))
@settings(deadline=None)
def test_any_header_ends_in_an_image_or_an_error(header: bytes, pages: int) -> None:
    prefix = struct.pack("<4sIIII", b"CXIM", 1, pages, len(header), zlib.crc32(header, pages))
    with pytest.raises((BrokenImage, ResourceLimit)):
        unpack(prefix + header, memory_bytes_max=LIMIT)


blocks = st.integers(0, 40).flatmap(lambda count: st.lists(st.booleans(), min_size=count, max_size=count))


@given(blocks, st.lists(st.integers(0, 2**64 - 1), max_size=5))
@settings(deadline=None)
def test_any_image_comes_back_as_it_was(filled: list[bool], values: list[int]) -> None:
    runs = tuple((at, 1) for at, mark in enumerate(filled) if mark)
    content = b"".join(bytes([at]) * BLOCK_BYTES for at, _ in runs)
    image = Image("0f" * 32, "deadline+simd", 3, 0, tuple(values), runs, content)
    assert unpack(image.pack(), memory_bytes_max=3 * PAGE_BYTES) == image
