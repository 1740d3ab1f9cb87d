from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest

from tests.support.guests import ROOT, rust

SDK = ROOT / "sdk" / "rust"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """The build program of the Rust SDK, which is no package."""
    spec = importlib.util.spec_from_file_location("caxton_rust_build", SDK / "build.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.story("001")
def test_committed_modules_are_what_their_sources_and_the_manifest_say(build: ModuleType) -> None:
    # Without Debian's rustc 1.63 this compares digests; with it, a rebuild gives the same bytes.
    assert build.check() == []


@pytest.mark.story("001")
def test_the_sdks_own_tests_pass_where_its_compiler_is(build: ModuleType) -> None:
    assert build.find_compiler() is None or build.run_tests() == 0


@pytest.mark.story("001")
def test_a_changed_source_is_noticed_without_any_compiler(
    build: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(build, "find_compiler", lambda: None)
    monkeypatch.setattr(build, "source_digest", lambda _name: "another")
    assert "build.py --write" in build.check()[0]


@pytest.mark.story("001")
@pytest.mark.parametrize("name", ["buyer", "contractor", "greeter", "shouter"])
def test_no_path_of_the_building_machine_is_in_a_module(name: str) -> None:
    data = rust(name)
    for path in (str(ROOT), str(Path.home()), "/tmp/"):
        assert path.encode() not in data


@pytest.mark.story("001")
def test_the_crate_asks_for_the_compiler_that_builds_it() -> None:
    text = (SDK / "caxton-agent" / "Cargo.toml").read_text()
    assert 'rust-version = "1.63"' in text
    assert text.rstrip().endswith("[dependencies]")
