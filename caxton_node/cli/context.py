"""`caxton context`: the clusters that this user knows, and which one is meant."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.live_names import LiveName
from caxton_node.cli.output import column
from caxton_node.cli.session import Session, verb

if TYPE_CHECKING:
    from caxton_node.cli.contexts import CliConfig, Context

COLUMNS = (
    column("CURRENT", "current"),
    column("USED NOW", "used", wide=True),
    column("NAME", "name"),
    column("NODE", "node"),
    column("TOKEN", "token"),
    column("CA", "ca", wide=True),
    column("OUTPUT", "output", wide=True),
    column("COLOR", "color", wide=True),
)

context = VerbGroup(
    name="context",
    aliases={"ls": "list", "switch": "use", "set": "add", "rm": "remove", "delete": "remove", "get": "show"},
    help="Name clusters, and choose the one that is meant.",
)


@verb(context, "list")
def list_contexts(session: Session) -> None:
    """List the contexts of the file."""
    config = session.config
    rows = [_row(name, config, session.context) for name in config.contexts]
    session.output.rows(
        rows, COLUMNS, empty="no contexts; make one with: caxton context add NAME --endpoint HOST:PORT"
    )
    _warn_of_environment(config)


@verb(context, "show")
@click.argument("name", default="", type=LiveName("contexts"))
def show_context(session: Session, name: str) -> None:
    """Show one context, or the one that is used now."""
    from caxton_node.cli.config_file import config_path, find_context

    chosen = name or session.context
    if chosen:
        find_context(session.config, chosen)
    row = _row(chosen, session.config, session.context) if chosen else _plain_row(session)
    row["file"] = str(config_path(os.environ))
    session.output.facts(row, [(key, value or "-") for key, value in row.items()])


@verb(context, "use")
@click.argument("name", type=LiveName("contexts"))
def use_context(session: Session, name: str) -> None:
    """Talk to this cluster from now on, in every shell."""
    from caxton_node.cli.config_file import find_context, write_config

    find_context(session.config, name)
    changed = replace(session.config, current=name)
    write_config(os.environ, changed)
    session.output.done({"current": name}, f"{name} is the current context")
    _warn_of_environment(changed)


@verb(context, "add")
@click.argument("name")
@click.option("--token-file", default="", metavar="FILE", help="File that holds the API token alone.")
@click.option("--token-command", default="", metavar="COMMAND", help="Command that prints the API token.")
@click.option("--use", is_flag=True, help="Make it the current one.")
def add_context(session: Session, name: str, token_file: str, token_command: str, use: bool) -> None:
    """Add a context, or replace the one of this name, from the connection options that are given with it.

    The first one becomes the current one. The file is rewritten: comments in it are lost.
    """
    from caxton_node.cli.config_file import write_config
    from caxton_node.cli.connection import context_name

    config = session.config
    added = _given(session, token_file, token_command)
    current = name if use or not config.contexts else config.current
    changed = replace(config, contexts={**config.contexts, name: added}, current=current)
    path = write_config(os.environ, changed)
    row = {**_row(name, changed, context_name({}, os.environ, changed)), "file": str(path)}
    session.output.done(row, f"context {name} is in {path}" + (", and current" if current == name else ""))
    if current == name:
        _warn_of_environment(changed)


@verb(context, "remove")
@click.argument("name", type=LiveName("contexts"))
def remove_context(session: Session, name: str) -> None:
    """Forget a context; the cluster itself is not touched."""
    from caxton_node.cli.config_file import find_context, write_config

    config = session.config
    find_context(config, name)
    left = {key: value for key, value in config.contexts.items() if key != name}
    write_config(
        os.environ, replace(config, contexts=left, current=config.current if config.current in left else "")
    )
    session.output.done({"removed": name}, f"context {name} is removed")


def _warn_of_environment(config: CliConfig) -> None:
    """Say that commands go elsewhere than the current context says."""
    from caxton_node.cli.connection import overruling

    variable = overruling(os.environ, config)
    if config.current and variable:
        click.echo(f"warning: {variable} is set and wins over the context {config.current}", err=True)


def _given(session: Session, token_file: str, token_command: str) -> Context:
    """Return the context that the options describe.

    Raises:
        InvalidArgument: They describe none.
    """
    from pathlib import Path

    from caxton_node.cli.contexts import Context
    from caxton_node.client.endpoint import choose_endpoint
    from caxton_node.core.errors import InvalidArgument

    given = session.settings
    endpoint, data_dir = given.get("endpoint", ""), given.get("data_dir", "")
    if bool(endpoint) == bool(data_dir):
        raise InvalidArgument(
            "a context needs an endpoint or a data directory",
            why="both were given" if endpoint else "neither was given",
            hint="caxton context add NAME --endpoint HOST:PORT --ca FILE --token-file FILE",
        )
    tokens = [given.get("token", ""), token_file, token_command]
    if sum(map(bool, tokens)) > 1:
        raise InvalidArgument(
            "a context has one token",
            why="more than one of --token, --token-file and --token-command was given",
            hint="prefer --token-file or --token-command: then no token stands in the file",
        )
    ca = str(Path(given["ca"]).expanduser().absolute()) if given.get("ca") else ""
    # What cannot be used is better said now than at the next command.
    choose_endpoint({}, endpoint=endpoint, ca=ca, data_dir=data_dir)
    return Context(
        endpoint=endpoint,
        data_dir=str(Path(data_dir).expanduser().absolute()) if data_dir else "",
        ca=ca,
        token=tokens[0],
        token_file=str(Path(token_file).expanduser().absolute()) if token_file else "",
        token_command=token_command,
        output=given.get("output", ""),
        color="never" if given.get("no_color") else "",
    )


def _row(name: str, config: CliConfig, used: str) -> dict[str, object]:
    found = config.contexts[name]
    return {
        "name": name,
        "current": name == config.current,
        "used": name == used,
        "node": found.endpoint or found.data_dir or "the local socket",
        "token": _token_source(found),
        "ca": found.ca,
        "output": found.output,
        "color": found.color,
    }


def _plain_row(session: Session) -> dict[str, object]:
    endpoint = session.endpoint()
    return {
        "name": "",
        "current": False,
        "used": True,
        "node": endpoint.target,
        "token": "given" if endpoint.token else "",
        "ca": "",
        "output": session.output.format,
        "color": "",
    }


def _token_source(found: Context) -> str:
    """Say where the token is, never what it is."""
    if found.token:
        return "in the file"
    return found.token_file or found.token_command
