"""`caxton security`: certificates of the members, nodes that were cut off, the CA, and who may do what."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.security_access import can, roles
from caxton_node.cli.security_audit import audit
from caxton_node.cli.security_ca import ca
from caxton_node.cli.security_keys import keys, whoami
from caxton_node.cli.security_sheet import (
    CERTIFICATE_COLUMNS,
    REVOCATION_COLUMNS,
    certificate_row,
    revocation_row,
    warnings_of,
)
from caxton_node.cli.session import Session, verb
from caxton_node.core.errors import InvalidArgument, Unavailable

if TYPE_CHECKING:
    from caxton_node.pb.security_pb2 import RevokeNodeResponse

security = VerbGroup(
    name="security",
    aliases={
        "certificates": "certs",
        "cert": "certs",
        "list": "certs",
        "ls": "certs",
        "ban": "revoke",
        "revoked": "revocations",
        "authority": "ca",
        "key": "keys",
        "role": "roles",
        "who": "whoami",
    },
    help="See certificates, keys, roles and audit records; cut nodes off, change the CA.",
)
security.add_command(ca, "ca")
security.add_command(keys, "keys")
security.add_command(roles, "roles")
security.add_command(audit, "audit")
verb(security, "can")(can)
verb(security, "whoami")(whoami)


@verb(security, "certs")
def certs(session: Session) -> None:
    """List the certificate of every live member, by id: who signed it, how long it lasts, its clock."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        nodes = [plain(node) for node in client.security.certificates()]
    session.output.rows(_rows(session, nodes), CERTIFICATE_COLUMNS, empty="no members")
    for warning in warnings_of(nodes):
        click.echo(f"warning: {warning}", err=True)


@verb(security, "renew")
@click.option("--node", default="", help="Which node. [default: the node that is asked]")
def renew(session: Session, node: str) -> None:
    """Give a node a new certificate now; its links go on, new ones show the new certificate."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        made = plain(client.security.renew(node=node))
    row = certificate_row(made, time.time())
    line = f"{made['node']} has certificate {made['serial'][:16]} for {row['expires_in']}"
    session.output.done(made, line)


@verb(security, "revoke")
@click.argument("node", default="")
@click.option("--reason", default="", help="For the log, the list and the node itself.")
@click.option(
    "--from-file",
    "source",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A revocation that `caxton-node certs revoke` has signed where the CA key lies.",
)
def revoke(session: Session, node: str, reason: str, source: Path | None) -> None:
    """Cut NODE off: its certificates are void from now on, its links are closed, gossip gets another key.

    There is no way to take it back; the node is let in again with a new certificate, by a join token that is
    printed afterwards: those from before are void.
    """
    if not (node or source):
        raise InvalidArgument("no node was named", hint="caxton security revoke NODE")
    revocation = source.read_bytes() if source else b""
    with session.client() as client:
        _tell(session, client.security.revoke(node, reason=reason, revocation=revocation))


@verb(security, "revocations")
def revocations(session: Session) -> None:
    """List what was revoked and is in force on the node that is asked, by node."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = [plain(each) for each in client.security.revocations()]
    rows = found if session.output.for_programs else [revocation_row(each) for each in found]
    session.output.rows(rows, REVOCATION_COLUMNS, empty="nothing was revoked")


def _rows(session: Session, nodes: Sequence[dict[str, Any]]) -> Sequence[dict[str, Any]]:
    now = time.time()
    return nodes if session.output.for_programs else [certificate_row(node, now) for node in nodes]


def _tell(session: Session, answer: RevokeNodeResponse) -> None:
    from caxton_node.client.plain import plain

    facts = plain(answer)
    nodes, name = facts["nodes"], facts["revocation"]["node"]
    done = sum(not node["error"] for node in nodes)
    session.output.done(facts, f"{name} is revoked on {done} of {len(nodes)} members")
    if not session.output.for_programs:
        for node in nodes:
            if node["error"]:
                session.output.line(f"  {node['node']}  {node['error']}")
    if not facts["revocation"]["serial"]:
        click.echo("gossip keys are being changed: caxton cluster keys list shows when it is done", err=True)
        click.echo("join tokens printed before are void, and so are API keys that it had made", err=True)
    if facts["held_ca_key"]:
        click.echo(
            f"warning: {name} held the CA key: who has it can sign itself any node, and can follow a change"
            " of the CA. If it was stolen, make the CA anew with all nodes stopped:"
            " docs/runbooks/certificates.md, The CA key was stolen",
            err=True,
        )
    _check_told(name, nodes)


def _check_told(name: str, nodes: Sequence[dict[str, Any]]) -> None:
    failed = [node for node in nodes if node["error"]]
    if failed:
        raise Unavailable(
            f"{name} is revoked, and not every member has confirmed it: {failed[0]['node']}"
            + (f" and {len(failed) - 1} more" if len(failed) > 1 else ""),
            why=failed[0]["error"],
            hint="nothing need be done again: they learn of it by themselves within a minute of being back",
        )
