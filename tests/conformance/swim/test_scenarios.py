"""Every scenario is shown by a test, or it says why it does not apply."""

from __future__ import annotations

import pytest

from tests.conformance.swim.scenarios import DIFFERENT, GROUPS, NOT_APPLICABLE, SCENARIOS
from tests.conformance.swim.showing import Showing, showings, showings_in

pytestmark = pytest.mark.story("018")


def test_the_table_has_112_scenarios_each_in_one_group() -> None:
    assert list(SCENARIOS) == list(range(1, 113))
    assert [number for numbers in GROUPS.values() for number in numbers] == list(SCENARIOS)


def test_every_scenario_is_shown_or_says_why_it_does_not_apply() -> None:
    shown = {showing.number for showing in showings()}
    assert sorted(set(SCENARIOS) - shown - set(NOT_APPLICABLE)) == []
    assert sorted(shown & set(NOT_APPLICABLE)) == []


def test_only_scenarios_of_the_table_are_named() -> None:
    named = {showing.number for showing in showings()} | set(NOT_APPLICABLE) | set(DIFFERENT)
    assert sorted(named - set(SCENARIOS)) == []


def test_markers_are_found_on_functions_and_methods() -> None:
    source = (
        "@pytest.mark.scenario(3, 1)\n@pytest.mark.story('018')\ndef test_a(): ...\n"
        "class TestB:\n    @pytest.mark.scenario(2)\n    async def test_c(self): ...\n"
        "def test_d(): ...\n"
    )
    assert list(showings_in(source, "f.py")) == [
        Showing(1, "f.py", "test_a"),
        Showing(3, "f.py", "test_a"),
        Showing(2, "f.py", "TestB.test_c"),
    ]
