"""`caxton agent`: deploy agents and drive them through their life."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, column
from caxton_node.cli.session import Session, verb
from caxton_node.cli.types import Count, Duration, KeyValue, Size
from caxton_node.core.errors import InvalidArgument

if TYPE_CHECKING:
    from caxton_node.pb import agents_pb2

MODULE_BYTES_MAX = 50 * 1024 * 1024
COLUMNS = (
    column("NAME", "name"),
    column("VERSION", "version"),
    column("STATE", "state"),
    column("NODE", "node"),
    column("CAPABILITIES", "capabilities"),
    column("INSTANCE", "instance", wide=True),
    Column("MODULE", lambda row: str(row["module_sha256"])[:12], wide=True),
)

agent = VerbGroup(
    name="agent",
    aliases={
        "create": "deploy",
        "ls": "list",
        "show": "get",
        "describe": "inspect",
        "rm": "delete",
        "remove": "delete",
        "undeploy": "delete",
    },
    help="Deploy agents and drive them through their life.",
)

_node = click.option("--node", default="", help="Node that runs it; needed when several do.")


@verb(agent, "deploy")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--name", default="", help="Name of the agent. [default: the name of the file]")
@click.option("--version", default="", help="Version of the agent. [default: 1.0.0]")
@click.option("--node", default="", help="Node that shall run it. [default: the node that is asked]")
@click.option("--memory", type=Size(), default=0, help="Memory limit, such as 10MiB.")
@click.option("--fuel", type=Count(2**50), default=0, help="Fuel for each message.")
@click.option("--wall-time", type=Duration(), default=0.0, help="Wall time for each message, such as 5s.")
@click.option("--mailbox", type=Count(), default=0, help="Messages that may wait.")
@click.option("--batch", type=Count(), default=0, help="Messages in one guest call, 1 to 256.")
@click.option(
    "--config", "pairs", type=KeyValue(), multiple=True, help="Setting for the guest; may be repeated."
)
@click.option(
    "--config-file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Settings as JSON or YAML.",
)
@click.option(
    "--capability", "capabilities", multiple=True, help="Capability that it may register; repeatable."
)
@click.option("--no-start", is_flag=True, help="Leave it Loaded.")
def deploy(
    session: Session,
    *,
    file: Path,
    name: str,
    version: str,
    node: str,
    pairs: tuple[tuple[str, object], ...],
    config_file: Path | None,
    capabilities: tuple[str, ...],
    no_start: bool,
    **limits: Any,  # noqa: ANN401  the limits, one option each
) -> None:
    """Validate FILE (.wasm or .wat) and start it as an agent."""
    module = _read_module(file)
    config = {**_read_config(config_file), **dict(pairs)}
    with session.client() as client:
        answer = client.agents.deploy(
            name or _name_of(file),
            module,
            version=version,
            node=node,
            limits=_limits(**limits),
            config=config,
            capabilities=capabilities,
            do_not_start=no_start,
        )
    row = _row(answer.agent)
    session.output.done(
        {**row, "elapsed_us": answer.elapsed_us},
        f"{row['instance']} is {row['state']} after {answer.elapsed_us / 1000:.0f} ms",
    )


@verb(agent, "list")
@click.argument("name", default="")
@click.option("--node", default="", help="Only agents on this node.")
def list_agents(session: Session, name: str, node: str) -> None:
    """List the agents of the cluster, or the instances of NAME."""
    with session.client() as client:
        rows = [_row(found) for found in client.agents.list(name=name, node=node)]
    session.output.rows(rows, COLUMNS, empty="no agents; deploy one with: caxton agent deploy FILE")


@verb(agent, "get")
@click.argument("name")
@_node
def get(session: Session, name: str, node: str) -> None:
    """Show one agent in short."""
    with session.client() as client:
        row = _row(client.agents.get(name, node=node))
    session.output.rows([row], COLUMNS, empty="") if not session.output.for_programs else session.output.data(
        row
    )


@verb(agent, "inspect")
@click.argument("name")
@_node
def inspect(session: Session, name: str, node: str) -> None:
    """Show everything about one agent: limits, config, memory, restarts."""
    with session.client() as client:
        row = _row(client.agents.get(name, node=node))
    detail: Mapping[str, Any] = row.get("detail", {})
    limits: Mapping[str, Any] = detail.get("limits", {})
    lines = [(key.replace("_", " "), value) for key, value in row.items() if key != "detail"]
    lines += [
        ("deployed at", _moment(value))
        if key == "deployed_unix_ms"
        else (key.replace("_", " "), f"{value:,}" if isinstance(value, int) else value)
        for key, value in detail.items()
        if key not in {"limits", "config"}
    ]
    lines += [(f"limit {key.replace('_', ' ')}", f"{value:,}") for key, value in limits.items()]
    lines += [("config", json.dumps(detail.get("config", {}), ensure_ascii=False))]
    session.output.facts(row, lines)


@verb(agent, "start")
@click.argument("name")
@_node
def start(session: Session, name: str, node: str) -> None:
    """Start an agent that is loaded, stopped or failed."""
    with session.client() as client:
        _say_state(session, client.agents.start(name, node=node))


@verb(agent, "stop")
@click.argument("name")
@_node
@click.option("--drain", type=Duration(), default=0.0, help="How long its mailbox may drain. [default: 30s]")
def stop(session: Session, name: str, node: str, drain: float) -> None:
    """Drain an agent and stop it; it stays deployed."""
    with session.client() as client:
        answer = client.agents.stop(name, node=node, drain_s=drain)
    _say_state(session, answer.agent, returned=answer.returned_messages)


@verb(agent, "restart")
@click.argument("name")
@_node
def restart(session: Session, name: str, node: str) -> None:
    """Replace the running instance by a fresh one; waiting messages are kept."""
    with session.client() as client:
        _say_state(session, client.agents.restart(name, node=node))


@verb(agent, "delete")
@click.argument("name")
@_node
@click.option(
    "--force", is_flag=True, help="Do not drain; waiting messages go back to their senders as FAILURE."
)
def delete(session: Session, name: str, node: str, force: bool) -> None:
    """Drain and remove an agent."""
    with session.client() as client:
        answer = client.agents.undeploy(name, node=node, force=force)
    session.output.done(
        {"name": name, "returned_messages": answer.returned_messages},
        f"{name} is removed{_returned(answer.returned_messages)}",
    )


def _row(found: agents_pb2.Agent) -> dict[str, Any]:
    from caxton_node.cli.plain import plain

    return plain(found)


def _moment(unix_ms: int) -> str:
    from datetime import datetime

    return f"{datetime.fromtimestamp(unix_ms / 1000).astimezone():%Y-%m-%d %H:%M:%S %z}"


def _say_state(session: Session, found: agents_pb2.Agent, *, returned: int = 0) -> None:
    row = _row(found)
    session.output.done(
        {**row, "returned_messages": returned}, f"{row['instance']} is {row['state']}{_returned(returned)}"
    )


def _returned(count: int) -> str:
    return f"; {count} waiting messages went back to their senders" if count else ""


def _limits(*, memory: int, fuel: int, wall_time: float, mailbox: int, batch: int) -> dict[str, int]:
    return {
        "memory_bytes": memory,
        "fuel_per_message": fuel,
        "wall_time_ms": round(wall_time * 1000),
        "mailbox_depth": mailbox,
        "batch_max": batch,
    }


def _read_module(file: Path) -> bytes:
    module = file.read_bytes()
    if len(module) > MODULE_BYTES_MAX:
        raise InvalidArgument(
            f"{file} has {len(module):,} bytes",
            why=f"a module may have at most {MODULE_BYTES_MAX:,}",
            hint="strip debug sections, for example with wasm-strip or `strip = true` in Cargo.toml",
        )
    return module


def _read_config(file: Path | None) -> dict[str, object]:
    if file is None:
        return {}
    import yaml

    try:
        found = yaml.safe_load(file.read_text())
    except (ValueError, yaml.YAMLError) as err:
        raise InvalidArgument(f"{file} cannot be read", why=str(err), hint="write JSON or YAML") from err
    if not isinstance(found, dict):
        raise InvalidArgument(f"{file} holds no settings", why="it must be a map of names and values")
    return {str(key): value for key, value in found.items()}


def _name_of(file: Path) -> str:
    """Make a name of a file name: `Price_Checker.wasm` becomes `price-checker`."""
    return re.sub(r"[^a-z0-9]+", "-", file.name.partition(".")[0].lower()).strip("-")
