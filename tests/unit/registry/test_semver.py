"""Versions of capabilities, and what is no range of them."""

from __future__ import annotations

import pytest

from caxton_node.core.errors import InvalidArgument
from caxton_node.registry.discovery.semver import find_version, read_range, read_version

pytestmark = pytest.mark.story("025")


@pytest.mark.parametrize(
    ("text", "read"), [("1.0", "1.0.0"), ("2", "2.0.0"), ("1.2.3-rc.1+b.5", "1.2.3-rc.1"), ("0.0.0", "0.0.0")]
)
def test_a_version_may_leave_out_its_last_numbers(text: str, read: str) -> None:
    assert str(read_version(text)) == read


@pytest.mark.parametrize(
    "text",
    ["", "v1.0.0", "1.2.3.4", "01.2.3", "1.2.3-", "1.2.3-01", "1.2-rc", "1.x", "latest", "1" * 70, "१.0.0"],
)
def test_what_is_no_version_is_refused(text: str) -> None:
    assert find_version(text) is None
    with pytest.raises(InvalidArgument, match="is not a version"):
        read_version(text)


@pytest.mark.parametrize(
    "text",
    [
        "banana",
        "^",
        ">=",
        "1.2.3.4",
        "1 || banana",
        "^1.2-rc",
        "1 - ",
        "1x",
        ">=1<",
        "a - b",
        "=>1",
        "1.2.3 4x",
    ],
)
def test_what_is_no_range_is_refused(text: str) -> None:
    with pytest.raises(InvalidArgument, match="is not a range"):
        read_range(text)


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("^0.2.3", "0.2.9", "0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0", "0.9.9", "1.0.0"),
        ("~1", "1.9.0", "2.0.0"),
        ("1.2 - 1.4", "1.4.9", "1.5.0"),
        (">=1 <2", "1.99.0", "2.0.0-rc.1"),
        (">1.2", "1.3.0", "1.2.9"),
        (">=1.0.0-rc.1", "1.0.0-rc.2", "1.1.0-rc.1"),
        ("<2.0.0 >=2.0.0-a", "2.0.0-b", "2.0.0"),
    ],
)
def test_ranges_as_npm_and_cargo_read_them(text: str, inside: str, outside: str) -> None:
    assert read_version(inside) in read_range(text)
    assert read_version(outside) not in read_range(text)
