"""Versions and ranges against what the specification says of every pair."""

from __future__ import annotations

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.core.errors import InvalidArgument
from caxton_node.registry.discovery.semver import Version, find_version, read_range, read_version

pytestmark = pytest.mark.story("015")

NUMBER = st.integers(0, 4)
IDENTIFIER = st.one_of(st.integers(0, 12).map(str), st.sampled_from(["alpha", "beta", "rc", "x-1"]))
RELEASES = st.builds(lambda a, b, c: Version((a, b, c)), NUMBER, NUMBER, NUMBER)
VERSIONS = st.builds(
    lambda release, pre: Version(release.numbers, tuple(pre)), RELEASES, st.lists(IDENTIFIER, max_size=3)
)


@given(VERSIONS)
def test_a_version_is_read_as_it_is_written(version: Version) -> None:
    assert read_version(str(version)) == version
    assert find_version(f"{version}+build.7") == version


@given(VERSIONS, VERSIONS, VERSIONS)
def test_versions_are_totally_ordered(a: Version, b: Version, c: Version) -> None:
    assert (a.order == b.order) == (a == b)
    assert (a.order < b.order) != (a.order >= b.order)
    if a.order <= b.order <= c.order:
        assert a.order <= c.order
    if a.numbers == b.numbers and a.pre and not b.pre:
        assert a.order < b.order


@given(RELEASES, RELEASES)
def test_each_sign_means_what_it_says(base: Version, other: Version) -> None:
    above, below = other.order >= base.order, other.order <= base.order
    assert (other in read_range(f">={base}")) is above
    assert (other in read_range(f"<={base}")) is below
    assert (other in read_range(f">{base}")) is not below
    assert (other in read_range(f"<{base}")) is not above
    assert (other in read_range(f"={base}")) is (other in read_range(str(base))) is (above and below)


@given(RELEASES, RELEASES)
def test_a_tilde_keeps_the_minor_version_and_a_caret_the_first_that_is_not_zero(
    base: Version, other: Version
) -> None:
    above = other.order >= base.order
    assert (other in read_range(f"~{base}")) is (above and other.numbers[:2] == base.numbers[:2])
    kept = next((index for index, number in enumerate(base.numbers) if number), 2)
    is_kept = other.numbers[: kept + 1] == base.numbers[: kept + 1]
    assert (other in read_range(f"^{base}")) is (above and is_kept)


@given(NUMBER, NUMBER, RELEASES)
def test_what_is_left_open_may_be_anything(major: int, minor: int, version: Version) -> None:
    has_major = version.numbers[0] == major
    has_both = version.numbers[:2] == (major, minor)
    for text in (f"{major}", f"{major}.x", f"{major}.*", f"{major}.X.X", f"={major}"):
        assert (version in read_range(text)) is has_major
    for text in (f"{major}.{minor}", f"{major}.{minor}.x", f"~{major}.{minor}"):
        assert (version in read_range(text)) is has_both
    assert (version in read_range(f">{major}")) is (version.numbers[0] > major)
    assert (version in read_range(f"<={major}.{minor}")) is (version.numbers[:2] <= (major, minor))
    assert (version in read_range(f"<{major}.{minor}")) is (version.numbers[:2] < (major, minor))
    assert version in read_range("*")
    assert version in read_range("")


@given(RELEASES, RELEASES, RELEASES)
def test_comparators_hold_together_and_bars_hold_either(a: Version, b: Version, version: Version) -> None:
    both = version in read_range(f">={a}") and version in read_range(f"<{b}")
    either = version in read_range(f"^{a}") or version in read_range(f"~{b}")
    assert (version in read_range(f">={a} <{b}")) is (version in read_range(f">= {a}, < {b}")) is both
    assert (version in read_range(f"^{a} || ~{b}")) is either
    assert (version in read_range(f"{a} - {b}")) is (a.order <= version.order <= b.order)


@given(VERSIONS.filter(lambda version: bool(version.pre)), RELEASES)
def test_a_pre_release_is_only_for_those_who_name_one_of_the_same_numbers(
    version: Version, base: Version
) -> None:
    for text in (f">={base}", f"^{base}", f"<={base}", f">{base.numbers[0]}", "*"):
        assert version not in read_range(text)
    numbers = ".".join(map(str, version.numbers))
    assert version in read_range(f">={numbers}-0 <={version}")
    assert Version(version.numbers) in read_range(f">={version}")


@given(st.text(max_size=30))
def test_anything_else_is_refused_and_never_a_crash(text: str) -> None:
    version = find_version(text)
    if version is not None:
        assert find_version(str(version)) == version
    with suppress(InvalidArgument):
        read_range(text)
