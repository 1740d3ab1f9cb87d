"""`caxton-node init` and `join`: how a node comes into a cluster."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from caxton_node.cli.daemon import run_daemon, run_options
from caxton_node.cli.place import data_dir_of, hosts_of, node_id_of, node_options


@click.command("init")
@node_options
@click.option(
    "--cluster", default="caxton", show_default=True, help="Name of the cluster; it cannot change later."
)
@click.option(
    "--profile",
    type=click.Choice(["dev", "prod"]),
    default="prod",
    envvar="CAXTON_ENV",
    help="Kind of installation; the admin token shows it. [env: CAXTON_ENV] [default: prod]",
)
@click.option(
    "-o", "--output", type=click.Choice(["text", "json"]), default="text", help="How to print the result."
)
def init(
    *, data_dir: Path | None, node_id: str, hosts: tuple[str, ...], cluster: str, profile: str, output: str
) -> None:
    """Make a cluster of one in the data directory; a directory that holds a node is left alone.

    The admin token is printed once and kept only as a hash.
    """
    from caxton_node.cluster.joining import found_cluster

    folder = data_dir_of(data_dir)
    founded = found_cluster(folder, node_id_of(node_id), cluster, hosts_of(hosts), env=profile)
    if output == "json":
        click.echo(json.dumps({**asdict(founded), "data_dir": str(folder)}, indent=2))
        return
    bold = click.style(founded.admin_token, bold=True)
    click.echo(f"node {founded.node_id} of cluster {founded.cluster} is ready in {folder}")
    click.echo(f"CA fingerprint  {founded.fingerprint}")
    click.echo(f"admin token     {bold}   (shown only now)")
    click.echo(f"next            caxton-node run --data-dir {folder}", err=True)


@click.command("join")
@click.argument("seed", metavar="HOST:PORT")
@node_options
@click.option("--token", required=True, help="Join token, from `caxton-node token` on a member.")
@click.option("--no-run", is_flag=True, help="Only join; `caxton-node run` starts the node later.")
@run_options
def join(
    seed: str,
    *,
    data_dir: Path | None,
    node_id: str,
    hosts: tuple[str, ...],
    token: str,
    no_run: bool,
    config: Path | None,
    overrides: tuple[str, ...],
    profile: str | None,
) -> int:
    """Join a cluster through the gRPC address of one of its nodes, and run.

    The node makes its own key, checks that the seed belongs to the cluster of the token, and gets its
    certificate and the gossip key from there.
    """
    from caxton_node.cluster.joining import join_cluster

    folder = data_dir_of(data_dir)
    joined = join_cluster(folder, seed, token, node_id_of(node_id), hosts_of(hosts))
    click.echo(f"node {joined.node_id} may join cluster {joined.cluster}; its files are in {folder}")
    if no_run:
        click.echo(f"next: caxton-node run --data-dir {folder}", err=True)
        return 0
    return run_daemon(folder, config, overrides, profile)
