"""The error tree is a table too: unique codes, a category with a surface for each."""

import pytest

from caxton_node.core import errors


def tree(root=errors.CaxtonError):
    yield root
    for child in root.__subclasses__():
        yield from tree(child)


OURS = [kind for kind in tree() if kind.__module__ == errors.__name__ and kind is not errors.CaxtonError]


def test_codes_are_unique():
    codes = [kind.code for kind in OURS]
    assert len(codes) == len(set(codes))


@pytest.mark.parametrize("kind", OURS, ids=lambda kind: kind.__name__)
def test_every_error_has_a_surface_and_a_sentence(kind):
    assert kind.category in errors.SURFACES
    assert kind.__doc__
    assert 1 <= kind("what").surface.exit_code <= 5


def test_the_three_sentences_are_joined_for_logs():
    error = errors.NotFound("no agent 'x'", why="nobody deployed it", hint="caxton agent list")
    assert str(error) == "no agent 'x': nobody deployed it (caxton agent list)"


def test_exit_codes_are_those_of_the_names_table():
    assert errors.NotFound("x").surface.exit_code == 3
    assert errors.Forbidden("x").surface.exit_code == 4
    assert errors.Unauthorized("x").surface.exit_code == 4
    assert errors.Unavailable("x").surface.exit_code == 5
    assert errors.InvalidArgument("x").surface.exit_code == 2


def test_the_tree_drawn_at_the_top_names_every_class():
    for kind in OURS:
        assert kind.__name__ in (errors.__doc__ or "")
        if not kind.__subclasses__():
            assert kind.code in (errors.__doc__ or "")
