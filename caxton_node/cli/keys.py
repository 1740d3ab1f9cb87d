"""`caxton cluster keys`: look at the keys that seal gossip, and change them on all members."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, Row, column
from caxton_node.cli.session import Session, verb
from caxton_node.core.errors import InvalidArgument

if TYPE_CHECKING:
    from caxton_node.pb.keys_pb2 import KeysStep


def _ids(row: Row) -> list[str]:
    ids: Any = row["key_ids"]
    return list(ids)


def _sealing(row: Row) -> str:
    return (_ids(row) or ["-"])[0] if row["encryption"] != "off" else "NOTHING"


COLUMNS = (
    column("NODE", "node"),
    Column("SEALS WITH", _sealing),
    Column("ALSO OPENS", lambda row: ", ".join(_ids(row)[1:]) or "-"),
    column("STATE", "state"),
    column("ENCRYPTION", "encryption"),
    column("REVISION", "revision", wide=True, right=True),
    column("UNOPENED", "unopened", wide=True, right=True),
    column("PLAIN REFUSED", "refused_plain", wide=True, right=True),
    column("ERROR", "error"),
)
SEALING = {
    "required": "required",
    "accept-plain": "sealed, but plain gossip is believed too (swim.encryption: accept-plain)",
    "off": "NOT SEALED: whoever reaches the node can mislead it (swim.encryption: off)",
}
"""What a status says about each value of `swim.encryption`."""
KEY_BYTES = 32
_DONE = {
    "install": "key {key} opens on {done} of {all} members",
    "use": "key {key} seals on {done} of {all} members",
    "remove": "old keys are gone from {done} of {all} members; {key} seals",
}

force = click.option("--force", is_flag=True, help="Go on without members that cannot be reached.")

keys = VerbGroup(
    name="keys",
    aliases={"ls": "list", "show": "list", "add": "install", "delete": "remove", "rm": "remove"},
    help="Look at the keys that seal gossip, and change them on all members.",
)


@verb(keys, "list")
def list_keys(session: Session) -> None:
    """List the keys of every live member, by id; the keys themselves are never shown."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(node) for node in client.cluster.gossip_keys()]
    session.output.rows(rows, COLUMNS, empty="no members")
    for warning in _warnings(rows):
        click.echo(f"warning: {warning}", err=True)


@verb(keys, "install")
@click.option(
    "--from-file",
    "source",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    help="64 hexadecimal digits, from a file or - for stdin. [default: a new key is made]",
)
@force
def install(session: Session, source: str | None, force: bool) -> None:
    """Let every live member open another key; nothing seals with it yet."""
    key = _read_key(source) if source else b""
    with session.client() as client:
        _tell(session, client.cluster.install_key(key, force=force))


@verb(keys, "use")
@click.argument("key_id")
@force
def use(session: Session, key_id: str, force: bool) -> None:
    """Let every live member seal with a key that all of them hold."""
    with session.client() as client:
        _tell(session, client.cluster.use_key(key_id, force=force))


@verb(keys, "remove")
@click.argument("key_id")
@force
def remove(session: Session, key_id: str, force: bool) -> None:
    """Let no live member open a key any more; the one that seals cannot be removed."""
    with session.client() as client:
        _tell(session, client.cluster.remove_key(key_id, force=force))


@verb(keys, "rotate")
@force
def rotate(session: Session, force: bool) -> None:
    """Put a new key in the place of all others: install it, use it, remove the rest.

    Each step is confirmed by every live member before the next begins. If one does not answer, it stops where
    all can still read each other, and can be given again.
    """
    with session.client() as client:
        _tell(session, client.cluster.rotate_keys(force=force))


def _tell(session: Session, steps: Iterable[KeysStep]) -> None:
    from caxton_node.client.plain import plain

    for each in steps:
        step = plain(each)
        nodes: Sequence[dict[str, Any]] = step["nodes"]
        done = sum(not node["error"] for node in nodes)
        line = _DONE[step["step"]].format(key=step["key_id"], done=done, all=len(nodes))
        session.output.event(step, line)
        if not session.output.for_programs:
            for node in nodes:
                session.output.line(f"  {node['node']}  {node['error'] or _rings(node)}")


def _rings(node: dict[str, Any]) -> str:
    also = _ids(node)[1:]
    return f"seals with {_sealing(node)}" + (f", opens {', '.join(also)} too" if also else "")


def _warnings(rows: Sequence[dict[str, Any]]) -> Iterable[str]:
    plain = [row["node"] for row in rows if row["encryption"] in {"off", "accept-plain"}]
    if plain:
        yield f"gossip that is not sealed is believed by {', '.join(plain)} (swim.encryption)"
    unsettled = [row["node"] for row in rows if row["state"] != "current"]
    if unsettled:
        yield f"not as the latest change left it: {', '.join(unsettled)}"
    elif any(len(row["key_ids"]) > 1 for row in rows):
        yield "old keys still open; a rotation may be unfinished: caxton cluster keys rotate, or remove them"


def _read_key(source: str) -> bytes:
    try:
        with click.open_file(source) as file:
            return _key_of(file.read())
    except ValueError as err:
        raise InvalidArgument(
            "this is no key", why=str(err), hint="a key is 64 hexadecimal digits: openssl rand -hex 32"
        ) from err


def _key_of(text: str) -> bytes:
    key = bytes.fromhex(text.strip())
    if len(key) != KEY_BYTES:  # none at all would stand for a new one
        raise ValueError(f"it has {len(key)} bytes, not {KEY_BYTES}")
    return key
