"""`caxton-node audit`: checks an audit log, or a copy of one, without a node."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import click

from caxton_node.cli.audit_sheet import show_verdict
from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import FORMATS, Output
from caxton_node.core.errors import NotFound

audit = VerbGroup(
    name="audit",
    aliases={"check": "verify"},
    help="Check an audit log, or a copy of one, without a node.",
)


@audit.command("verify")
@click.argument("folder", type=click.Path(file_okay=False, path_type=Path))
@click.option("-o", "--output", type=click.Choice(FORMATS), default="table", help="How to print the result.")
def verify(folder: Path, output: str) -> None:
    """Walk through the log in FOLDER, such as <data>/audit, and tell where it is not as it was written."""
    from caxton_node.audit import verify as walk

    verdict = walk(folder)
    if not verdict.files:
        raise NotFound(
            f"there is no audit log in {folder}",
            hint="the log of a node is in the folder audit of its data directory",
        )
    show_verdict(Output(output), asdict(verdict) | {"whole": verdict.is_whole})
