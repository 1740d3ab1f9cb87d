"""One entry of the registry, the rule that settles two versions of it, and how pages of entries are written.

A page is MessagePack `[1, [entry, ...]]`, an entry `[kind, key, value, [clock], stamp, origin, deleted]`:
1 is the version of the format, and a page of another version is refused whole.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Annotated, TypeAlias

import msgspec

from caxton_node.core.errors import InputError
from caxton_node.core.ids import stable_hash
from caxton_node.registry.compression import decompress
from caxton_node.registry.vector_clock import VectorClock

FORMAT = 1
KEY_CHARS_MAX = 512
VALUE_BYTES_MAX = 64 * 1024
PAGE_BYTES_MAX = 256 * 1024
MESSAGE_BYTES_MAX = 1024 * 1024
"""A page, and all that else is in one message."""

Id: TypeAlias = tuple[str, str]
Stamp: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**62)]
Name: TypeAlias = Annotated[str, msgspec.Meta(min_length=1, max_length=64)]


class MalformedPage(InputError):
    """Another node sent registry data that cannot be read; nothing of it was used."""

    code = "MALFORMED_REGISTRY_PAGE"


class Entry(msgspec.Struct, frozen=True, array_like=True, gc=False):
    """One version of one entry; a value that never changes.

    Attributes:
        kind: `instance`, `capability`, ...
        key: Unique within its kind.
        value: MessagePack, read by whoever owns the kind; empty when deleted.
        clock: Which writes this version has seen.
        stamp: When it was written (hybrid logical clock).
        origin: Node that wrote it.
        deleted: A tombstone: the entry is gone, and that is remembered for a while.
    """

    kind: Annotated[str, msgspec.Meta(min_length=1, max_length=32)]
    key: Annotated[str, msgspec.Meta(min_length=1, max_length=KEY_CHARS_MAX)]
    value: Annotated[bytes, msgspec.Meta(max_length=VALUE_BYTES_MAX)]
    clock: VectorClock
    stamp: Stamp
    origin: Name
    deleted: bool = False

    @property
    def id(self) -> Id:
        """Return what all versions of the entry share."""
        return self.kind, self.key

    @property
    def rank(self) -> tuple[int, str]:
        """Return what decides between versions: the stamp, then the node's name."""
        return self.stamp, self.origin

    @property
    def fingerprint(self) -> int:
        """Return 64 bits that tell this version from all others."""
        return stable_hash(f"{self.kind}\0{self.key}\0{self.stamp}\0{self.origin}")


def supersedes(new: Entry, old: Entry) -> bool:
    """Tell whether one version takes the place of another.

    The higher rank wins. Ranks are totally ordered, so merging is taking a maximum: order and repetition of
    deliveries do not matter, and replicas that have seen the same versions hold the same. It also agrees with
    the vector clocks, since whoever writes on top of a version takes a larger stamp. Letting the clocks
    decide first and the stamps only between concurrent versions gives the same answers while every stamp
    obeys, and cycles in which replicas never agree when one does not.

    Source: story 026 (conflicts are resolved by time stamp).
    """
    return new.rank > old.rank


def key_hash(kind: str, key: str) -> int:
    """Return the 64 bits by which an entry is named in comparisons."""
    return stable_hash(f"{kind}\0{key}")


_PAGE = msgspec.msgpack.Decoder(tuple[int, list[Entry]])
_ENCODER = msgspec.msgpack.Encoder()


def encode_entry(entry: Entry) -> msgspec.Raw:
    """Return an entry's bytes, ready to be put into pages."""
    return msgspec.Raw(_ENCODER.encode(entry))


def encode_page(entries: Iterable[Entry | msgspec.Raw]) -> bytes:
    """Return one page with all of these entries."""
    return _ENCODER.encode((FORMAT, list(entries)))


def decode_page(payload: bytes) -> list[Entry]:
    """Return the entries of a page, in its order.

    Raises:
        MalformedPage: It is not a page of this format.
    """
    try:
        version, entries = _PAGE.decode(decompress(payload, MESSAGE_BYTES_MAX))
    except ValueError as err:  # msgspec's own are such errors too
        raise MalformedPage("a registry page cannot be read", why=str(err)) from err
    if version != FORMAT:
        raise MalformedPage(
            f"a registry page has format {version}",
            why=f"this node knows {FORMAT}",
            hint="upgrade the older node",
        )
    return entries


def paginate(entries: Iterable[Entry], bytes_max: int = PAGE_BYTES_MAX) -> Iterator[bytes]:
    """Yield pages of at most `bytes_max` bytes; an entry that is larger alone gets a page of its own."""
    page: list[msgspec.Raw] = []
    room = bytes_max - _PAGE_OVERHEAD
    size = 0
    for entry in entries:
        raw = encode_entry(entry)
        if page and size + len(raw) > room:
            yield encode_page(page)
            page, size = [], 0
        page.append(raw)
        size += len(raw)
    if page:
        yield encode_page(page)


_PAGE_OVERHEAD = 8
