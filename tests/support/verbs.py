"""Every verb of a command line, found by walking its groups."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import click

from caxton_node.cli.main import caxton


@dataclass(frozen=True)
class Found:
    """One verb and the words that lead to it."""

    words: tuple[str, ...]
    command: click.Command

    @property
    def path(self) -> str:
        """Return its words in one text."""
        return " ".join(self.words)


def all_verbs(group: click.Group = caxton) -> list[Found]:
    """Return every verb of a program, in the order of the help."""
    return list(_walk(group, ()))


def _walk(command: click.Command, words: tuple[str, ...]) -> Iterator[Found]:
    if not isinstance(command, click.Group):
        yield Found(words, command)
        return
    context = click.Context(command)
    for name in command.list_commands(context):
        found = command.get_command(context, name)
        assert found is not None
        yield from _walk(found, (*words, name))
