"""The verb that both command lines share."""

from __future__ import annotations

import click

from caxton_node import __version__


@click.command("version")
def version() -> None:
    """Print the version."""
    click.echo(f"caxton {__version__}")
