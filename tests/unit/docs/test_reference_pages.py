"""The reference pages are what the tables say, and every row of the tables says something."""

from __future__ import annotations

from pathlib import Path

import pytest

from caxton_node.config.schema import SETTINGS
from caxton_node.core.errors import CaxtonError
from caxton_node.observability.instruments import INSTRUMENTS
from docs.reference import generate, schema

REFERENCE = Path(generate.__file__).parent


@pytest.mark.parametrize("name", generate.PAGES)
def test_a_reference_page_is_what_its_table_says(name: str) -> None:
    assert (REFERENCE / name).read_text() == generate.PAGES[name](), "run `make reference` and commit it"


def test_every_setting_is_explained() -> None:
    assert [setting.key for setting in SETTINGS if not setting.help.endswith(".")] == []


def test_every_metric_is_explained() -> None:
    assert [metric.name for metric in INSTRUMENTS if not metric.help.endswith(".")] == []


def test_every_operation_is_explained() -> None:
    assert [operation.method for operation in generate.undocumented_operations()] == []


def test_every_error_is_explained_and_has_a_code_of_its_own() -> None:
    classes = [kind for kind in generate.error_classes() if kind is not CaxtonError]
    assert [kind.__name__ for kind in classes if not generate.first_sentence(kind).endswith(".")] == []
    codes = [kind.code for kind in classes if "code" in vars(kind)]
    assert sorted(codes) == sorted(set(codes))


def test_every_table_is_explained() -> None:
    assert schema.undescribed() == []


def test_every_command_is_explained() -> None:
    trees = (("caxton", generate.caxton), ("caxton-node", generate.program))
    commands = [found for root, tree in trees for found in generate.walk_commands(root, tree)]
    assert [path for path, command, _ in commands if not command.help] == []
