"""Pages of entries: round trip, bounds, and refusal of anything else."""

from __future__ import annotations

import msgspec
import pytest

from caxton_node.registry.entry import Entry, MalformedPage, decode_page, encode_page, paginate
from caxton_node.registry.vector_clock import VectorClock

pytestmark = pytest.mark.story("026")


def entry(key: str = "k", size: int = 10, stamp: int = 5) -> Entry:
    return Entry("instance", key, b"v" * size, VectorClock({"alpha": 1}), stamp, "alpha")


def test_a_page_survives_being_written_and_read() -> None:
    entries = [entry("a"), entry("b")]
    assert decode_page(encode_page(entries)) == entries


def test_pages_keep_to_their_bound_and_lose_nothing() -> None:
    entries = [entry(f"k{n}", size=n % 700) for n in range(300)]
    pages = list(paginate(entries, 900))
    assert all(len(page) <= 900 for page in pages)
    assert [one for page in pages for one in decode_page(page)] == entries
    assert len(pages) < 200


def test_an_entry_larger_than_a_page_travels_alone() -> None:
    pages = list(paginate([entry("a"), entry("b", size=2000), entry("c")], 900))
    assert [len(decode_page(page)) for page in pages] == [1, 1, 1]


@pytest.mark.parametrize(
    "payload",
    [
        b"",
        b"\xc1",
        b"hello",
        msgspec.msgpack.encode((1, "x")),
        msgspec.msgpack.encode((1, [["instance", "k", b"", [{}], -1, "alpha", False]])),
        msgspec.msgpack.encode((1, [["instance", "k" * 600, b"", [{}], 1, "alpha", False]])),
        msgspec.msgpack.encode((1, [["instance", "k", b"", [{"a": "b"}], 1, "alpha", False]])),
        encode_page([entry()]) + b"x",
        encode_page([entry()])[:-1],
    ],
)
def test_anything_else_is_refused_whole(payload: bytes) -> None:
    with pytest.raises(MalformedPage):
        decode_page(payload)


def test_a_page_of_another_format_is_refused_by_name() -> None:
    with pytest.raises(MalformedPage, match="has format 2"):
        decode_page(msgspec.msgpack.encode((2, [])))
