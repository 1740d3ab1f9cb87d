"""`caxton-node certs`: the certificate of the node in a data directory, whether it runs or not."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from caxton_node.cli.certificate_files import install, issue, request, revoke
from caxton_node.cli.client_certificates import issue_client, revoke_client
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import FORMATS, Output
from caxton_node.cli.place import data_dir_of, data_dir_option
from caxton_node.core.errors import InvalidArgument, InvalidConfig

certs = VerbGroup(
    name="certs",
    aliases={"status": "show", "list": "show", "sign": "issue", "csr": "request"},
    help="Look at the node's certificates, renew them, issue them offline.",
)
for command in (request, issue, install, revoke, issue_client, revoke_client):
    certs.add_command(command)


@certs.command("show")
@data_dir_option
@click.option("-o", "--output", type=click.Choice(FORMATS), default="table", help="How to print the result.")
def show(data_dir: Path | None, output: str) -> None:
    """Show the certificate of this node, how long it is good for, and whether this node signs others."""
    facts = _facts(data_dir_of(data_dir) / "certs")
    lines = [(key.replace("_", " "), value) for key, value in facts.items()]
    Output(output).facts(facts, lines)


@certs.command("renew")
@data_dir_option
@click.option(
    "--seed", metavar="HOST:PORT", help="gRPC of a member, when this node does not run or is locked out."
)
@click.option("--token", help="Join token, from `caxton-node token` on a member; goes with --seed.")
@click.option("--host", "hosts", multiple=True, help="Where others reach this node. [default: as before]")
def renew(data_dir: Path | None, seed: str | None, token: str | None, hosts: tuple[str, ...]) -> None:
    """Give this node a new certificate.

    A running node is asked to renew its own, and goes on without a pause. With --seed and --token a stopped
    node gets one from a member, as at its first join, and keeps all its data: the way back for a node whose
    certificate has expired or was revoked, or that missed a change of the CA.
    """
    folder = data_dir_of(data_dir)
    if bool(seed) != bool(token):
        raise InvalidArgument("--seed and --token go together", hint="caxton-node token on a member")
    if seed and token:
        _renew_by_token(folder, seed, token, hosts)
    else:
        _renew_running(folder)


def _renew_running(folder: Path) -> None:
    from caxton_node.client import Client, choose_endpoint
    from caxton_node.client.endpoint import SOCKET_NAME

    if not (folder / SOCKET_NAME).exists():
        raise InvalidArgument(
            f"the node in {folder} does not run",
            why="a running node is asked to renew its own certificate",
            hint="start it, or get one from a member: --seed HOST:50051 --token TOKEN",
        )
    with Client(choose_endpoint({}, data_dir=str(folder))) as client:
        made = client.security.renew()
    until = datetime.fromtimestamp(made.not_after_unix_s, UTC)
    click.echo(f"{made.node} has certificate {made.serial[:16]} until {until:%Y-%m-%d}")


def _renew_by_token(folder: Path, seed: str, token: str, hosts: tuple[str, ...]) -> None:
    from caxton_node.cluster.joining import rejoin_cluster

    joined = rejoin_cluster(folder, seed, token, hosts)
    click.echo(f"{joined.node_id} has a new certificate of cluster {joined.cluster}; its data is as before")
    click.echo(f"next: caxton-node run --data-dir {folder}", err=True)


def _facts(folder: Path) -> dict[str, object]:
    from certs import CertificateError, signer_of
    from certs.authority_files import read_authorities
    from certs.files import read_bundle
    from certs.trust_files import read_revocations, read_trust

    try:
        bundle = read_bundle(folder)
        validity = bundle.check(datetime.now(UTC))
        trust, revocations = read_trust(folder), read_revocations(folder)
        signs = signer_of(trust, read_authorities(folder)) is not None
    except CertificateError as err:
        raise InvalidConfig(
            f"the certificates in {folder} cannot be used",
            why=str(err),
            hint="make a cluster with `caxton-node init`, or join one with `caxton-node join`",
        ) from err
    denied = revocations.find(bundle.node_id, serial=bundle.serial_number, not_before=bundle.not_before)
    return {
        "node_id": bundle.node_id,
        "state": "revoked" if denied else str(validity.state),
        "valid_from": validity.not_before.isoformat(),
        "valid_until": validity.not_after.isoformat(),
        "renew_at": validity.renew_at.isoformat(),
        "remaining_days": int(validity.remaining_s // 86_400),
        "serial": f"{bundle.serial_number:x}",
        "issuer": bundle.authority,
        "trusts": list(trust.fingerprints),
        "trust_revision": trust.revision,
        "revocations": len(revocations),
        "signs": signs,
        "folder": str(folder),
    }
