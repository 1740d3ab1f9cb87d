"""Whatever text comes in: a value inside its bounds, or an error that says what was expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from caxton_node.config import SETTINGS, Config, Setting, load
from caxton_node.config.setting import Kind
from caxton_node.config.values import Unfit, read_value
from caxton_node.core.errors import InvalidConfig

ANY_SETTING = st.sampled_from(SETTINGS)
ANY_TEXT = st.text(max_size=20) | st.from_regex(r"[0-9.]{1,6}[a-zA-Z]{0,3}", fullmatch=True)


def attempt(action: Callable[[], object]) -> object:
    try:
        return action()
    except (Unfit, InvalidConfig) as err:
        return err


@given(ANY_SETTING, ANY_TEXT)
def test_a_text_gives_a_value_in_bounds_or_says_what_was_expected(setting: Setting, text: str) -> None:
    value = attempt(lambda: read_value(setting, text))
    if isinstance(value, Unfit):
        assert value.expected
    if isinstance(value, int | float) and setting.minimum is not None:
        assert value >= setting.minimum
    if isinstance(value, int | float) and setting.maximum is not None:
        assert value <= setting.maximum


@given(st.integers(0, 10**6), st.sampled_from([("ms", 1e-3), ("s", 1.0), ("m", 60.0), ("h", 3600.0)]))
def test_durations_are_their_number_times_their_unit(number: int, unit: tuple[str, float]) -> None:
    setting = Setting("a.b", Kind.DURATION, "s", None, reloadable=False, help="")
    assert read_value(setting, f"{number}{unit[0]}") == pytest.approx(number * unit[1])


TREES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["mesh", "port", "node", "id", "x"]), inner, max_size=3)
    ),
    max_leaves=8,
)


@given(TREES)
def test_any_yaml_is_loaded_or_refused_with_its_place(
    tmp_path_factory: pytest.TempPathFactory, tree: object
) -> None:
    path = Path(tmp_path_factory.getbasetemp() / "any.yaml")
    path.write_text(yaml.safe_dump(tree))
    outcome = attempt(lambda: load(path=path, environ={}))
    assert isinstance(outcome, Config) or (isinstance(outcome, InvalidConfig) and str(path) in outcome.what)
