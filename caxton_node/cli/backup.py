"""`caxton backup`: the backups of a running node."""

from __future__ import annotations

import click

from caxton_node.cli.backup_sheet import BACKUP_COLUMNS, NO_BACKUPS, show_verdict, size_text
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.patience import patience
from caxton_node.cli.session import Session, verb

backup = VerbGroup(
    name="backup",
    aliases={"make": "create", "new": "create", "ls": "list", "check": "verify"},
    help="Back up a node's database while it runs, and look at its backups. `caxton-node backup` restores.",
)

_node = click.option("--node", default="", help="Which node. [default: the node that is asked]")


@verb(backup, "create")
@_node
def create(session: Session, node: str) -> None:
    """Make a backup of a node's database, in the folder `backups` of its data directory.

    The node goes on meanwhile: nobody waits for a write. It holds the database alone; certificates and
    modules are files that do not change, and are copied with the directory.
    """
    from caxton_node.client.plain import plain

    with patience("backing up"), session.client() as client:
        made = plain(client.storage.create_backup(node=node))
    size_bytes = sum(file["size_bytes"] for file in made["files"])
    session.output.done(made, f"made backup {made['id']} of {made['node']}, {size_text(size_bytes)}")


@verb(backup, "list")
@_node
def list_(session: Session, node: str) -> None:
    """List the backups that a node has, the oldest first."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(each) for each in client.storage.backups(node=node)]
    session.output.rows(rows, BACKUP_COLUMNS, empty=NO_BACKUPS)


@verb(backup, "verify")
@_node
@click.argument("backup_id", metavar="BACKUP")
def verify(session: Session, node: str, backup_id: str) -> int:
    """Read a backup from end to end and say whether it is whole; exit code 1 when it is not."""
    from caxton_node.client.plain import plain

    with patience(f"reading backup {backup_id}"), session.client() as client:
        answer = client.storage.verify_backup(backup_id, node=node)
    return show_verdict(session.output, plain(answer.backup), list(answer.findings))
