"""`caxton module`: modules by themselves, sent to a node before they are deployed, listed, and read."""

from __future__ import annotations

import hashlib
from pathlib import Path

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.module_argument import Module, ModuleArgument
from caxton_node.cli.output import Column, column
from caxton_node.cli.patience import patience
from caxton_node.cli.session import Session, verb
from caxton_node.cli.sheet import size
from caxton_node.core.errors import CorruptStore, InvalidArgument

COLUMNS = (
    Column("SHA256", lambda row: str(row["sha256"])[:16]),
    Column("SIZE", lambda row: size(int(str(row["size_bytes"]))), right=True),
    Column("AGENTS", lambda row: ", ".join(_names(row["agents"])) or "-"),
    column("NODE", "node", wide=True),
    column("DIGEST", "sha256", wide=True),
)

module = VerbGroup(
    name="module",
    aliases={"ls": "list", "show": "get", "push": "upload", "put": "upload", "pull": "download"},
    help="Send modules to a node, list those that it has, and read them.",
)
_node = click.option("--node", default="", help="Which node. [default: the node that is asked]")


def _names(value: object) -> list[str]:
    return [str(name) for name in value] if isinstance(value, list) else []


@verb(module, "upload")
@click.argument("file", type=ModuleArgument())
def upload(session: Session, file: Module) -> None:
    """Send FILE to the node in pieces, on from where it was if the connection broke before.

    It is kept for an hour; deploy it with `caxton agent deploy sha256:DIGEST`.
    """
    from caxton_node.client.plain import plain

    if not file.binary:
        raise InvalidArgument("a digest cannot be uploaded", hint="give the .wasm file")
    with patience(f"uploading {file.described}"), session.client() as client:
        answer = client.modules.upload(file.binary)
    sha256 = answer.module.sha256
    text = "is there already" if answer.was_here else "is uploaded"
    session.output.done(plain(answer), f"sha256:{sha256} {text}")


@verb(module, "list")
@_node
def list_modules(session: Session, node: str) -> None:
    """List the modules that a node has."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(each) for each in client.modules.list(node=node)]
    session.output.rows(rows, COLUMNS, empty="no modules")


@verb(module, "get")
@click.argument("sha256")
@_node
def get(session: Session, sha256: str, node: str) -> None:
    """Tell what a node knows of the module SHA256; of an upload under way, how far it has come."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        if not node and not (upload := client.modules.uploaded(sha256)).is_whole and upload.received_bytes:
            came = size(upload.received_bytes)
            session.output.done(plain(upload), f"on its way: {came} have come; upload it again to go on")
            return
        row = plain(client.modules.get(sha256, node=node))
    session.output.rows([row], COLUMNS, empty="")


@verb(module, "download")
@click.argument("sha256")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def download(session: Session, sha256: str, file: Path) -> None:
    """Read the module SHA256, from any node that has it, into FILE."""
    digest, written = hashlib.sha256(), 0
    with patience(f"reading {sha256[:16]}"), session.client() as client, file.open("wb") as target:
        for piece in client.modules.download(sha256):
            digest.update(piece.data)
            written += target.write(piece.data)
    if digest.hexdigest() != sha256.removeprefix("sha256:").lower():
        raise CorruptStore(
            f"{file} is not the module that was asked for",
            why=f"it has the digest sha256:{digest.hexdigest()}",
            hint="read it again",
        )
    session.output.done({"file": str(file), "size_bytes": written}, f"{file}: {size(written)}")
