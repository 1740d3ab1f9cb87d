"""Options that the verbs of `caxton deployment` share."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import click

EVERYWHERE = 0

F = TypeVar("F", bound=Callable[..., object])


class Replicas(click.ParamType[int]):
    """A number of nodes from 1, or `all`, which is `EVERYWHERE`."""

    name = "number"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number."""
        text = str(value)
        if text == "all":
            return EVERYWHERE
        if not text.isascii() or not text.isdigit() or not 1 <= int(text) <= 10_000:
            self.fail(f"{text!r} is neither a number of nodes, 1 to 10000, nor all", param, ctx)
        return int(text)


def placement_options(function: F) -> F:
    """Add the options that say where replicas run."""
    for option in reversed(_PLACEMENT):
        function = option(function)
    return function


_PLACEMENT: tuple[Callable[[F], F], ...] = (
    click.option(
        "--constraint",
        "constraints",
        multiple=True,
        metavar="LABEL=VALUE",
        help="What a node must be: zone=a, zone=a|b, disk!=slow, node!=n3; repeatable.",
    ),
    click.option("--spread", default=None, metavar="LABEL", help="Spread over the values of a label: zone."),
    click.option(
        "--consistent",
        "consistency",
        flag_value="consistent",
        default=None,
        help="Run it only on the majority's side of a split.",
    ),
    click.option(
        "--available", "consistency", flag_value="available", help="Run it on both sides. [default]"
    ),
)
