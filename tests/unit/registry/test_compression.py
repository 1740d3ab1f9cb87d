"""Pages that travel compressed."""

from __future__ import annotations

import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.registry.compression import WORTH_BYTES, compress, decompress
from caxton_node.registry.entry import MESSAGE_BYTES_MAX, MalformedPage, decode_page, encode_page
from caxton_node.registry.replica import Replica

pytestmark = pytest.mark.story("026")

NOW_US = 1_700_000_000_000_000


@given(st.lists(st.binary(max_size=200), max_size=40))
def test_a_page_is_the_same_afterwards(values: list[bytes]) -> None:
    replica = Replica("alpha")
    for number, value in enumerate(values):
        replica.put("route", f"r{number}", value, NOW_US)
    page = encode_page(replica.entries())
    assert decode_page(compress(page)) == decode_page(page)


def test_small_pages_are_left_as_they_are_and_large_ones_shrink() -> None:
    assert compress(b"\x92" + b"v" * 100) == b"\x92" + b"v" * 100
    assert len(compress(b"\x92" + b"v" * WORTH_BYTES)) < 100


@pytest.mark.parametrize(
    "page",
    [
        zlib.compress(b"\0" * (MESSAGE_BYTES_MAX + 1)),
        zlib.compress(b"\x92" + b"v" * 5000)[:-8],
        b"\x78nonsense",
    ],
    ids=["too large", "cut short", "garbage"],
)
def test_a_page_that_does_not_unpack_is_refused(page: bytes) -> None:
    with pytest.raises(MalformedPage):
        decode_page(page)
    with pytest.raises(ValueError, match=r"."):
        decompress(page, MESSAGE_BYTES_MAX)
