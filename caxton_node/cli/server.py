"""`caxton server`: ask a node for its health and settings."""

from __future__ import annotations

import time
from typing import Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.patience import patience
from caxton_node.cli.server_metrics import metrics
from caxton_node.cli.session import Session, verb
from caxton_node.cli.settings_table import COLUMNS, setting_rows
from caxton_node.cli.types import Duration
from caxton_node.core.errors import Unavailable

EXIT_NOT_READY = 1
ASK_AGAIN_S = 0.1
server = VerbGroup(
    name="server",
    aliases={"health": "status", "settings": "config"},
    help="Ask a node for its health and settings.",
)

_node = click.option("--node", default="", help="Which node. [default: the node that is asked]")


@verb(server, "status")
@_node
@click.option(
    "--wait", type=Duration(), default=0.0, help="Wait so long for the node to be ready, such as 30s."
)
def status(session: Session, node: str, wait: float) -> int:
    """Show whether a node does its work, check by check; exit code 1 when it does not."""
    facts = _health(session, node, wait)
    lines: list[tuple[str, object]] = [
        ("node", facts["node_id"]),
        ("state", f"{'ready' if facts['ready'] else 'not ready'}{_word(facts)}"),
        ("version", facts["version"]),
        ("uptime", f"{facts['uptime_s']:.0f} s"),
    ]
    for check in facts["checks"]:
        detail = f"  ({check['detail']})" if check["detail"] else ""
        state = check["state"] or ("ok" if check["ok"] else "failed")  # older nodes know only these two
        lines.append((check["name"], f"{state}{detail}"))
    session.output.facts(facts, lines)
    return 0 if facts["ready"] else EXIT_NOT_READY


def _word(facts: dict[str, Any]) -> str:
    """Return what is to be said beside ready or not, if anything is."""
    word = facts["status"]
    needs = "" if facts["alive"] or not word else ", it must be started anew"
    return f", {word}{needs}" if word not in {"", "ok"} else ""


@verb(server, "check")
@_node
def check(session: Session, node: str) -> int:
    """Read a node's whole database and compare every index with its table; exit code 1 when it is damaged."""
    from caxton_node.client.plain import plain

    with patience("reading the whole database"), session.client() as client:
        facts = plain(client.storage.check(node=node))
    sound = not facts["findings"]
    lines: list[tuple[str, object]] = [
        ("node", facts["node"]),
        ("database", "ok" if sound else "failed"),
        ("read", f"{facts['size_bytes'] / 2**20:.1f} MiB in {facts['took_s']:.2f} s"),
        *(("finding", finding) for finding in facts["findings"]),
    ]
    session.output.facts(facts, lines)
    if not sound:
        click.echo("next: stop the node, then caxton-node backup restore, or caxton-node salvage", err=True)
    return 0 if sound else EXIT_NOT_READY


def _health(session: Session, node: str, wait_s: float) -> dict[str, Any]:
    """Ask for the health, again and again for `wait_s` seconds until the node is ready."""
    from caxton_node.client.plain import plain

    until = time.monotonic() + wait_s
    while True:
        try:
            with session.client() as client:
                facts = plain(client.server.health(node=node))
            if facts["ready"] or time.monotonic() > until:
                return facts
        except Unavailable:
            if time.monotonic() > until:
                raise
        time.sleep(ASK_AGAIN_S)


@verb(server, "config")
@_node
@click.argument("prefix", default="")
def config(session: Session, node: str, prefix: str) -> None:
    """Show the settings in force, or those whose key starts with PREFIX."""
    rows = [row for row in setting_rows(session, node) if row["key"].startswith(prefix)]
    session.output.rows(rows, COLUMNS, empty=f"no setting starts with {prefix}")


verb(server, "metrics")(metrics)
