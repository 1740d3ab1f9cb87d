"""The table of settings: every row is whole, and every default passes its own rule."""

from __future__ import annotations

import pytest

from caxton_node.config import SETTINGS, Config, Setting
from caxton_node.config.setting import Kind
from caxton_node.config.values import read_value


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.key)
def test_every_setting_explains_itself_and_its_default_fits(setting: Setting) -> None:
    assert setting.help.endswith(".")
    assert setting.kind is not Kind.CHOICE or setting.choices
    if setting.default is not None:
        assert read_value(setting, str(setting.default)) == setting.default
    assert Config().get(setting.key) == setting.default


def test_keys_are_unique() -> None:
    keys = [setting.key for setting in SETTINGS]
    assert len(set(keys)) == len(keys)
