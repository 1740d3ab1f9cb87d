"""What every verb that talks to a node shares: the connection options, the output options, and the client."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, TypeVar

import click

from caxton_node.cli.live_names import LiveName, offer_live_names
from caxton_node.cli.output import FORMATS, Output
from caxton_node.core.errors import NotFound

if TYPE_CHECKING:
    from caxton_node.cli.contexts import CliConfig
    from caxton_node.client import Client, Endpoint

F = TypeVar("F", bound=Callable[..., object])


@dataclass(slots=True)
class Session:
    """The options that were given, and what follows from them.

    Attributes:
        settings: Values of the shared options by name; the word nearest to the verb wins.
    """

    settings: dict[str, str] = field(default_factory=dict)
    _config: CliConfig | None = None

    @property
    def output(self) -> Output:
        """Return the printer that the options, the environment and the file ask for."""
        return Output(self._choice("output") or "table", color=self._color())

    @property
    def config(self) -> CliConfig:
        """Return the file of the command line, read once.

        Raises:
            InvalidConfig: It cannot be used.
        """
        if self._config is None:
            from caxton_node.cli.config_file import read_config

            self._config = read_config(os.environ)
        return self._config

    @property
    def context(self) -> str:
        """Return the name of the context that is used, empty if none is."""
        from caxton_node.cli.connection import context_name

        return context_name(self.settings, os.environ, self.config)

    def endpoint(self, *, timeout_s: float = 30.0) -> Endpoint:
        """Choose the node to talk to.

        Raises:
            InvalidArgument: The options do not name an endpoint.
            InvalidConfig: The file of the command line cannot be used.
        """
        if self._has_no_contexts():
            from caxton_node.client.endpoint import choose_endpoint

            ways = ("endpoint", "token", "ca", "data_dir")
            return choose_endpoint(os.environ, **{name: self.settings.get(name, "") for name in ways})
        from caxton_node.cli.connection import choose_connection

        return choose_connection(self.settings, os.environ, self.config, timeout_s=timeout_s)

    def client(self, *, timeout_s: float = 30.0) -> Client:
        """Open a client; use it as a context manager."""
        from caxton_node.client import Client

        return Client(self.endpoint(timeout_s=timeout_s), timeout_s=timeout_s)

    def _choice(self, name: str) -> str:
        """Return what was given on the command line, in the context or at the top of the file."""
        if (given := self.settings.get(name)) or self._has_no_contexts():
            return given or ""
        context = self.config.contexts.get(self.context, self.config.defaults)
        found: str = getattr(context, name) or getattr(self.config.defaults, name)
        return found

    def _has_no_contexts(self) -> bool:
        """Return whether there is no file to look into: most users have none, and then reading costs most."""
        from caxton_node.client.endpoint import config_path

        named = self.settings.get("context") or os.environ.get("CAXTON_CONTEXT")
        return not named and not config_path(os.environ).exists()

    def _color(self) -> bool | None:
        if self.settings.get("no_color") or "NO_COLOR" in os.environ:
            return False
        return {"always": True, "never": False}.get(self._choice("color"))


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
            "--context",
            metavar="NAME",
            type=LiveName("contexts"),
            help="Cluster of the file, see caxton context. [env: CAXTON_CONTEXT]",
        ),
        option(
            "-o", "--output", type=click.Choice(FORMATS), help="How to print the result. [default: table]"
        ),
        option("--no-color", is_flag=True, help="Print without color. [env: NO_COLOR]"),
    ]


class Verb(click.Command):
    """A command that talks to a node: it takes the shared options and passes the session to its function.

    Args:
        example: One use of it, shown in its help; those of most verbs stand in `examples.py`.
    """

    shared: ClassVar[str] = "Connection and output"

    def __init__(self, *, example: str = "", **attributes: object) -> None:
        super().__init__(**attributes)  # type: ignore[arg-type]  # click's own keyword arguments, passed on
        self.example = example
        self._own = list(self.params)
        self.params = [*self.params, *shared_options()]

    def invoke(self, ctx: click.Context) -> object:
        """Call the function with the session first; a name that is not there gets a suggestion."""
        ctx.obj = session_of(ctx)
        try:
            return super().invoke(ctx)
        except NotFound as err:
            from caxton_node.cli.near_names import suggest

            suggest(err, ctx)
            raise

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the verb's own options apart from those that every verb has."""
        own = [param for param in self.get_params(ctx) if param not in self.params or param in self._own]
        shared = [param for param in self.params if param not in self._own]
        for title, params in (("Options", own), (self.shared, shared)):
            records = [param.get_help_record(ctx) for param in params if isinstance(param, click.Option)]
            if records:
                with formatter.section(title):
                    formatter.write_dl([record for record in records if record is not None])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Show the verb's example."""
        from caxton_node.cli.examples import example_of

        super().format_epilog(ctx, formatter)
        example = self.example or example_of(ctx.command_path.partition(" ")[2])
        if example:
            with formatter.section("Example"):
                formatter.write_text(f"\b\n{example}")


def verb(group: click.Group, name: str) -> Callable[[F], click.Command]:
    """Define a verb of a noun; its function takes the session and then its own options."""

    def define(function: F) -> click.Command:
        command = group.command(name, cls=Verb)(click.pass_obj(function))
        offer_live_names(group.name or "", command)
        return command

    return define
