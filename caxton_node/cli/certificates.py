"""`caxton-node certs`: look at the node's certificates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import FORMATS, Output
from caxton_node.cli.place import data_dir_of, data_dir_option
from caxton_node.core.errors import InvalidConfig

certs = VerbGroup(
    name="certs", aliases={"status": "show", "list": "show"}, help="Look at the node's certificates."
)


@certs.command("show")
@data_dir_option
@click.option("-o", "--output", type=click.Choice(FORMATS), default="table", help="How to print the result.")
def show(data_dir: Path | None, output: str) -> None:
    """Show the certificate of this node, how long it is good for, and whether this node signs others."""
    from certs import CertificateError
    from certs.files import has_authority, read_bundle

    folder = data_dir_of(data_dir) / "certs"
    try:
        bundle = read_bundle(folder)
        validity = bundle.check(datetime.now(UTC))
    except CertificateError as err:
        raise InvalidConfig(
            f"the certificates in {folder} cannot be used",
            why=str(err),
            hint="make a cluster with `caxton-node init`, or join one with `caxton-node join`",
        ) from err
    facts = {
        "node_id": bundle.node_id,
        "state": str(validity.state),
        "valid_from": validity.not_before.isoformat(),
        "valid_until": validity.not_after.isoformat(),
        "renew_at": validity.renew_at.isoformat(),
        "remaining_days": int(validity.remaining_s // 86_400),
        "signs": has_authority(folder),
        "folder": str(folder),
    }
    lines = [(key.replace("_", " "), value) for key, value in facts.items()]
    Output(output).facts(facts, lines)
