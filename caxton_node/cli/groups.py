"""Click groups that import late, know aliases, and suggest what was meant."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, NamedTuple

import click

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem


class Entry(NamedTuple):
    """One command of a lazy group.

    Attributes:
        help: The line in the group's help, so that it can be shown without importing anything.
        target: `module:attribute` of the command.
        aliases: Other words for it.
    """

    help: str
    target: str
    aliases: tuple[str, ...] = ()


class LazyGroup(click.Group):
    """A group whose commands are imported when they are used.

    Args:
        entries: The commands by name, in the order of the help.
    """

    def __init__(self, *, entries: Mapping[str, Entry], **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own keyword arguments, passed on
        self._entries = entries
        self._aliases = {alias: name for name, entry in entries.items() for alias in entry.aliases}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  the signature is click's
        """List the commands in the order of the table."""
        return list(self._entries)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Import the command with this name or alias."""
        entry = self._entries.get(self._aliases.get(cmd_name, cmd_name))
        if entry is None:
            return None
        module, _, attribute = entry.target.partition(":")
        command: click.Command = getattr(import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command of the first word; an unknown one gets a suggestion."""
        try:
            found, command, rest = super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            raise _unknown(args[0], self._entries, self._aliases, ctx) from None
        return _real_name(found, self._aliases), command, rest

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[CompletionItem]:
        """List the commands and options that begin with a text, without importing any command."""
        from click.shell_completion import CompletionItem

        found = [
            CompletionItem(name, help=entry.help)
            for name, entry in self._entries.items()
            if name.startswith(incomplete)
        ]
        return [*found, *click.Command.shell_complete(self, ctx, incomplete)]

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  click's
        """Write the table of commands without importing them."""
        _write_table(formatter, [(name, entry.help) for name, entry in self._entries.items()])


class VerbGroup(click.Group):
    """The verbs of one noun.

    Args:
        aliases: Other words for a verb, by alias.
        later: Verbs that stand first, by name, as `module:attribute`: imported when they are used, because
            their many options take longer to make than another verb takes to answer.
    """

    def __init__(
        self,
        *,
        aliases: Mapping[str, str] | None = None,
        later: Mapping[str, str] | None = None,
        **attributes: object,
    ) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own keyword arguments, passed on
        self._aliases = dict(aliases or {})
        self._later = dict(later or {})

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  the signature is click's
        """List the verbs in the order in which they were defined."""
        return list(dict.fromkeys([*self._later, *self.commands]))

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  click's
        """Find the verb with this name or alias."""
        name = self._aliases.get(cmd_name, cmd_name)
        if name in self._later:
            module, _, attribute = self._later[name].partition(":")
            command: click.Command = getattr(import_module(module), attribute)
            return command
        return self.commands.get(name)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the verb of the first word; an unknown one gets a suggestion."""
        try:
            found, command, rest = super().resolve_command(ctx, args)
        except click.NoSuchCommand:
            raise _unknown(args[0], self.list_commands(ctx), self._aliases, ctx) from None
        return _real_name(found, self._aliases), command, rest


def _real_name(found: str | None, aliases: Mapping[str, str]) -> str | None:
    return aliases.get(found, found) if found else None


def _unknown(
    word: str, names: Iterable[str], aliases: Mapping[str, str], ctx: click.Context
) -> click.NoSuchCommand:
    """Name what the word may have been meant for, best first; an alias stands for its command."""
    from difflib import get_close_matches

    close = get_close_matches(word.lower(), [*names, *aliases], cutoff=0.5)
    meant = dict.fromkeys(aliases.get(match, match) for match in close)
    return click.NoSuchCommand(word, possibilities=list(meant), ctx=ctx)


def _write_table(formatter: click.HelpFormatter, rows: Sequence[tuple[str, str]]) -> None:
    with formatter.section("Commands"):
        formatter.write_dl(rows)
