"""`caxton security keys` and `whoami`: API keys of the cluster, and who calls."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, column
from caxton_node.cli.security_sheet import span
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Duration


def _left(row: Mapping[str, Any]) -> str:
    ends = [row[key] for key in ("expires_unix_s", "revoked_unix_s") if row.get(key) is not None]
    left_s = min(ends) - time.time() if ends else 0.0
    return span(left_s) if left_s > 0 else ("-" if ends else "never")


def _used(row: Mapping[str, Any]) -> str:
    used = row.get("last_used_unix_s")
    return "-" if used is None else f"{span(max(0.0, time.time() - used))} ago"


COLUMNS = (
    column("ID", "key_id"),
    column("NAME", "name"),
    column("GRANTS", "grants"),
    column("STATE", "state"),
    Column("ENDS IN", _left),
    Column("USED", _used),
    column("MADE BY", "issuer", wide=True),
)

keys = VerbGroup(
    name="keys",
    aliases={"ls": "list", "new": "create", "add": "create", "renew": "rotate", "rm": "revoke"},
    help="Make API keys, see, replace and revoke them.",
)


def _lifetime(value: float | None) -> int | None:
    return None if value is None else max(1, round(value))


@verb(keys, "create")
@click.argument("name")
@click.option(
    "--role", "grants", multiple=True, required=True, metavar="ROLE[@TENANT]", help="May be repeated."
)
@click.option("--lifetime", type=Duration(), help="How long it is good, such as 30d. [default: for ever]")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but the key.")
def create(
    session: Session, *, name: str, grants: tuple[str, ...], lifetime: float | None, quiet: bool
) -> None:
    """Make a key for NAME; it is printed once and kept nowhere."""
    with session.client() as client:
        made = client.access_keys.create(name, grants=grants, lifetime_s=_lifetime(lifetime))
    _show_once(session, made, quiet=quiet)


@verb(keys, "list")
@click.option("--all", "everything", is_flag=True, help="Also those that are not good any more.")
@click.option("--name", default="", help="Only those of this holder.")
def list_keys(session: Session, *, everything: bool, name: str) -> None:
    """List the keys of the cluster, oldest first; nobody can see their secrets."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        rows = [plain(key) for key in client.access_keys.list(name=name, everything=everything)]
    session.output.rows(rows, COLUMNS, empty="no API keys")


@verb(keys, "rotate")
@click.argument("key_id", metavar="ID")
@click.option(
    "--overlap", type=Duration(), default="0", help="How long the old one stays good. [default: not at all]"
)
@click.option("--lifetime", type=Duration(), help="Of the new one. [default: as the old one]")
@click.option("-q", "--quiet", is_flag=True, help="Print nothing but the key.")
def rotate(session: Session, *, key_id: str, overlap: float, lifetime: float | None, quiet: bool) -> None:
    """Make a key that takes the place of ID: same holder, same roles, another secret."""
    with session.client() as client:
        made = client.access_keys.rotate(key_id, overlap_s=round(overlap), lifetime_s=_lifetime(lifetime))
    _show_once(session, made, quiet=quiet)


@verb(keys, "revoke")
@click.argument("key_id", metavar="ID")
def revoke(session: Session, *, key_id: str) -> None:
    """Make the key ID void on every node, now and for good."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        key = plain(client.access_keys.revoke(key_id))
    session.output.done(key, f"{key['key_id']} of {key['name']} is revoked")


def whoami(session: Session) -> None:
    """Tell as whom you are known, by what, and what you may do."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        me = plain(client.access_keys.whoami())
    lines = [
        ("name", me["name"]),
        ("known by", me["kind"]),
        ("may do", me["grants"] or "nothing"),
        ("ends in", _left(me)),
        ("node", me["node_id"]),
    ]
    session.output.facts(me, lines)


def _show_once(session: Session, made: Any, *, quiet: bool) -> None:  # noqa: ANN401  an answer of the node
    from caxton_node.client.plain import plain

    facts = plain(made)
    if session.output.for_programs:
        session.output.data(facts)
        return
    click.echo(facts["token"])
    if not quiet:
        key = facts["key"]
        grants = ", ".join(key["grants"])
        click.echo(f"{key['key_id']} for {key['name']} as {grants}, ends in {_left(key)}", err=True)
        click.echo("it is shown this once: keep it now", err=True)
