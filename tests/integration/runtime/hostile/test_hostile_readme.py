"""The list of hostile modules and its table."""

from __future__ import annotations

import pytest

from tests.integration.runtime.hostile.suite import ALL, README, TABLE_MARK, table

pytestmark = pytest.mark.story("001")


def test_no_two_hostile_modules_have_the_same_name() -> None:
    assert len({hostile.name for hostile in ALL}) == len(ALL) >= 40


def test_the_readme_has_the_table_of_all_hostile_modules() -> None:
    assert README.read_text().partition(TABLE_MARK)[2] == table()
