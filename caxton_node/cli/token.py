"""`caxton-node token` and `leave`: what the operator of a running node asks of it through its own socket."""

from __future__ import annotations

import json
import os
from pathlib import Path

import click

from caxton_node.cli.place import data_dir_of, data_dir_option
from caxton_node.cli.types import Duration

DEFAULT_LIFETIME_S = 3600.0


@click.command("token")
@data_dir_option
@click.option(
    "--lifetime", type=Duration(), default=DEFAULT_LIFETIME_S, help="How long it is good. [default: 1h]"
)
@click.option("-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How to print it.")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but the token.")
def token(*, data_dir: Path | None, lifetime: float, output: str, quiet: bool) -> None:
    """Print a join token of the node that runs here; it is good at every member while this node is up.

    The token goes to stdout, the command to use it to stderr.
    """
    from caxton_node.client import Client, choose_endpoint

    endpoint = choose_endpoint(os.environ, data_dir=str(data_dir_of(data_dir)))
    with Client(endpoint) as client:
        made = client.cluster.create_join_token(lifetime_s=round(lifetime))
    if output == "json":
        facts = {"token": made.token, "expires_unix_ms": made.expires_unix_ms, "seed": made.seed}
        click.echo(json.dumps(facts, indent=2))
        return
    click.echo(made.token)
    if not quiet:
        click.echo(f"next: caxton-node join {made.seed or 'HOST:50051'} --token <the token>", err=True)


@click.command("leave")
@data_dir_option
def leave(data_dir: Path | None) -> None:
    """Let the node that runs here say goodbye to the others and stop."""
    from caxton_node.client import Client, choose_endpoint

    with Client(choose_endpoint(os.environ, data_dir=str(data_dir_of(data_dir)))) as client:
        click.echo(f"{client.cluster.leave()} is leaving")
