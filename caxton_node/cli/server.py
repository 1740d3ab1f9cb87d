"""`caxton server`: ask a node for its health and settings."""

from __future__ import annotations

import json

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.output import Column, column
from caxton_node.cli.session import Session, verb

EXIT_NOT_READY = 1
CONFIG_COLUMNS = (
    column("SETTING", "key"),
    Column("VALUE", lambda row: json.dumps(row["value"], ensure_ascii=False)),
    column("UNIT", "unit"),
    Column("DEFAULT", lambda row: json.dumps(row["default"], ensure_ascii=False), wide=True),
    column("RELOADABLE", "reloadable", wide=True),
    column("HELP", "help", wide=True),
)

server = VerbGroup(
    name="server",
    aliases={"health": "status", "settings": "config"},
    help="Ask a node for its health and settings.",
)

_node = click.option("--node", default="", help="Which node. [default: the node that is asked]")


@verb(server, "status")
@_node
def status(session: Session, node: str) -> int:
    """Show whether a node does its work, check by check; exit code 1 when it does not."""
    from caxton_node.cli.plain import plain

    with session.client() as client:
        facts = plain(client.server.health(node=node))
    lines: list[tuple[str, object]] = [
        ("node", facts["node_id"]),
        ("state", "ready" if facts["ready"] else "not ready"),
        ("version", facts["version"]),
        ("uptime", f"{facts['uptime_s']:.0f} s"),
    ]
    for check in facts["checks"]:
        detail = f"  ({check['detail']})" if check["detail"] else ""
        lines.append((check["name"], f"{'ok' if check['ok'] else 'failed'}{detail}"))
    session.output.facts(facts, lines)
    return 0 if facts["ready"] else EXIT_NOT_READY


@verb(server, "config")
@_node
@click.argument("prefix", default="")
def config(session: Session, node: str, prefix: str) -> None:
    """Show the settings in force, or those whose key starts with PREFIX."""
    with session.client() as client:
        found = [setting for setting in client.server.config(node=node) if setting.key.startswith(prefix)]
    rows = [
        {
            "key": setting.key,
            "value": json.loads(setting.value_json),
            "unit": setting.unit,
            "default": json.loads(setting.default_json),
            "reloadable": setting.reloadable,
            "help": setting.help,
        }
        for setting in found
    ]
    session.output.rows(rows, CONFIG_COLUMNS, empty=f"no setting starts with {prefix}")
