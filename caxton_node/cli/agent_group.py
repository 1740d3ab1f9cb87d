"""The noun `agent`, and how its verbs tell what became of one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import click

from caxton_node.cli.groups import VerbGroup
from caxton_node.cli.session import Session

if TYPE_CHECKING:
    from caxton_node.pb import agents_pb2

agent = VerbGroup(
    name="agent",
    later={
        "deploy": "caxton_node.cli.agent_deploy:deploy",
        "update": "caxton_node.cli.agent_deploy:update",
        "validate": "caxton_node.cli.agent_deploy:validate",
        "kv": "caxton_node.cli.agent_keys:kv",
    },
    aliases={
        "create": "deploy",
        "ls": "list",
        "show": "get",
        "describe": "inspect",
        "rm": "delete",
        "remove": "delete",
        "undeploy": "delete",
        "reload": "update",
        "upgrade": "update",
        "set": "update",
        "try": "validate",
        "moves": "history",
    },
    help="Deploy agents and drive them through their life.",
)
node_option = click.option("--node", default="", help="Node that runs it; needed when several do.")


def row_of(found: agents_pb2.Agent) -> dict[str, Any]:
    """Return an agent of an answer as plain values."""
    from caxton_node.client.plain import plain

    return plain(found)


def say_state(session: Session, found: agents_pb2.Agent, *, more: str = "", **data: object) -> None:
    """Say in which state an agent is now."""
    row = row_of(found)
    session.output.done({**row, **data}, f"{row['instance']} is {row['state']}{more}")


def returned(count: int) -> str:
    """Say how many messages went back, if any did."""
    return f"; {count} waiting messages went back to their senders" if count else ""
