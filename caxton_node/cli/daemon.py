"""`caxton-node run`: the node in the foreground."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from caxton_node.cli.place import data_dir_option

F = TypeVar("F", bound=Callable[..., Any])


def run_options(function: F) -> F:
    """Add the options that decide the configuration."""
    function = click.option(
        "--profile",
        type=click.Choice(["dev", "prod"]),
        help="Kind of installation: dev logs more, for people. [env: CAXTON_ENV]",
    )(function)
    function = click.option(
        "--set",
        "overrides",
        multiple=True,
        metavar="KEY=VALUE",
        help="One setting; may be repeated and wins.",
    )(function)
    return click.option(
        "--config",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Configuration file. [env: CAXTON_CONFIG_PATH]",
    )(function)


@click.command("run")
@data_dir_option
@run_options
def run_node(
    data_dir: Path | None, config: Path | None, overrides: tuple[str, ...], profile: str | None
) -> int:
    """Run the node until SIGTERM or Ctrl-C; both stop it in good order."""
    return run_daemon(data_dir, config, overrides, profile)


def run_daemon(
    data_dir: Path | None, config: Path | None, overrides: tuple[str, ...], profile: str | None
) -> int:
    """Load the configuration and run the daemon; returns its exit code."""
    from caxton_node.config import load

    # What was given on the command line for itself stands before --set: the more specific word wins.
    given = [f"node.env={profile}"] if profile else []
    given += [f"data.dir={data_dir.absolute()}"] if data_dir else []
    settings = load(path=config, overrides=[*given, *overrides])

    from caxton_node.daemon import run

    return run(settings)
