"""`caxton-node certs request`, `issue`, `install`, `revoke`: from file to file, with an offline CA key."""

from __future__ import annotations

from pathlib import Path

import click

from caxton_node.cli.place import data_dir_of, data_dir_option
from caxton_node.core.errors import InvalidArgument

_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
_TARGET = click.Path(dir_okay=False, allow_dash=True, path_type=Path)
_CA_DIR = click.option(
    "--ca-dir",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Directory with ca.key and ca.crt. [default: certs in the data directory]",
)
_OUTPUT = click.option(
    "-o", "--output", type=_TARGET, default="-", help="Where to write it. [default: stdout]"
)


@click.command("request")
@data_dir_option
@click.option("--node-id", default="", help="Id that the node is to have. [default: the one that it has]")
@_OUTPUT
def request(data_dir: Path | None, node_id: str, output: Path) -> None:
    """Make a key and a request to have it signed; the key stays in the data directory."""
    from caxton_node.cluster.offline_node import request_certificate

    named, csr_pem = request_certificate(data_dir_of(data_dir), node_id)
    write_file(output, csr_pem)
    click.echo(f"next: caxton-node certs issue FILE --node-id {named}, where the CA key lies", err=True)


@click.command("issue")
@click.argument("source", metavar="REQUEST", type=_FILE)
@data_dir_option
@_CA_DIR
@click.option("--node-id", default="", help="Refuse a request for another node. [default: what it asks for]")
@click.option("--host", "hosts", multiple=True, help="Name or address of the node; may be repeated.")
@click.option(
    "--days", type=click.IntRange(1, 3650), default=365, show_default=True, help="How long it is good."
)
@_OUTPUT
def issue(
    *,
    source: Path,
    data_dir: Path | None,
    ca_dir: Path | None,
    node_id: str,
    hosts: tuple[str, ...],
    days: int,
    output: Path,
) -> None:
    """Sign a request with a CA key; what comes out is the certificate with the CAs to trust behind it."""
    from caxton_node.cluster.offline_ca import issue_certificate

    folder = ca_dir or data_dir_of(data_dir) / "certs"
    issued = issue_certificate(folder, _read(source), node_id=node_id, hosts=hosts, lifetime_days=days)
    write_file(output, issued.pem)
    click.echo(f"certificate for {issued.node_id} by CA {issued.fingerprint}", err=True)


@click.command("install")
@click.argument("source", metavar="CERTIFICATE", type=_FILE)
@data_dir_option
@click.option(
    "--gossip-key",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="gossip.key of a member, for a node that is none yet.",
)
@click.option(
    "--seed", default="", metavar="HOST:PORT", help="Mesh of a member, for a node that is none yet."
)
@click.option("--replace-ca", is_flag=True, help="Trust the CAs in the file, whatever was trusted before.")
def install(
    *, source: Path, data_dir: Path | None, gossip_key: Path | None, seed: str, replace_ca: bool
) -> None:
    """Put a certificate in place that was signed for the request made here; the next start uses it."""
    from caxton_node.cluster.offline_node import Newcomer, install_certificate

    if bool(gossip_key) != bool(seed):
        raise InvalidArgument("--gossip-key and --seed go together")
    folder = data_dir_of(data_dir)
    newcomer = Newcomer(gossip_key, seed) if gossip_key else None
    bundle = install_certificate(folder, _read(source), newcomer=newcomer, replace_ca=replace_ca)
    click.echo(f"{bundle.node_id} has its certificate, signed by CA {bundle.authority}")
    click.echo(f"next: caxton-node run --data-dir {folder}", err=True)


@click.command("revoke")
@click.argument("node")
@data_dir_option
@_CA_DIR
@click.option("--reason", default="", help="For the log, the list and the node itself.")
@_OUTPUT
def revoke(*, node: str, data_dir: Path | None, ca_dir: Path | None, reason: str, output: Path) -> None:
    """Sign that the certificates of NODE are void from now on; a member then tells the others."""
    from caxton_node.cluster.offline_ca import revoke_offline

    folder = ca_dir or data_dir_of(data_dir) / "certs"
    revocation = revoke_offline(folder, node, reason=reason)
    write_file(output, revocation.encode())
    click.echo("next: caxton security revoke --from-file FILE, on a member", err=True)


def _read(source: Path) -> bytes:
    with click.open_file(str(source), "rb") as file:
        data: bytes = file.read()
    return data


def write_file(target: Path, data: bytes) -> None:
    """Write what a command has made; a dash stands for stdout."""
    try:
        with click.open_file(str(target), "wb") as file:
            file.write(data)
    except OSError as err:
        raise InvalidArgument(f"{target} cannot be written", why=str(err)) from err
