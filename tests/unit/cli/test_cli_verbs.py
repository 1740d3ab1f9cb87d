"""What holds for every verb, whoever wrote it: help with an example, and the four forms of output."""

import shlex

import click
import pytest

from caxton_node.cli.examples import EXAMPLES, example_of
from caxton_node.cli.main import caxton
from caxton_node.cli.output import FORMATS
from caxton_node.cli.session import Session, Verb
from tests.support.verbs import all_verbs

pytestmark = pytest.mark.story("008")

PLAIN = {"completion", "version"}
"""Verbs that print one text and talk to no node."""

VERBS = all_verbs()


@pytest.mark.parametrize("found", VERBS, ids=lambda found: found.path)
def test_every_verb_says_what_it_does_and_gives_an_example(found):
    assert found.command.help
    assert (found.command.short_help or found.command.help).partition("\n\n")[0].strip().endswith(".")
    if found.path not in PLAIN:
        assert example_of(found.path) or found.command.example, f"add `{found.path}` to cli/examples.py"


@pytest.mark.parametrize("found", VERBS, ids=lambda found: found.path)
def test_every_verb_that_answers_has_the_four_forms(found):
    if found.path in PLAIN:
        return
    assert isinstance(found.command, Verb)
    output = next(param for param in found.command.params if param.name == "output")
    assert tuple(output.type.choices) == FORMATS
    assert any(param.name == "no_color" for param in found.command.params)


@pytest.mark.parametrize("path", sorted(set(EXAMPLES) - PLAIN))
def test_an_example_is_the_command_that_it_stands_for(path, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("echo.wat", "echo.wasm"):
        (tmp_path / name).touch()
    program, *words = shlex.split(EXAMPLES[path])
    context = caxton.make_context(program, words, obj=Session())
    walked = []
    while isinstance(context.command, click.Group):
        name, command, rest = context.command.resolve_command(
            context, [*context._protected_args, *context.args]
        )
        walked.append(name)
        context = command.make_context(name, rest, parent=context)
    assert " ".join(walked) == path
