"""What every verb that talks to a node shares: the connection options, the output options, and the client."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeVar

import click

from caxton_node.cli.output import FORMATS, Output

if TYPE_CHECKING:
    from caxton_node.client import Client, Endpoint

F = TypeVar("F", bound=Callable[..., object])


@dataclass(slots=True)
class Session:
    """The options that were given, and what follows from them.

    Attributes:
        settings: Values of the shared options by name; the word nearest to the verb wins.
    """

    settings: dict[str, str] = field(default_factory=dict)

    @property
    def output(self) -> Output:
        """Return the printer that the options ask for."""
        color = None if not self.settings.get("no_color") and "NO_COLOR" not in os.environ else False
        return Output(self.settings.get("output", "table"), color=color)

    def endpoint(self) -> Endpoint:
        """Choose the node to talk to.

        Raises:
            InvalidArgument: The options do not name an endpoint.
        """
        from caxton_node.client import choose_endpoint

        return choose_endpoint(
            os.environ,
            endpoint=self.settings.get("endpoint", ""),
            token=self.settings.get("token", ""),
            ca=self.settings.get("ca", ""),
            data_dir=self.settings.get("data_dir", ""),
        )

    def client(self) -> Client:
        """Open a client; use it as a context manager."""
        from caxton_node.client import Client

        return Client(self.endpoint())


def session_of(ctx: click.Context) -> Session:
    """Return the session of this invocation, one for the whole command line."""
    found: Session = ctx.find_root().ensure_object(Session)
    return found


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if value is not None and value is not False and param.name:
        session_of(ctx).settings[param.name] = str(value)


def shared_options() -> list[click.Parameter]:
    """Make the options that stand both before the noun and after the verb."""

    def option(*names: str, **attributes: object) -> click.Option:
        return click.Option(names, expose_value=False, callback=_remember, **attributes)  # type: ignore[arg-type]  # click's own keyword arguments

    return [
        option("--endpoint", metavar="HOST:PORT|unix:PATH", help="Node to talk to. [env: CAXTON_ENDPOINT]"),
        option("--token", metavar="TOKEN", help="API token for HOST:PORT. [env: CAXTON_TOKEN]"),
        option("--ca", metavar="FILE", help="CA certificate of the cluster. [env: CAXTON_CA]"),
        option("--data-dir", metavar="DIR", help="Data directory of a local node. [env: CAXTON_DATA_DIR]"),
        option(
            "-o", "--output", type=click.Choice(FORMATS), help="How to print the result. [default: table]"
        ),
        option("--no-color", is_flag=True, help="Print without color. [env: NO_COLOR]"),
    ]


class Verb(click.Command):
    """A command that talks to a node: it takes the shared options and passes the session to its function."""

    shared: ClassVar[str] = "Connection and output"

    def __init__(self, **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own keyword arguments, passed on
        self._own = list(self.params)
        self.params = [*self.params, *shared_options()]

    def invoke(self, ctx: click.Context) -> object:
        """Call the function with the session first."""
        ctx.obj = session_of(ctx)
        return super().invoke(ctx)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the verb's own options apart from those that every verb has."""
        own = [param for param in self.get_params(ctx) if param not in self.params or param in self._own]
        shared = [param for param in self.params if param not in self._own]
        for title, params in (("Options", own), (self.shared, shared)):
            records = [param.get_help_record(ctx) for param in params if isinstance(param, click.Option)]
            if records:
                with formatter.section(title):
                    formatter.write_dl([record for record in records if record is not None])


def verb(group: click.Group, name: str) -> Callable[[F], click.Command]:
    """Define a verb of a noun; its function takes the session and then its own options."""

    def define(function: F) -> click.Command:
        return group.command(name, cls=Verb)(click.pass_obj(function))

    return define
