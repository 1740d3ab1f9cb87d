"""What a name that nobody has may have been meant for: looked up only after a command has failed with it."""

from __future__ import annotations

from collections.abc import Iterator
from difflib import get_close_matches
from typing import Final

import click

from caxton_node.cli.live_names import LiveName, live_names
from caxton_node.cli.output import cell
from caxton_node.cli.session import session_of
from caxton_node.core.errors import NotFound

NAMES_MAX: Final = 5000
MEANT_MAX: Final = 2


def suggest(error: NotFound, ctx: click.Context) -> None:
    """Put near names in front of what an error says to do next.

    Args:
        error: Says which name is not there; its hint is changed.
        ctx: Of the verb that failed.
    """
    for name, kind in _given(ctx):
        if name not in error.what:
            continue
        there = live_names(session_of(ctx), kind, most=NAMES_MAX)
        if close := get_close_matches(name, set(there) - {name}, n=MEANT_MAX, cutoff=0.6):
            meant = f"did you mean {' or '.join(cell(each) for each in close)}?"
            error.hint = f"{meant}  {error.hint}".rstrip()
            return


def _given(ctx: click.Context) -> Iterator[tuple[str, str]]:
    """Yield the names that were given, without their nodes, and what each is a name of."""
    for param in ctx.command.params:
        value = ctx.params.get(param.name or "")
        if not isinstance(param.type, LiveName) or not value:
            continue
        for each in [value] if isinstance(value, str) else value:
            yield str(each).partition("@")[0], param.type.kind
