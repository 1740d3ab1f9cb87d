"""The fuzzing of `make fuzz` in small, the same in every run: all kept inputs, and some that are made up."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from caxton_node.core.errors import InvalidModule
from tests.fuzz.__main__ import read_log
from tests.fuzz.modules import pool
from tests.fuzz.source import Source, inflate
from tests.fuzz.surgery import put_together, take_apart
from tests.fuzz.target import FOLDER, NAMES, Target, load
from tests.fuzz.text import check_text

pytestmark = pytest.mark.story("001")

FILES_MAX, BYTES_MAX = 200, 1_000_000


def check(target: Target, data: bytes, name: str) -> None:
    try:
        target.check(data)
    except BaseException as error:
        error.add_note(f"target {target.name}, input {name}: {data[:400]!r}")
        raise


@pytest.mark.parametrize("name", NAMES)
def test_no_seed_and_no_kept_input_finds_a_fault(name: str) -> None:
    target = load(name)
    for number, data in enumerate(target.seeds()):
        check(target, data, f"seed {number}")
    for path in target.kept():
        check(target, path.read_bytes(), str(path))


@pytest.mark.parametrize("name", NAMES)
def test_no_made_up_input_finds_a_fault(name: str) -> None:
    target = load(name)
    begin = [*target.seeds(), *(path.read_bytes() for path in target.kept())]
    varied = st.builds(target.vary, st.sampled_from(begin), st.integers(0, 2**32 - 1))

    @settings(
        max_examples=target.examples,
        derandomize=True,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),  # most of them are about time
    )
    @given(st.binary(max_size=200) | varied | varied)
    def run(data: bytes) -> None:
        check(target, data, "made up")

    run()


def test_what_is_kept_stays_small() -> None:
    files = [path for folder in ("corpus", "regressions") for path in (FOLDER / folder).glob("*/*")]
    assert len(files) <= FILES_MAX
    assert sum(path.stat().st_size for path in files) <= BYTES_MAX
    assert {path.parent.name for path in files} == set(NAMES)


def test_a_module_that_is_taken_apart_and_put_together_is_the_same_module() -> None:
    for module in pool():
        parts = take_apart(module)
        assert all(part.kind >= 0 for part in parts)
        assert take_apart(put_together(parts)) == parts


def test_variants_differ_from_one_seed_to_the_next_and_not_from_one_run_to_the_next() -> None:
    for name in NAMES:
        target = load(name)
        data = max(target.seeds(), key=len)
        variants = [target.vary(data, seed) for seed in range(20)]
        assert variants == [target.vary(data, seed) for seed in range(20)]
        assert len(set(variants)) > 10, name
        assert all(len(variant) <= target.size_max for variant in variants)


def test_choices_end_where_the_input_ends() -> None:
    source = Source(b"\x05ab")
    assert (source.pick("xyz"), source.take(9), source.number(4), source.pick("xyz")) == ("z", b"ab", 0, "x")
    assert source.at_end
    assert inflate(b"a\xc1\x03bc", 100) == b"abbbbbbbbc"
    assert inflate(b"a\xc1\x17b", 100) == b"a" + b"b" * 99


@pytest.mark.parametrize("text", ["a\nb", "a\u2028b", "\x1b[2J", "\u202eabc", "\ud800", "x" * 101, "\x85"])
def test_text_that_could_deceive_is_found(text: str) -> None:
    with pytest.raises(AssertionError):
        check_text(text, 100)
    check_text("tab\tand ünïcode are fine", 100)


def test_a_fault_in_what_is_tested_is_reported_with_its_input(monkeypatch: pytest.MonkeyPatch) -> None:
    target = load("module_bytes")

    def fail(*_: object) -> None:
        raise InvalidModule("a\x1b[2Jb")

    monkeypatch.setattr("caxton_node.runtime.engine.Engine.compile", fail)
    with pytest.raises(AssertionError, match="control character") as caught:
        check(target, b"\0asm", "x")
    assert "target module_bytes, input x" in caught.value.__notes__[0]


def test_the_summary_of_a_run_is_read_from_what_libfuzzer_prints() -> None:
    clean = "#10\tNEW    cov: 31 ft: 1\n#4178\tDONE   cov: 33 ft: 172\nstat::number_of_executed_units: 4178\n"
    done = read_log(f"{clean}stat::new_units_added:          133\n", 0)
    assert (done.executions, done.edges, done.new_inputs, done.ok) == (4178, 33, 133, True)
    crashed = read_log(f"{clean}artifact_prefix='x'; Test unit written to x-crash-1f\n", 77)
    assert (crashed.crash, crashed.ok) == ("x-crash-1f", False)
    assert not read_log("", 0).ok
