"""`caxton agent kv`: look at the keys that an agent keeps, write them, remove them."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, column
from caxton_node.cli.session import Session, verb
from caxton_node.cli.sheet import size

F = TypeVar("F", bound=Callable[..., object])


def _size(row: Mapping[str, Any]) -> str:
    return size(row["size_bytes"])


COLUMNS = (
    column("KEY", "key"),
    column("VERSION", "version"),
    Column("SIZE", _size),
)

kv = VerbGroup(
    name="kv",
    aliases={"ls": "list", "show": "get", "set": "put", "rm": "delete"},
    help="Look at the keys that an agent keeps, write them, remove them.",
)


def _where(function: F) -> F:
    """Add the options that say which keys are meant."""
    shared = click.option("--shared", is_flag=True, help="Its shared keys, which all nodes see.")
    node = click.option("--node", default="", help="Where they are. [default: where the agent runs]")
    return node(shared(function))


@verb(kv, "list")
@click.argument("name")
@click.option("--prefix", default="", help="Only keys that begin so.")
@_where
def list_keys(session: Session, *, name: str, prefix: str, node: str, shared: bool) -> None:
    """List the keys of the agent NAME."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = client.agent_keys.list(name, node=node, prefix=prefix, shared=shared)
        rows = [plain(key) for key in found]
    session.output.rows(rows, COLUMNS, empty=f"{name} has no keys there")


@verb(kv, "get")
@click.argument("name")
@click.argument("key")
@_where
def get(session: Session, *, name: str, key: str, node: str, shared: bool) -> None:
    """Show the value that the agent NAME keeps under KEY."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        found = client.agent_keys.get(name, key, node=node, shared=shared)
    value = json.loads(found.value)
    if session.output.for_programs:
        session.output.data({**plain(found.key), "value": value, "node_id": found.node_id})
        return
    click.echo(json.dumps(value, indent=2, ensure_ascii=False))


@verb(kv, "put")
@click.argument("name")
@click.argument("key")
@click.argument("value")
@click.option(
    "--if-version", type=click.IntRange(min=0), help="Only if this is its version; 0: if it is new."
)
@_where
def put(
    session: Session,
    *,
    name: str,
    key: str,
    value: str,
    if_version: int | None,
    node: str,
    shared: bool,
) -> None:
    """Let the agent NAME keep VALUE, which is JSON, under KEY."""
    from caxton_node.client.plain import plain

    with session.client() as client:
        answer = client.agent_keys.put(
            name, key, value.encode(), node=node, shared=shared, if_version=if_version
        )
    row = {**plain(answer.key), "node_id": answer.node_id}
    session.output.done(row, f"{key} has version {answer.key.version} on {answer.node_id}")


@verb(kv, "delete")
@click.argument("name")
@click.argument("key", required=False)
@click.option("--all", "everything", is_flag=True, help="All its keys there, and its shared ones.")
@_where
def delete(
    session: Session, *, name: str, key: str | None, everything: bool, node: str, shared: bool
) -> None:
    """Remove KEY of the agent NAME, or all its keys."""
    if everything == bool(key):
        raise click.UsageError("name a key, or say --all")
    with session.client() as client:
        answer = (
            client.agent_keys.clear(name, node=node)
            if key is None
            else client.agent_keys.delete(name, key, node=node, shared=shared)
        )
    row = {"removed": answer.removed, "node_id": answer.node_id}
    what = "key is" if answer.removed == 1 else "keys are"
    session.output.done(row, f"{answer.removed} {what} removed on {answer.node_id}")
