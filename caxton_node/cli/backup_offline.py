"""`caxton-node backup` and `salvage`: what is done with the database of a node that does not run."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from caxton_node.cli.backup_sheet import BACKUP_COLUMNS, NO_BACKUPS, show_verdict
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import FORMATS, Output, column
from caxton_node.cli.place import data_dir_of, data_dir_option
from caxton_node.core.clock import utc_text

if TYPE_CHECKING:
    from caxton_node.storage.restore import Restored
    from caxton_node.storage.salvage import Salvaged

F = TypeVar("F", bound=Callable[..., Any])
TABLE_COLUMNS = (
    column("TABLE", "name"),
    column("KEPT", "kept", right=True),
    column("LOST", "lost", right=True),
)

backup = VerbGroup(
    name="backup",
    aliases={"ls": "list", "check": "verify"},
    help="Restore a backup into a node that does not run, and look at its backups.",
)


class Moment(click.ParamType[int]):
    """A moment, written as `2026-11-26T10:00:00Z`; without a zone it is UTC."""

    name = "time"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return Unix microseconds."""
        if isinstance(value, int):
            return value
        try:
            found = datetime.fromisoformat(str(value))
        except ValueError:
            self.fail(f"{value!r} is no moment; write for example 2026-11-26T10:00:00Z", param, ctx)
        known = found if found.tzinfo else found.replace(tzinfo=UTC)
        since = known - datetime(1970, 1, 1, tzinfo=UTC)
        return (since.days * 86_400 + since.seconds) * 1_000_000 + since.microseconds


def _shared(function: F) -> F:
    function = click.option(
        "-o", "--output", type=click.Choice(FORMATS), default="table", help="How to print the result."
    )(function)
    return data_dir_option(function)


def _backups_option(function: F) -> F:
    return click.option(
        "--backups",
        type=click.Path(file_okay=False, path_type=Path),
        help="Folder of the backups. [default: `backups` in the data directory]",
    )(function)


@backup.command("list")
@_shared
@_backups_option
def list_(data_dir: Path | None, output: str, backups: Path | None) -> None:
    """List the backups in a data directory, the oldest first."""
    from caxton_node.storage.backups import list_backups
    from caxton_node.storage.layout import backups_of

    found = list_backups(backups or backups_of(data_dir_of(data_dir)))
    Output(output).rows([asdict(each) for each in found], BACKUP_COLUMNS, empty=NO_BACKUPS)


@backup.command("verify")
@_shared
@_backups_option
@click.argument("backup_id", metavar="BACKUP")
def verify(data_dir: Path | None, output: str, backups: Path | None, backup_id: str) -> int:
    """Read a backup, an id or the path of its folder, and say whether it is whole; exit code 1 when not."""
    from caxton_node.storage.backups import find_backup, verify_backup
    from caxton_node.storage.layout import backups_of

    place, manifest = find_backup(backups or backups_of(data_dir_of(data_dir)), backup_id)
    return show_verdict(Output(output), asdict(manifest), verify_backup(place, manifest))


@backup.command("restore")
@_shared
@_backups_option
@click.argument("backup_id", metavar="[BACKUP]", default="")
@click.option("--to", type=Moment(), help="The state of this moment, such as 2026-11-26T10:00:00Z.")
@click.option("--force", is_flag=True, help="Replace the database that is there; it is kept beside.")
def restore(
    *, data_dir: Path | None, output: str, backups: Path | None, backup_id: str, to: int | None, force: bool
) -> None:
    """Put a backup in the place of the node's database; the node must not run.

    BACKUP is an id or the path of a backup's folder, and is restored as it is, or brought forward to the
    moment of --to. Without it, the newest whole backup is taken and all that the change log has since
    (setting storage.change_log), or has until --to. The old database stays in the data directory under a
    dated name. Join tokens are void afterwards, since they may have been used up meanwhile.
    """
    from caxton_node.storage.restore import Order
    from caxton_node.storage.restore import restore as restore_database

    place = data_dir_of(data_dir)
    done = restore_database(Order(place, backups, backup_id, to, force))
    for skipped in done.skipped:
        click.echo(f"warning: not whole, so an older one was taken: {skipped}", err=True)
    if done.voided:
        click.echo(f"join tokens made void: {done.voided}; new ones: caxton-node token", err=True)
    Output(output).facts(_facts_of_restore(done), _lines_of_restore(done))
    click.echo(f"next: caxton-node run --data-dir {place}", err=True)


@click.command("salvage")
@_shared
def salvage(data_dir: Path | None, output: str) -> None:
    """Read what can still be read of a damaged database into a new one; the node must not run.

    The damaged file stays in the data directory under a dated name. A backup is better where there is one:
    `caxton-node backup restore`.
    """
    from caxton_node.storage.salvage import salvage as salvage_database

    place = data_dir_of(data_dir)
    done = salvage_database(place)
    show = Output(output)
    if show.for_programs:
        show.data(_facts_of_salvage(done))
    else:
        rows = [_row_of(each) for each in _facts_of_salvage(done)["tables"]]
        show.rows(rows, TABLE_COLUMNS, empty="no tables")
        click.echo(f"the damaged file is now {done.kept}", err=True)
    click.echo(f"next: caxton-node run --data-dir {place}", err=True)


def _row_of(facts: dict[str, Any]) -> dict[str, Any]:
    return facts | {"lost": "some" if facts["lost"] is None else facts["lost"]}


def _facts_of_salvage(done: Salvaged) -> dict[str, Any]:
    return {"tables": [asdict(each) for each in done.tables], "kept": str(done.kept), "schema": done.schema}


def _facts_of_restore(done: Restored) -> dict[str, Any]:
    return {
        "backup": done.manifest.id,
        "node": done.manifest.node,
        "cluster": done.manifest.cluster,
        "changes": done.replayed.changes,
        "at_unix_us": done.replayed.at_unix_us,
        "kept": str(done.kept) if done.kept else None,
        "skipped": list(done.skipped),
        "join_tokens_voided": done.voided,
    }


def _lines_of_restore(done: Restored) -> list[tuple[str, object]]:
    lines: list[tuple[str, object]] = [
        ("backup", f"{done.manifest.id} of {done.manifest.node}, cluster {done.manifest.cluster}"),
        ("state of", utc_text(done.replayed.at_unix_us)),
        ("changes", f"{done.replayed.changes} since the backup"),
    ]
    return [*lines, ("old database", str(done.kept))] if done.kept else lines
