"""`caxton-node certs issue-client` and `revoke-client`: certificates of clients, where the CA key lies."""

from __future__ import annotations

from pathlib import Path

import click

from caxton_node.cli.place import data_dir_of, data_dir_option

_CA_DIR = click.option(
    "--ca-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory with ca.key and ca.crt. [default: certs in the data directory]",
)


@click.command("issue-client")
@click.argument("name")
@data_dir_option
@_CA_DIR
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=".",
    help="Where to write NAME.crt and NAME.key. [default: here]",
)
@click.option(
    "--days", type=click.IntRange(1, 3650), default=90, show_default=True, help="How long it is good."
)
def issue_client(*, name: str, data_dir: Path | None, ca_dir: Path | None, out: Path, days: int) -> None:
    """Make a key and a certificate by which the client NAME is known to every node."""
    from caxton_node.cluster.offline_clients import issue_client as issue

    issued = issue(ca_dir or data_dir_of(data_dir) / "certs", name, out, lifetime_days=days)
    click.echo(f"{issued.certificate} and {issued.key} are for {issued.uri}")
    click.echo(
        f"next: let it do something, in security.providers or with"
        f" caxton security roles assign {name} viewer --kind certificate",
        err=True,
    )


@click.command("revoke-client")
@click.argument("source", metavar="CERTIFICATE", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@data_dir_option
@_CA_DIR
@click.option("--reason", default="", help="For the log and the list.")
@click.option(
    "-o",
    "--output",
    type=click.Path(dir_okay=False, allow_dash=True, path_type=Path),
    default="-",
    help="Where to write it. [default: stdout]",
)
def revoke_client(
    *, source: Path, data_dir: Path | None, ca_dir: Path | None, reason: str, output: Path
) -> None:
    """Sign that a client's CERTIFICATE is void from now on; a member then tells the others."""
    from caxton_node.cli.certificate_files import write_file
    from caxton_node.cluster.offline_clients import revoke_client as revoke

    folder = ca_dir or data_dir_of(data_dir) / "certs"
    write_file(output, revoke(folder, source.read_bytes(), reason=reason).encode())
    click.echo("next: caxton security revoke --from-file FILE, on a member", err=True)
