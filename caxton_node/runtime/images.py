"""Memory images: the state of an agent between two calls, as a value. Pure; `imaging.py` takes them.

An image is a warm start (restore instead of `caxton_init`), a checkpoint, and a way to move an agent. It fits
every fresh instance of the same module, if that module is whole (`exposing.py`): then memory and mutable
globals are all there is. What the host keeps for an agent is not in it: its log quota, its clock, the seed of
its random numbers.

    packed    "CXIM", then u32 little-endian: version, pages, header length, CRC-32; header, content
    header    MessagePack array: module digest, profile, control block, globals, runs
    runs      [first block, blocks], ascending, of the 4 KiB blocks that hold anything but zeros
    content   those blocks, as one zlib stream of level 1; its Adler-32 covers them, the CRC all before

Nothing in a packed image is believed: sizes are checked against the memory limit before there is memory for
them. Addresses inside the content are the guest's own business.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from struct import Struct as Format
from typing import Annotated

import msgspec
from msgspec import Meta

from caxton_node.core.errors import InputError, ResourceLimit, StateError
from caxton_node.runtime import abi
from caxton_node.runtime.exposing import SLOTS_MAX, GlobalSlot
from caxton_node.runtime.limits import PAGE_BYTES

VERSION = 1
BLOCK_BYTES = 4_096
BLOCKS_A_PAGE = PAGE_BYTES // BLOCK_BYTES
_MAGIC = b"CXIM"
_PREFIX = Format("<4sIIII")

Run = tuple[Annotated[int, Meta(ge=0)], Annotated[int, Meta(ge=1)]]


class BrokenImage(InputError):
    """Bytes that are not a memory image of an agent; nothing of them was used."""

    code = "BROKEN_IMAGE"


class ImageMismatch(StateError):
    """A memory image belongs to another module than the instance; the instance is as it was."""

    code = "IMAGE_MISMATCH"


@dataclass(frozen=True, slots=True)
class Origin:
    """What images are taken from and fit into.

    Attributes:
        module_sha256: Digest of the module before exports were added, in hex.
        profile: Key of the engine's profile.
        globals: Its mutable globals; the module must be whole.
    """

    module_sha256: str
    profile: str
    globals: tuple[GlobalSlot, ...]


@dataclass(frozen=True, slots=True)
class Image:
    """The state of one instance at rest.

    Attributes:
        module_sha256: Digest of its module, in hex.
        profile: Key of the profile it ran under. An image fits under any profile that compiles the module;
            whoever needs more compares this.
        pages: Size of its memory, in pages of 64 KiB.
        block: Address of its control block, since `caxton_abi_v1` is called once in the life of a state.
        globals: The bits of its mutable globals, in the order of `Origin.globals`.
        runs: Which blocks of 4 KiB are in `content`, as (first, count), ascending; all others hold zeros.
        content: Those blocks.
    """

    module_sha256: str
    profile: str
    pages: int
    block: int
    globals: tuple[int, ...]
    runs: tuple[Run, ...]
    content: bytes

    @property
    def memory_bytes(self) -> int:
        """Return the size of the memory that it needs."""
        return self.pages * PAGE_BYTES

    def pack(self) -> bytes:
        """Return it as bytes for disk or wire.

        Takes about 10 ms for a megabyte of content, most of it without the GIL.
        """
        digest = bytes.fromhex(self.module_sha256)
        header = _encode(_Header(digest, self.profile, self.block, self.globals, self.runs))
        prefix = _PREFIX.pack(_MAGIC, VERSION, self.pages, len(header), zlib.crc32(header, self.pages))
        return b"".join((prefix, header, zlib.compress(self.content, 1)))


class _Header(msgspec.Struct, array_like=True, frozen=True, forbid_unknown_fields=True):
    module_sha256: Annotated[bytes, Meta(min_length=32, max_length=32)]
    profile: Annotated[str, Meta(max_length=200)]
    block: Annotated[int, Meta(ge=0, lt=2**32)]
    globals: Annotated[tuple[Annotated[int, Meta(ge=0)], ...], Meta(max_length=SLOTS_MAX)]
    runs: tuple[Run, ...]


_encode = msgspec.msgpack.Encoder().encode
_decode = msgspec.msgpack.Decoder(_Header).decode


def unpack(data: bytes, *, memory_bytes_max: int) -> Image:
    """Read a packed image.

    Args:
        data: What `Image.pack` returned, or anything at all.
        memory_bytes_max: Memory limit of the agent that it is for, in bytes.

    Raises:
        BrokenImage: It is no image, of a later version, damaged, or contradicts itself.
        ResourceLimit: It needs more memory than the agent may have.
    """
    pages, length, checksum = _read_prefix(data)
    check_memory(pages * PAGE_BYTES, memory_bytes_max)
    stop = _PREFIX.size + length
    # An array of a few bytes costs a hundred when it is decoded, so what cannot be true is not decoded.
    if stop > len(data) or length > _header_bytes_max(pages):
        raise broken(f"its header has {length:,} bytes")
    view = memoryview(data)
    if zlib.crc32(view[_PREFIX.size : stop], pages) != checksum:
        raise broken("its header does not have the checksum that was written")
    header = _read_header(view[_PREFIX.size : stop])
    if header.block and header.block + abi.BLOCK_BYTES > pages * PAGE_BYTES:
        raise broken(f"its control block at {header.block:#x} is outside of its memory")
    content = _inflate(view[stop:], _count_blocks(header.runs, pages) * BLOCK_BYTES)
    digest = header.module_sha256.hex()
    return Image(digest, header.profile, pages, header.block, header.globals, header.runs, content)


def _read_prefix(data: bytes) -> tuple[int, int, int]:
    if len(data) < _PREFIX.size or not data.startswith(_MAGIC):
        raise BrokenImage("this is not a memory image", why=f"it has {len(data)} bytes: {bytes(data[:8])!r}")
    _, version, pages, length, checksum = _PREFIX.unpack_from(data)
    if version != VERSION:
        raise BrokenImage(f"this is a memory image of format {version}", why=f"this node reads {VERSION}")
    return pages, length, checksum


def _read_header(data: memoryview) -> _Header:
    try:
        return _decode(data)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise broken(f"header: {error}") from None


def _header_bytes_max(pages: int) -> int:
    """Return what a header can need: at worst every other block is a run of its own."""
    return 512 + 9 * SLOTS_MAX + 11 * pages * BLOCKS_A_PAGE // 2


def _count_blocks(runs: tuple[Run, ...], pages: int) -> int:
    end = total = 0
    for first, count in runs:
        if first < end:
            raise broken(f"its run at block {first} begins before the last one ends")
        end = first + count
        total += count
    if end > pages * BLOCKS_A_PAGE:
        raise broken(f"it has {pages} pages and content behind them")
    return total


def _inflate(body: memoryview, length: int) -> bytes:
    """Decompress into exactly this length; one byte more is asked for, to see a stream that goes on."""
    stream = zlib.decompressobj()
    try:
        content = stream.decompress(body, length + 1)
    except zlib.error as error:
        raise broken(str(error)) from None
    if len(content) != length or not stream.eof:
        raise broken(f"its content is not the {length:,} bytes that its header declares")
    if stream.unused_data:
        raise broken(f"{len(stream.unused_data):,} bytes follow its end")
    return content


def broken(why: str) -> BrokenImage:
    """Return the error for an image with this fault."""
    return BrokenImage("the memory image is broken", why=why, hint="start the agent without it")


def check_memory(needed: int, memory_bytes_max: int) -> None:
    """Refuse an image whose memory, in bytes, is above the limit.

    Raises:
        ResourceLimit: It is; says both.
    """
    if needed > memory_bytes_max:
        raise ResourceLimit(
            f"the memory image needs {needed:,} bytes of memory",
            why=f"the agent may have {memory_bytes_max:,}",
            hint="raise memory_bytes of the agent, or start it without the image",
        )


def check_fit(image: Image, origin: Origin) -> None:
    """Refuse an image that was not taken from this module.

    Raises:
        ImageMismatch: It is of another module.
        BrokenImage: It does not have the globals that the module has.
    """
    if image.module_sha256 != origin.module_sha256:
        raise ImageMismatch(
            f"the memory image is of module {image.module_sha256[:12]}",
            why=f"the agent runs module {origin.module_sha256[:12]}",
            hint="use the agent's own checkpoint to go from one version to the next",
        )
    if len(image.globals) != len(origin.globals):
        raise broken(f"it has {len(image.globals)} globals; its module has {len(origin.globals)}")
    for slot, bits in zip(origin.globals, image.globals, strict=True):
        if bits >> (32 if slot.type in {"i32", "f32"} else 64):
            raise broken(f"{bits:#x} does not fit global {slot.index} of type {slot.type}")
